use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use super::name::Component;
use super::status::{Phase, Readiness, unix_seconds};

/// A change, as sent by `/admin/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct JournalEntry {
    /// Greater than the id of every earlier entry, also across restarts of the process as long as this machine's clock
    /// is right.
    pub id: u64,
    /// When it happened, in Unix seconds with fractions.
    #[serde(serialize_with = "unix_seconds")]
    #[schema(value_type = f64)]
    pub at: SystemTime,
    /// The component that changed; `null`: the whole process.
    #[schema(value_type = Option<String>)]
    pub actor: Option<Component>,
    /// What changed.
    #[serde(flatten)]
    pub change: JournalEvent,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JournalEvent {
    /// An actor entered another phase.
    Phase {
        /// The previous phase.
        from: Phase,
        /// The new phase.
        to: Phase,
        /// The error that caused it.
        reason: Option<String>,
    },
    /// A component became ready or unready.
    Readiness {
        /// Whether it is ready.
        ready: bool,
        /// Why it is not ready.
        reason: Option<String>,
    },
    /// The operator requested an action.
    Order {
        /// The action.
        action: &'static str,
    },
}

impl JournalEvent {
    pub(super) fn readiness(readiness: &Readiness) -> Self {
        Self::Readiness { ready: readiness.is_ready(), reason: readiness.reason().map(str::to_owned) }
    }
}

/// The latest entries, at most [`Journal::MAX_ENTRIES`].
#[derive(Clone, Debug)]
pub struct Journal(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    entries: Mutex<VecDeque<JournalEntry>>,
    /// The newest entry's id.
    newest: watch::Sender<u64>,
}

impl Default for Journal {
    fn default() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // A process adds fewer than one entry per millisecond, so the ids of the next process are greater.
        let newest = watch::Sender::new(u64::try_from(since.as_millis()).unwrap_or_default());
        Self(Arc::new(Shared { entries: Mutex::default(), newest }))
    }
}

impl Journal {
    /// The maximum number of entries; older ones are dropped.
    pub const MAX_ENTRIES: usize = 500;

    /// Adds an entry.
    pub fn record(&self, actor: Option<Component>, change: JournalEvent) {
        let mut entries = self.0.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == Self::MAX_ENTRIES {
            entries.pop_front();
        }
        let id = *self.0.newest.borrow() + 1;
        entries.push_back(JournalEntry { id, at: SystemTime::now(), actor, change });
        self.0.newest.send_replace(id);
    }

    /// Returns the entries with a greater id, oldest first.
    pub fn since(&self, id: u64) -> Vec<JournalEntry> {
        let entries = self.0.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let first = entries.partition_point(|entry| entry.id <= id);
        entries.iter().skip(first).cloned().collect()
    }

    /// Returns a receiver that is notified of the newest entry's id.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.newest.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervision::{ActorName, ActorRegistry};

    #[test]
    fn the_journal_keeps_the_newest_entries_and_returns_those_after_an_id() {
        let (journal, orders) = (Journal::default(), Journal::MAX_ENTRIES + 7);
        let watch = journal.watch();
        for _ in 0..orders {
            journal.record(None, JournalEvent::Order { action: "drain" });
        }
        let all = journal.since(0);
        assert_eq!(all.len(), Journal::MAX_ENTRIES);
        assert!(all.windows(2).all(|two| two[0].id + 1 == two[1].id));
        assert_eq!(journal.since(all[10].id), all[11..]);
        assert_eq!(*watch.borrow(), all.last().unwrap().id);
        assert!(Journal::default().since(0).is_empty());
    }

    #[test]
    fn each_change_of_an_actor_is_recorded_once_with_its_reason() {
        let registry = ActorRegistry::default();
        let vitals = registry.register(ActorName::POLLER);
        vitals.phase(Phase::Running);
        vitals.phase(Phase::Running);
        for _ in 0..3 {
            vitals.error("no route");
            vitals.phase(Phase::BackingOff);
            vitals.readiness(Readiness::NotReady("no route".into()));
        }
        vitals.progress();
        vitals.readiness(Readiness::Ready);
        let recorded: Vec<_> =
            registry.journal().since(0).into_iter().map(|entry| (entry.actor, entry.change)).collect();
        let phase =
            |from, to, reason: Option<&str>| JournalEvent::Phase { from, to, reason: reason.map(str::to_owned) };
        let changes = [
            phase(Phase::Starting, Phase::Running, None),
            phase(Phase::Running, Phase::BackingOff, Some("no route")),
            phase(Phase::BackingOff, Phase::Running, None),
            JournalEvent::Readiness { ready: true, reason: None },
        ];
        assert_eq!(recorded, changes.map(|change| (Some(ActorName::POLLER.into()), change)));
    }

    #[test]
    fn an_entry_is_a_flat_json_object() {
        let entry = JournalEntry {
            id: 7,
            at: SystemTime::UNIX_EPOCH,
            actor: Some(ActorName::POLLER.into()),
            change: JournalEvent::Phase { from: Phase::Running, to: Phase::Paused, reason: None },
        };
        let text = r#"{"id":7,"at":0.0,"actor":"poller","kind":"phase","from":"running","to":"paused","reason":null}"#;
        assert_eq!(serde_json::to_string(&entry).unwrap(), text);
    }
}
