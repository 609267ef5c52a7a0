use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::journal::{Journal, JournalEvent};
use super::name::{ActorName, Component, WatchedPart};
use super::observation::{NoObservation, Observation};
use super::status::{ActorStatus, LastError, Phase, Readiness, WatchedStatus};

/// What an actor reports about itself. The actor writes it and others read it, without waiting for the actor's mailbox.
#[derive(Clone, Debug)]
pub struct Vitals {
    name: ActorName,
    record: Arc<Mutex<Record>>,
}

#[derive(Debug)]
struct Record {
    status: ActorStatus,
    /// Receives every change of phase and readiness.
    journal: Journal,
    /// A running actor without progress for longer than this is stalled.
    progress_timeout: Option<Duration>,
    progressed: Instant,
}

impl Record {
    fn phase(&mut self, phase: Phase) {
        let status = &mut self.status;
        let from = std::mem::replace(&mut status.phase, phase);
        if from == phase {
            return;
        }
        status.since = SystemTime::now();
        let failed = matches!(phase, Phase::BackingOff | Phase::Restarting | Phase::Failed);
        let reason = status.last_error.as_ref().filter(|_| failed).map(|error| error.message.clone());
        self.journal.record(Some(status.name.clone().into()), JournalEvent::Phase { from, to: phase, reason });
    }
}

impl Vitals {
    pub(super) fn new(name: ActorName, journal: Journal) -> Self {
        let now = SystemTime::now();
        let status = ActorStatus {
            name: name.clone(),
            phase: Phase::Starting,
            since: now,
            restarts: 0,
            last_error: None,
            last_progress: None,
            readiness: Readiness::NotReady("starting".into()),
            readiness_since: now,
            observation: Observation::NotStarted(NoObservation {}),
            watched: Vec::new(),
        };
        let record = Record { status, journal, progress_timeout: None, progressed: Instant::now() };
        Self { name, record: Arc::new(Mutex::new(record)) }
    }

    /// Creates vitals outside any registry, for tests.
    pub fn unregistered(name: ActorName) -> Self {
        Self::new(name, Journal::default())
    }

    /// The actor's name.
    pub fn name(&self) -> &ActorName {
        &self.name
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        // A panic during a write leaves at worst an outdated value in the record.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the actor enters a phase.
    pub fn phase(&self, phase: Phase) {
        self.record().phase(phase);
    }

    /// Records that the actor finished a piece of work.
    pub fn progress(&self) {
        let mut record = self.record();
        record.status.last_progress = Some(SystemTime::now());
        record.progressed = Instant::now();
        if matches!(record.status.phase, Phase::Starting | Phase::BackingOff | Phase::Restarting) {
            record.phase(Phase::Running);
        }
    }

    /// Sets the time without progress after which the actor counts as stalled; `None` disables stall detection.
    pub fn expect_progress_within(&self, progress_timeout: Option<Duration>) {
        let mut record = self.record();
        record.progress_timeout = progress_timeout;
        record.progressed = Instant::now();
    }

    /// Records an error after which the actor continues.
    pub fn error(&self, message: impl Into<String>) {
        self.record().status.last_error = Some(LastError { at: SystemTime::now(), message: message.into() });
    }

    /// Reports whether the actor's part of the service can be used.
    pub fn readiness(&self, readiness: Readiness) {
        let mut record = self.record();
        let Record { status, journal, .. } = &mut *record;
        // A different reason alone is not a change.
        if status.readiness.is_ready() != readiness.is_ready() {
            status.readiness_since = SystemTime::now();
            journal.record(Some(status.name.clone().into()), JournalEvent::readiness(&readiness));
        }
        status.readiness = readiness;
    }

    /// Reports whether an external component works; `None` means that it does not exist.
    pub fn watched(&self, part: WatchedPart, readiness: Option<Readiness>) {
        let mut record = self.record();
        let Record { status, journal, .. } = &mut *record;
        let known = status.watched.iter().position(|watched| watched.part == part);
        let before = known.map(|index| status.watched.remove(index));
        let Some(readiness) = readiness else { return };
        let unchanged = before.as_ref().filter(|before| before.readiness.is_ready() == readiness.is_ready());
        let since = unchanged.map_or_else(SystemTime::now, |before| before.since);
        // A component that works from the start is not a change.
        if unchanged.is_none() && (before.is_some() || !readiness.is_ready()) {
            journal.record(Some(Component::Watched(part)), JournalEvent::readiness(&readiness));
        }
        let index = known.unwrap_or(status.watched.len());
        status.watched.insert(index, WatchedStatus { part, readiness, since });
    }

    /// Replaces the actor's observation.
    pub fn observe(&self, observation: Observation) {
        self.record().status.observation = observation;
    }

    pub(super) fn restarted(&self) {
        let mut record = self.record();
        record.status.restarts += 1;
        // The restart cancelled the work in progress. The next piece of work sets its own limit.
        record.progress_timeout = None;
        record.phase(Phase::Running);
    }

    /// Returns a copy of the actor's state. A running actor without recent progress is reported as stalled.
    pub fn status(&self) -> ActorStatus {
        let record = self.record();
        let mut status = record.status.clone();
        if let Some(progress_timeout) = record.progress_timeout
            && status.phase == Phase::Running
            && record.progressed.elapsed() > progress_timeout
        {
            status.phase = Phase::Stalled;
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_running_actor_without_progress_is_reported_as_stalled() {
        let vitals = Vitals::unregistered(ActorName::POLLER);
        vitals.expect_progress_within(Some(Duration::from_secs(30)));
        vitals.progress();
        assert_eq!(vitals.status().phase, Phase::Running);
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(vitals.status().phase, Phase::Stalled);
        vitals.progress();
        assert_eq!(vitals.status().phase, Phase::Running);
    }

    #[tokio::test(start_paused = true)]
    async fn an_actor_restarted_in_the_middle_of_its_work_is_not_stalled() {
        let vitals = Vitals::unregistered(ActorName::DbWriter);
        vitals.expect_progress_within(Some(Duration::from_secs(30)));
        vitals.phase(Phase::Restarting);
        vitals.restarted();
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(vitals.status().phase, Phase::Running);
    }

    #[test]
    fn readiness_keeps_the_time_of_its_change() {
        let vitals = Vitals::unregistered(ActorName::DbWriter);
        let since = vitals.status().readiness_since;
        vitals.readiness(Readiness::NotReady("no connection".into()));
        let status = vitals.status();
        assert_eq!((status.readiness, status.readiness_since), (Readiness::NotReady("no connection".into()), since));
        vitals.readiness(Readiness::Ready);
        assert!(vitals.status().readiness_since >= since);
    }

    #[test]
    fn an_actor_status_has_these_keys() {
        let value = serde_json::to_value(Vitals::unregistered(ActorName::POLLER).status()).unwrap();
        let keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["last_error", "last_progress", "name", "observation", "phase", "restarts", "since"]);
        assert_eq!((&value["name"], &value["observation"]), (&"poller".into(), &serde_json::json!({})));
    }
}
