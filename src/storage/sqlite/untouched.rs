use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::storage::error::QueryError;

/// A file of SQLite that no process has open. It is read as immutable, since SQLite would otherwise create the files of a
/// write-ahead log beside it, also to read; so it must be noticed if a process begins to write.
#[derive(Clone, Debug)]
pub(in crate::storage) struct Untouched {
    path: PathBuf,
    stamp: Stamp,
}

type Stamp = (u64, Option<SystemTime>);

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

impl Untouched {
    /// `None` where a process has the file open, or did not close it. What it wrote last is in its log.
    pub(super) fn of(path: &Path) -> io::Result<Option<Self>> {
        let metadata = path.metadata()?;
        let this = Self { path: path.to_owned(), stamp: stamp(&metadata) };
        Ok((!this.has_log()).then_some(this))
    }

    fn has_log(&self) -> bool {
        ["-wal", "-journal"].iter().any(|suffix| beside(&self.path, suffix).exists())
    }

    /// Whether what was read until now is what the file held at the beginning.
    ///
    /// # Errors
    /// A process writes to it.
    pub(in crate::storage) fn check(&self) -> Result<(), QueryError> {
        let unchanged = self.path.metadata().is_ok_and(|metadata| stamp(&metadata) == self.stamp);
        if unchanged && !self.has_log() {
            return Ok(());
        }
        let path = self.path.display();
        Err(QueryError::Unavailable(format!("{path} was opened for writing while it was read; run the command again")))
    }
}
