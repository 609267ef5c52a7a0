use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use actors::batch::{Batch, Fenced, LogId, Position, Stored};
use actors::domain::UnixTime;
use actors::ports::SinkError;
use time::OffsetDateTime;

use super::state::State;
use crate::atomic_file::{self, Existing};
use crate::fault;
use crate::kafka::codec;
use crate::sinks::blocking::BlockingSink;

/// The folder with the files of lines, and `positions.json`, which says what is durably in them.
///
/// A write appends the lines, waits until they are on the disk and then replaces `positions.json`. If the process is
/// killed before that, the next one cuts the files back to the lengths in `positions.json` and reads the records again.
pub(super) struct Folder {
    directory: PathBuf,
    /// What `positions.json` contains.
    state: State,
    /// Whether files may be longer than the state says, since a write failed.
    interrupted: bool,
    /// Locked while this process uses the folder.
    _lock: File,
}

const POSITIONS: &str = "positions.json";
const LOCK: &str = ".lock";

impl Folder {
    /// Opens the folder, and creates it if it does not exist.
    ///
    /// # Errors
    /// Returns an error if it cannot be created or read, another process writes to it, or `positions.json` is invalid.
    pub(super) fn open(directory: PathBuf) -> Result<Self, SinkError> {
        fs::create_dir_all(&directory).map_err(|error| failed("create", &directory, &error))?;
        let lock = lock(&directory.join(LOCK))?;
        let file = directory.join(POSITIONS);
        let state = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| SinkError::Refused(format!("{} is invalid: {error}", file.display())))?,
            Err(error) if error.kind() == ErrorKind::NotFound => State::default(),
            Err(error) => return Err(failed("read", &file, &error)),
        };
        Ok(Self { directory, state, interrupted: true, _lock: lock })
    }

    /// Removes what an interrupted write appended.
    fn repair(&mut self) -> Result<(), SinkError> {
        if !self.interrupted {
            return Ok(());
        }
        for (name, &length) in &self.state.files {
            let file = self.directory.join(name);
            let cut = || -> io::Result<()> {
                let opened = OpenOptions::new().write(true).open(&file)?;
                if opened.metadata()?.len() > length {
                    opened.set_len(length)?;
                    opened.sync_all()?;
                }
                Ok(())
            };
            match cut() {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed("repair", &file, &error)),
                // The operator may have moved a file away.
                _ => {}
            }
        }
        self.interrupted = false;
        Ok(())
    }

    /// Stores the lengths of the files that are about to be written, so that an interrupted write can be removed. The
    /// operator may have moved a file away, or truncated it.
    fn learn_lengths(&mut self, lines: &BTreeMap<String, Vec<u8>>) -> Result<(), SinkError> {
        let mut learnt = self.state.clone();
        for name in lines.keys() {
            let file = self.directory.join(name);
            let length = match fs::metadata(&file) {
                Ok(metadata) => metadata.len(),
                Err(error) if error.kind() == ErrorKind::NotFound => 0,
                Err(error) => return Err(failed("read", &file, &error)),
            };
            learnt.files.insert(name.clone(), length);
        }
        learnt.forget_oldest_files(|name| lines.contains_key(name));
        if learnt == self.state { Ok(()) } else { self.save(learnt) }
    }

    fn append(&self, name: &str, text: &[u8]) -> Result<(), SinkError> {
        let file = self.directory.join(name);
        let append = || -> io::Result<()> {
            let is_new = !file.exists();
            let mut opened = OpenOptions::new().create(true).append(true).open(&file)?;
            opened.write_all(text)?;
            opened.sync_data()?;
            if is_new { self.sync_directory() } else { Ok(()) }
        };
        append().map_err(|error| failed("write", &file, &error))
    }

    fn save(&mut self, state: State) -> Result<(), SinkError> {
        let file = self.directory.join(POSITIONS);
        let saved = serde_json::to_string(&state)
            .map_err(io::Error::from)
            .and_then(|text| atomic_file::write(&file, &text, 0o644, Existing::Replace));
        saved.map_err(|error| failed("write", &file, &error))?;
        // Set before the directory is synced: whether or not that succeeds, the file has this content now.
        self.state = state;
        self.sync_directory().map_err(|error| failed("write", &file, &error))
    }

    /// Makes created and renamed files durable.
    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }
}

impl BlockingSink for Folder {
    fn positions(&mut self, log: &LogId, partitions: &[i32]) -> Result<Vec<Position>, SinkError> {
        Ok(partitions.iter().filter_map(|&partition| self.state.position(log, partition)).collect())
    }

    /// Appends the state vectors of a batch and stores the new positions. Parts that do not continue at the stored
    /// position are skipped.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written. The next write first removes what was appended.
    fn write(&mut self, batch: &Batch) -> Result<Stored, SinkError> {
        self.repair()?;
        let mut stored = Stored::default();
        let mut lines: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut next = self.state.clone();
        for part in &batch.parts {
            let found = self.state.position(&batch.log, part.partition);
            if found.map(|position| position.next_offset) != part.expected {
                stored.fenced.push(Fenced { partition: part.partition, found });
                continue;
            }
            for state in &part.states {
                let text = lines.entry(file_name(state.last_contact)).or_default();
                codec::encode(state, text);
                text.push(b'\n');
            }
            stored.inserted += part.states.len() as u64;
            let (partition, next_offset) = (part.partition, part.next_offset);
            next.advance(&batch.log, Position { partition, next_offset, last_timestamp: part.last_timestamp });
        }
        if stored.fenced.len() == batch.parts.len() {
            return Ok(stored);
        }
        self.learn_lengths(&lines)?;
        self.interrupted = true;
        next.files.clone_from(&self.state.files);
        for (name, text) in &lines {
            self.append(name, text)?;
            *next.files.entry(name.clone()).or_default() += text.len() as u64;
        }
        fault::point("sink-appended");
        self.save(next)?;
        fault::point("sink-saved");
        self.interrupted = false;
        Ok(stored)
    }
}

fn lock(file: &Path) -> Result<File, SinkError> {
    let opened = OpenOptions::new().create(true).append(true).open(file);
    let opened = opened.map_err(|error| failed("open", file, &error))?;
    match opened.try_lock() {
        Ok(()) => Ok(opened),
        Err(TryLockError::WouldBlock) => {
            Err(SinkError::Refused(format!("{} is locked: another process writes to this folder", file.display())))
        }
        Err(TryLockError::Error(error)) => Err(failed("lock", file, &error)),
    }
}

/// Returns the file of a state vector, such as `state-vectors-2026-11-30.jsonl`.
fn file_name(time: UnixTime) -> String {
    let date = OffsetDateTime::from_unix_timestamp(time.0).map_or(time::Date::MAX, OffsetDateTime::date);
    format!("state-vectors-{date}.jsonl")
}

fn failed(what: &str, path: &Path, error: &io::Error) -> SinkError {
    let text = format!("failed to {what} {}: {error}", path.display());
    match error.kind() {
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::AlreadyExists => SinkError::Refused(text),
        _ => SinkError::Unavailable(text),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
