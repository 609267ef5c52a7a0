use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use actors::domain::UnixTime;
use actors::enrichment::SharedFacts;

use super::loaded::LoadedTable;
use super::loader::load_table;
use crate::file_stamp::{FileStamp, file_stamp};

/// Loads the aircraft table on a thread of its own, at first and whenever the file changes. Dropping it ends the thread.
#[derive(Debug)]
pub struct TableWatch {
    status: Arc<Mutex<TableStatus>>,
    /// The thread ends when this is dropped.
    _stop: mpsc::Sender<()>,
}

/// What is known about the table and its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableStatus {
    /// The number of aircraft in the current table.
    pub aircraft: usize,
    /// The size of the current table in memory, in bytes.
    pub bytes: usize,
    /// The number of invalid rows of its file.
    pub bad_rows: u64,
    /// When it was loaded.
    pub loaded_at: Option<UnixTime>,
    /// Why the file, as it is now, is not used; the table is then the last one that could be read.
    pub error: Option<String>,
    /// How often a file was loaded.
    pub loads: u64,
    /// How often a file was refused.
    pub failures: u64,
}

impl TableWatch {
    /// How often to look for a change.
    const INTERVAL: Duration = Duration::from_secs(2);
    /// How long a start waits for the table. A large one takes two seconds; a file system that does not respond must not
    /// keep the server from starting.
    const FIRST_LOAD_TIMEOUT: Duration = Duration::from_secs(10);

    /// Loads the table and starts to watch its file. The first table is loaded, or refused, when this returns, so that
    /// the first alerts and records have its data; a slow one follows in the background.
    ///
    /// # Errors
    /// Fails if the thread cannot be started.
    pub fn start(path: PathBuf, facts: SharedFacts) -> io::Result<Self> {
        let shown_path = path.display().to_string();
        let (watch, first_load) = Self::start_with(path, facts, Self::INTERVAL)?;
        // The thread drops the sender after the first load.
        if first_load.recv_timeout(Self::FIRST_LOAD_TIMEOUT) == Err(RecvTimeoutError::Timeout) {
            log::warn!(path = shown_path.as_str(); "starting without the aircraft table, which is still being loaded");
        }
        Ok(watch)
    }

    /// Also returns a receiver of the end of the first load.
    fn start_with(path: PathBuf, facts: SharedFacts, interval: Duration) -> io::Result<(Self, mpsc::Receiver<()>)> {
        let status = Arc::<Mutex<TableStatus>>::default();
        let (stop, stopped) = mpsc::channel::<()>();
        let (loaded, first_load) = mpsc::channel::<()>();
        let mut file = WatchedFile { path, facts, status: Arc::clone(&status), tried: None, seen: None };
        thread::Builder::new().name("aircraft-table".to_owned()).spawn(move || {
            file.load(file_stamp(&file.path));
            drop(loaded);
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(interval) {
                file.check();
            }
        })?;
        Ok((Self { status, _stop: stop }, first_load))
    }

    /// Returns the current status.
    pub fn status(&self) -> TableStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct WatchedFile {
    path: PathBuf,
    facts: SharedFacts,
    status: Arc<Mutex<TableStatus>>,
    /// The file that was loaded or refused last.
    tried: Option<Option<FileStamp>>,
    /// The file at the last check.
    seen: Option<FileStamp>,
}

impl WatchedFile {
    /// Loads the file if it has changed, and no longer changes: it may be written in place.
    fn check(&mut self) {
        let now = file_stamp(&self.path);
        let is_steady = now == self.seen;
        self.seen = now;
        if is_steady && self.tried != Some(now) {
            self.load(now);
        }
    }

