use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde::Serialize;
use tokio::sync::watch;

use super::vitals::{Phase, unix_seconds};

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Greater than that of every entry before, also of an earlier process, as far as this machine's clock is right.
    pub id: u64,
    /// When, in Unix seconds with fractions.
    #[serde(serialize_with = "unix_seconds")]
    pub at: SystemTime,
    /// Of which actor; `None`: of the process.
    pub actor: Option<&'static str>,
    /// What.
    #[serde(flatten)]
    pub change: Change,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// What an actor is doing.
    Phase {
        /// Before.
        from: Phase,
        /// From now on.
        to: Phase,
        /// The error that led to it.
        reason: Option<String>,
    },
    /// Whether an actor's part of the service can be used.
    Readiness {
        /// Whether it can, from now on.
        ready: bool,
        /// Why not.
        reason: Option<String>,
    },
    /// Somebody ordered something.
    Order {
        /// What was ordered.
        action: &'static str,
    },
}

/// The newest changes, of which the oldest are forgotten.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    entries: Mutex<VecDeque<Entry>>,
    /// The newest entry's id.
    newest: watch::Sender<u64>,
}

impl Default for Journal {
    fn default() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // A process makes fewer than one entry a millisecond, so the next one begins above.
        let newest = watch::Sender::new(u64::try_from(since.as_millis()).unwrap_or_default());
        Self(Arc::new(Shared { entries: Mutex::default(), newest }))
    }
}

impl Journal {
    /// How many entries are kept.
    pub const LENGTH: usize = 500;

    /// Adds an entry.
    pub fn record(&self, actor: Option<&'static str>, change: Change) {
        let mut entries = self.0.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == Self::LENGTH {
            entries.pop_front();
        }
        let id = *self.0.newest.borrow() + 1;
        entries.push_back(Entry { id, at: SystemTime::now(), actor, change });
        self.0.newest.send_replace(id);
    }

    /// The entries that are kept and newer than this id, oldest first.
    pub fn since(&self, id: u64) -> Vec<Entry> {
        let entries = self.0.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let first = entries.partition_point(|entry| entry.id <= id);
        entries.iter().skip(first).cloned().collect()
    }

    /// Tells of each new entry by its id.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.newest.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervision::{Board, Readiness};

    #[test]
    fn it_keeps_the_newest_and_says_what_is_newer() {
        let (journal, orders) = (Journal::default(), Journal::LENGTH + 7);
        let watch = journal.watch();
        for _ in 0..orders {
            journal.record(None, Change::Order { action: "drain" });
        }
        let all = journal.since(0);
        assert_eq!(all.len(), Journal::LENGTH);
        assert!(all.windows(2).all(|two| two[0].id + 1 == two[1].id));
        assert_eq!(journal.since(all[10].id), all[11..]);
        assert_eq!(*watch.borrow(), all.last().unwrap().id);
        assert!(Journal::default().since(0).is_empty());
    }

    #[test]
    fn every_change_of_an_actor_is_noted_once_with_its_reason() {
        let board = Board::default();
        let vitals = board.list("poller");
        vitals.phase(Phase::Running);
        vitals.phase(Phase::Running);
        for _ in 0..3 {
            vitals.error("no route");
            vitals.phase(Phase::BackingOff);
            vitals.readiness(Readiness::NotReady("no route".into()));
        }
        vitals.progress();
        vitals.readiness(Readiness::Ready);
        let noted: Vec<_> = board.journal().since(0).into_iter().map(|entry| (entry.actor, entry.change)).collect();
        let phase = |from, to, reason: Option<&str>| Change::Phase { from, to, reason: reason.map(str::to_owned) };
        let changes = [
            phase(Phase::Starting, Phase::Running, None),
            phase(Phase::Running, Phase::BackingOff, Some("no route")),
            phase(Phase::BackingOff, Phase::Running, None),
            Change::Readiness { ready: true, reason: None },
        ];
        assert_eq!(noted, changes.map(|change| (Some("poller"), change)));
    }

    #[test]
    fn an_entry_says_what_changed_in_one_flat_object() {
        let entry = Entry {
            id: 7,
            at: SystemTime::UNIX_EPOCH,
            actor: Some("poller"),
            change: Change::Phase { from: Phase::Running, to: Phase::Paused, reason: None },
        };
        let text = r#"{"id":7,"at":0.0,"actor":"poller","kind":"phase","from":"running","to":"paused","reason":null}"#;
        assert_eq!(serde_json::to_string(&entry).unwrap(), text);
    }
}
