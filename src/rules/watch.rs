use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use actors::detect::RuleSet;
use actors::detector::SharedRules;
use actors::domain::UnixTime;
use thiserror::Error;

use super::error::InvalidRules;
use super::sources::{LoadedRules, RuleSources};
use crate::atomic_file::{self, Existing};
use crate::file_stamp::{FileStamp, file_stamp};

/// Reads the rules again when one of their files changes, on a thread of its own. Dropping it ends the thread.
#[derive(Debug)]
pub struct RulesWatch {
    sources: RuleSources,
    rules: SharedRules,
    status: Arc<Mutex<RulesStatus>>,
    /// Held during an edit.
    edits: Mutex<()>,
    /// Makes the thread read the rules at once. The thread ends when this is dropped.
    wake: mpsc::Sender<()>,
}

/// What is known about the rules and their files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesStatus {
    /// The number of rules that are applied.
    pub rules: usize,
    /// The number of their fences.
    pub fences: usize,
    /// When they were read.
    pub loaded_at: Option<UnixTime>,
    /// Why the files, as they are now, are refused; the rules are then the last ones that were valid.
    pub error: Option<InvalidRules>,
    /// How often rules were read.
    pub loads: u64,
    /// How often the files were refused.
    pub failures: u64,
}

/// The file of rules that can be edited through the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditedRules {
    /// Its path.
    pub file: PathBuf,
    /// Its text; empty if it does not exist.
    pub text: String,
    /// Identifies the text.
    pub version: String,
}

/// Why an edit is refused.
#[derive(Debug, Error)]
pub enum EditError {
    /// No file is configured.
    #[error("rules cannot be edited: detect.edited_rules is empty")]
    NotEditable,
    /// The file was edited by another client.
    #[error("the rules have changed since they were read")]
    Conflict,
    /// The rules have faults.
    #[error(transparent)]
    Invalid(#[from] InvalidRules),
    /// The file cannot be read or written.
    #[error("{0}: {1}")]
    File(String, String),
}

impl RulesWatch {
    /// How often to look for a change.
    const INTERVAL: Duration = Duration::from_secs(2);
    /// A new file can be read by everyone, like the configuration.
    const MODE: u32 = 0o644;

    /// Reads the rules, and starts to watch their files.
    ///
    /// # Errors
    /// Returns an error if the rules are invalid, which contains [`InvalidRules`], or the thread cannot be started.
    pub fn start(sources: RuleSources) -> anyhow::Result<Self> {
        Self::start_with(sources, Self::INTERVAL)
    }

    pub(super) fn start_with(sources: RuleSources, interval: Duration) -> anyhow::Result<Self> {
        let LoadedRules { rules, files } = sources.load();
        let stamps = stamps(&files);
        let rules = rules?;
        log::info!(rules = rules.rules().len(), fences = rules.fences(); "read the rules");
        let status = RulesStatus::default().after(&rules);
        let (rules, status) = (SharedRules::new(rules), Arc::new(Mutex::new(status)));
        let (wake, woken) = mpsc::channel();
        let mut watched = WatchedFiles {
            sources: sources.clone(),
            rules: rules.clone(),
            status: Arc::clone(&status),
            files,
            seen: stamps.clone(),
            tried: Some(stamps),
        };
        thread::Builder::new().name("rules".to_owned()).spawn(move || watched.run(&woken, interval))?;
        Ok(Self { sources, rules, status, edits: Mutex::new(()), wake })
    }

    /// Returns the rules, which are replaced when their files change.
    pub fn rules(&self) -> &SharedRules {
        &self.rules
    }

    /// Returns the current status.
    pub fn status(&self) -> RulesStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the file that can be edited, if one is configured.
    ///
    /// # Errors
    /// Returns an error if it cannot be read.
    pub fn edited(&self) -> Result<Option<EditedRules>, EditError> {
        let Some(file) = &self.sources.edited else { return Ok(None) };
        let text = match textfile::read(file, Self::MAX_EDITED) {
            Ok(text) => text,
            Err(error) if error.is_not_found() => String::new(),
            Err(error) => return Err(EditError::File(file.display().to_string(), error.to_string())),
        };
        let version = version_of(&text);
        Ok(Some(EditedRules { file: file.clone(), text, version }))
    }

    /// The maximum size of the file that can be edited, in bytes.
    pub const MAX_EDITED: u64 = 4 << 20;

    /// Replaces the text of the file that can be edited, if all rules are then valid. They are applied at once.
    ///
    /// # Errors
    /// Returns an error if no file is configured, the rules are invalid, the file was not in this version before, or it
    /// cannot be written.
    pub fn edit(&self, text: &str, version: Option<&str>) -> Result<RuleSet, EditError> {
        let _edit = self.edits.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.edited()?.ok_or(EditError::NotEditable)?;
        if version.is_some_and(|version| version != current.version) {
            return Err(EditError::Conflict);
        }
        let rules = self.sources.with_edited(text)?;
        atomic_file::write(&current.file, text, Self::MODE, Existing::Replace)
            .map_err(|error| EditError::File(current.file.display().to_string(), error.to_string()))?;
        // Without the thread, the process is about to end.
        let _ = self.wake.send(());
        Ok(rules)
    }
}

fn version_of(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

type Stamps = BTreeMap<PathBuf, Option<FileStamp>>;

fn stamps(files: &BTreeSet<PathBuf>) -> Stamps {
    files.iter().map(|file| (file.clone(), file_stamp(file))).collect()
}

struct WatchedFiles {
    sources: RuleSources,
    rules: SharedRules,
    status: Arc<Mutex<RulesStatus>>,
    /// Everything that was read for the rules.
    files: BTreeSet<PathBuf>,
    /// The files at the last check.
    seen: Stamps,
    /// The files that were accepted or refused last.
    tried: Option<Stamps>,
}

impl WatchedFiles {
    fn run(&mut self, woken: &Receiver<()>, interval: Duration) {
        loop {
            match woken.recv_timeout(interval) {
                Ok(()) => self.load(),
                Err(RecvTimeoutError::Timeout) => self.check(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Reads the rules if a file has changed, and none changes any more: it may be written in place.
    fn check(&mut self) {
        let now = stamps(&self.files);
        let is_steady = now == self.seen;
        self.seen = now;
        if is_steady && self.tried.as_ref() != Some(&self.seen) {
            self.load();
        }
    }

    fn load(&mut self) {
        let before = stamps(&self.files);
        let LoadedRules { rules, files } = self.sources.load();
        let after = stamps(&files);
        self.files = files;
        if after.iter().any(|(path, stamp)| before.get(path).is_some_and(|earlier| earlier != stamp)) {
            // A file was replaced or written while it was read.
            self.tried = None;
            return;
        }
        self.tried = Some(after);
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        match rules {
            Ok(rules) => {
                log::info!(rules = rules.rules().len(), fences = rules.fences(); "read the rules again");
                *status = status.clone().after(&rules);
                self.rules.replace(rules);
            }
            Err(error) => {
                let kept = status.rules;
                for fault in &error.0 {
                    log::error!(kept; "invalid rules, keeping the current ones: {fault}");
                }
                status.error = Some(error);
                status.failures += 1;
            }
        }
    }
}

impl RulesStatus {
    /// Returns the status after rules were read.
    fn after(self, rules: &RuleSet) -> Self {
        Self {
            rules: rules.rules().len(),
            fences: rules.fences(),
            loaded_at: Some(UnixTime::now()),
            error: None,
            loads: self.loads + 1,
            failures: self.failures,
        }
    }
}

#[cfg(test)]
mod tests;
