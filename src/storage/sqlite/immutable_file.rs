use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::storage::error::QueryError;

/// A SQLite file that no process has open. It is read as immutable, because SQLite would otherwise create write-ahead
/// log files next to it, even for reading. Since SQLite takes no locks on an immutable file, [`check`](Self::check)
/// detects a process that starts writing.
#[derive(Clone, Debug)]
pub(in crate::storage) struct ImmutableFile {
    path: PathBuf,
    stamp: Stamp,
}

type Stamp = (u64, Option<SystemTime>);

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

impl ImmutableFile {
    /// Returns `None` if a process has the file open or did not close it properly. Its latest writes are then in its
    /// log.
    pub(super) fn detect(path: &Path) -> io::Result<Option<Self>> {
        let metadata = path.metadata()?;
        let file = Self { path: path.to_owned(), stamp: stamp(&metadata) };
        Ok((!file.has_log()).then_some(file))
    }

    fn has_log(&self) -> bool {
        ["-wal", "-journal"].iter().any(|suffix| with_suffix(&self.path, suffix).exists())
    }

    /// Checks that the file has not changed since it was opened, so that everything read so far is consistent.
    ///
    /// # Errors
    /// A process has opened the file for writing.
    pub(in crate::storage) fn check(&self) -> Result<(), QueryError> {
        let unchanged = self.path.metadata().is_ok_and(|metadata| stamp(&metadata) == self.stamp);
        if unchanged && !self.has_log() {
            return Ok(());
        }
        let path = self.path.display();
        Err(QueryError::Unavailable(format!("{path} was opened for writing while it was read; run the command again")))
    }
}
