use std::cell::{Cell, RefCell};
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use actors::ports::SourceError;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::list_reader::{ListReader, Read};
use super::wire::{AircraftList, parse_aircraft};

/// Reads a list of aircraft from a file that another program replaces.
pub(super) struct FileReader {
    path: PathBuf,
    /// The version of the file that was read last.
    last: Cell<Option<FileVersion>>,
    /// A read that did not complete in time. A second one would hang, too, and hold another thread.
    hanging: RefCell<Option<JoinHandle<Outcome>>>,
    timeout: Duration,
}

/// Tells the versions of a file apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileVersion {
    inode: u64,
    size: u64,
    modified: Option<SystemTime>,
}

type Outcome = Result<Option<(FileVersion, Vec<u8>)>, SourceError>;

/// The maximum size of a file in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// A file that is not a list is read this many times: it may just be written in place.
const ATTEMPTS: u32 = 3;

/// The pause between two attempts.
const RETRY: Duration = Duration::from_millis(50);

/// The name of the file in the folder of readsb.
const FILE_NAME: &str = "aircraft.json";

impl FileReader {
    /// Creates a reader of the file at a path, or of the `aircraft.json` in the folder there.
    pub(super) fn new(path: PathBuf, timeout: Duration) -> Self {
        Self { path, last: Cell::new(None), hanging: RefCell::new(None), timeout }
    }

    async fn read_once(&self) -> Outcome {
        if self.hanging.borrow().as_ref().is_some_and(|task| !task.is_finished()) {
            let what = format!("{}: an earlier read has not completed", self.path.display());
            return Err(SourceError::Unavailable(what));
        }
        let (path, last) = (self.path.clone(), self.last.get());
        let mut task = tokio::task::spawn_blocking(move || read_if_changed(&path, last));
        match timeout(self.timeout, &mut task).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Err(SourceError::Unavailable(format!("{}: {error}", self.path.display()))),
            Err(_) => {
                self.hanging.replace(Some(task));
                let what = format!("{}: not read within {:?}", self.path.display(), self.timeout);
                Err(SourceError::Unavailable(what))
            }
        }
    }

    async fn read_list(&self) -> Result<Read, SourceError> {
        let mut attempt = 1;
        loop {
            let Some((version, bytes)) = self.read_once().await? else { return Ok(Read::Unchanged) };
            match parse_aircraft(&bytes) {
                Ok(list) => return Ok(self.keep(version, list)),
                Err(error) if attempt == ATTEMPTS => {
                    return Err(SourceError::Malformed(format!("{}: {error}", self.path.display())));
                }
                Err(_) => {
                    attempt += 1;
                    sleep(RETRY).await;
                }
            }
        }
    }

    fn keep(&self, version: FileVersion, list: AircraftList) -> Read {
        self.last.set(Some(version));
        Read::List(list)
    }
}

impl FileVersion {
    fn of(metadata: &Metadata) -> Self {
        Self { inode: metadata.ino(), size: metadata.len(), modified: metadata.modified().ok() }
    }
}

/// Reads the file unless it is still this version. Waits for the file system.
fn read_if_changed(path: &Path, last: Option<FileVersion>) -> Outcome {
    let failed = |path: &Path, error: &io::Error| {
        let what = format!("{}: {error}", path.display());
        match error.kind() {
            // readsb may start later, and the network may return.
            ErrorKind::PermissionDenied | ErrorKind::NotADirectory => SourceError::Refused(what),
            _ => SourceError::Unavailable(what),
        }
    };
    let mut path = path.to_owned();
    let mut metadata = std::fs::metadata(&path).map_err(|error| failed(&path, &error))?;
    if metadata.is_dir() {
        path.push(FILE_NAME);
        metadata = std::fs::metadata(&path).map_err(|error| failed(&path, &error))?;
    }
    // Opening a pipe would wait for its writer.
    if !metadata.is_file() {
        return Err(SourceError::Refused(format!("{}: not a regular file", path.display())));
    }
    if last == Some(FileVersion::of(&metadata)) {
        return Ok(None);
    }
    let read = || {
        let file = File::open(&path)?;
        // The file may have been replaced since.
        let version = FileVersion::of(&file.metadata()?);
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        Ok((version, bytes))
    };
    let (version, bytes) = read().map_err(|error: io::Error| failed(&path, &error))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(SourceError::Malformed(format!("{}: larger than {MAX_FILE} bytes", path.display())));
    }
    Ok(Some((version, bytes)))
}

impl ListReader for FileReader {
    fn read(&self) -> LocalBoxFuture<'_, Result<Read, SourceError>> {
        self.read_list().boxed_local()
    }

    fn max_read_time(&self) -> Duration {
        ATTEMPTS * (self.timeout + RETRY)
    }
}