    fn load(&mut self, stamp_before: Option<FileStamp>) {
        self.tried = Some(stamp_before);
        let loaded = load_table(&self.path);
        let stamp_after = file_stamp(&self.path);
        if loaded.is_ok() && stamp_after != stamp_before {
            // The file was replaced or written while it was read.
            self.tried = None;
            return;
        }
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        match loaded {
            Ok(LoadedTable { table, format, bad_rows, first_bad_row }) => {
                let path = self.path.display();
                log::info!(path:%, format, aircraft = table.len(), bad_rows; "loaded the aircraft table");
                if let Some((line, reason)) = first_bad_row {
                    log::warn!(path:%, line, rows = bad_rows; "left out invalid rows of the aircraft table: {reason}");
                }
                status.aircraft = table.len();
                status.bytes = table.size();
                status.bad_rows = bad_rows;
                status.loaded_at = Some(UnixTime::now());
                status.error = None;
                status.loads += 1;
                self.facts.replace_table(table);
            }
            Err(error) => {
                let kept = status.aircraft;
                log::error!(error:%, kept; "failed to load the aircraft table, keeping the current one");
                status.error = Some(error.to_string());
                status.failures += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use actors::domain::Icao24;

    use super::*;

    struct Watched {
        folder: tempfile::TempDir,
        facts: SharedFacts,
        watch: TableWatch,
    }

    impl Watched {
        fn start(content: Option<&str>) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("table.csv");
            if let Some(content) = content {
                std::fs::write(&path, content).unwrap();
            }
            let facts = SharedFacts::default();
            let (watch, _) = TableWatch::start_with(path, facts.clone(), Duration::from_millis(10)).unwrap();
            Self { folder, facts, watch }
        }

        fn write(&self, content: &str) {
            std::fs::write(self.folder.path().join("table.csv"), content).unwrap();
        }

        /// Replaces the file as `mv` does.
        fn replace(&self, content: &str) {
            let temporary = self.folder.path().join("new");
            std::fs::write(&temporary, content).unwrap();
            std::fs::rename(&temporary, self.folder.path().join("table.csv")).unwrap();
        }

        fn until(&self, condition: impl Fn(&TableStatus) -> bool) -> TableStatus {
            let deadline = Instant::now() + Duration::from_secs(30);
            loop {
                let status = self.watch.status();
                if condition(&status) {
                    return status;
                }
                assert!(Instant::now() < deadline, "{status:?}");
                thread::yield_now();
            }
        }

        fn registration(&self) -> Option<String> {
            let facts = self.facts.current();
            facts.facts(Icao24::from_u32(0x4b1814), None).registration.map(|(text, _)| text.into())
        }
    }

    #[test]
    fn a_changed_file_is_reloaded() {
        let watched = Watched::start(Some("icao24,registration\n4b1814,A\n"));
        watched.until(|status| status.loads == 1);
        assert_eq!(watched.registration().as_deref(), Some("A"));
        watched.replace("icao24,registration\n4b1814,B\n");
        watched.until(|status| status.loads == 2);
        assert_eq!(watched.registration().as_deref(), Some("B"));
        watched.write("icao24,registration\n4b1814,LONG\n4b1815,C\nx,y\n");
        let status = watched.until(|status| status.loads == 3);
        assert_eq!((status.aircraft, status.bad_rows, status.error), (2, 1, None));
        assert_eq!(watched.registration().as_deref(), Some("LONG"));
    }

    #[test]
    fn a_bad_file_keeps_the_last_table_until_a_good_one_follows() {
        let watched = Watched::start(Some("icao24,registration\n4b1814,A\n"));
        watched.until(|status| status.loads == 1);
        watched.replace("garbage\n");
        let status = watched.until(|status| status.failures == 1);
        assert!(status.error.unwrap().contains("table.csv:1: no column icao24"));
        assert_eq!((status.aircraft, watched.registration().as_deref()), (1, Some("A")));
        std::fs::remove_file(watched.folder.path().join("table.csv")).unwrap();
        watched.until(|status| status.failures == 2);
        watched.write("icao24,registration\n4b1814,D\n");
        assert_eq!(watched.until(|status| status.loads == 2).error, None);
        assert_eq!(watched.registration().as_deref(), Some("D"));
    }

    #[test]
    fn a_missing_file_is_loaded_once_it_exists() {
        let watched = Watched::start(None);
        assert!(watched.until(|status| status.failures == 1).error.unwrap().contains("No such file"));
        watched.write("icao24,registration\n4b1814,A\n");
        watched.until(|status| status.loads == 1);
        assert_eq!(watched.registration().as_deref(), Some("A"));
    }
}
