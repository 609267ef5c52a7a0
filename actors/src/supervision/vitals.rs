use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use serde_json::Value;
use tokio::time::Instant;

use super::journal::{Change, Journal};

/// What an actor is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not yet at work.
    Starting,
    /// At work, or ready for it.
    Running,
    /// At work, but without progress for longer than it should be.
    Stalled,
    /// Waiting for something outside that failed, to try again.
    BackingOff,
    /// At rest because the operator wants it so.
    Paused,
    /// Failed, to be restarted after a pause.
    Restarting,
    /// Finishing what is under way.
    Draining,
    /// At its end.
    Finished,
    /// Given up by its supervisor.
    Failed,
}

/// Whether an actor's part of the service can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    Ready,
    /// It cannot, and why.
    NotReady(String),
}

/// An error that somebody may want to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastError {
    /// When, in Unix seconds.
    #[serde(serialize_with = "unix_seconds")]
    pub at: SystemTime,
    /// What.
    pub message: String,
}

/// The state of one actor, as the admin page shows it. Times are Unix seconds with fractions.
#[derive(Clone, Debug, Serialize)]
pub struct ActorStatus {
    /// Its name.
    pub name: &'static str,
    /// What it is doing.
    pub phase: Phase,
    /// Since when.
    #[serde(serialize_with = "unix_seconds")]
    pub since: SystemTime,
    /// How often it was restarted.
    pub restarts: u64,
    /// The newest error, if there was one.
    pub last_error: Option<LastError>,
    /// When it last finished a piece of work.
    #[serde(serialize_with = "maybe_unix_seconds")]
    pub last_progress: Option<SystemTime>,
    /// Whether its part of the service can be used, and since when.
    #[serde(skip)]
    pub readiness: (Readiness, SystemTime),
    /// What it last said about itself.
    pub observation: Value,
    /// What it watches besides, such as the jobs that its database runs by itself.
    #[serde(skip)]
    pub parts: Vec<WatchedPart>,
}

/// Something that an actor watches, and can do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedPart {
    /// Its name.
    pub name: &'static str,
    /// Whether it does its work.
    pub readiness: Readiness,
    /// Since when.
    pub since: SystemTime,
}

pub(super) fn unix_seconds<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    serializer.serialize_f64((seconds * 1000.0).round() / 1000.0)
}

fn maybe_unix_seconds<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => unix_seconds(time, serializer),
        None => serializer.serialize_none(),
    }
}

#[derive(Debug)]
struct Sheet {
    status: ActorStatus,
    /// Where every change of the phase and of the readiness is noted.
    journal: Journal,
    /// Without progress for this long, a running actor is stalled.
    patience: Option<Duration>,
    progressed: Instant,
}

/// What an actor says about itself: it writes, others read, and nobody waits for its mailbox.
#[derive(Clone, Debug)]
pub struct Vitals(Arc<Mutex<Sheet>>);

impl Sheet {
    fn phase(&mut self, phase: Phase) {
        let status = &mut self.status;
        let from = std::mem::replace(&mut status.phase, phase);
        if from == phase {
            return;
        }
        status.since = SystemTime::now();
        let failed = matches!(phase, Phase::BackingOff | Phase::Restarting | Phase::Failed);
        let reason = status.last_error.as_ref().filter(|_| failed).map(|error| error.message.clone());
        self.journal.record(Some(status.name), Change::Phase { from, to: phase, reason });
    }
}

impl Vitals {
    fn new(name: &'static str, journal: Journal) -> Self {
        let now = SystemTime::now();
        Self(Arc::new(Mutex::new(Sheet {
            status: ActorStatus {
                name,
                phase: Phase::Starting,
                since: now,
                restarts: 0,
                last_error: None,
                last_progress: None,
                readiness: (Readiness::NotReady("starting".into()), now),
                observation: Value::Object(serde_json::Map::new()),
                parts: Vec::new(),
            },
            journal,
            patience: None,
            progressed: Instant::now(),
        })))
    }

    /// Vitals that are on no board, for tests.
    pub fn unlisted(name: &'static str) -> Self {
        Self::new(name, Journal::default())
    }

    fn sheet(&self) -> MutexGuard<'_, Sheet> {
        // A panic while the sheet was written leaves at worst an old value in it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The actor does something else from now on.
    pub fn phase(&self, phase: Phase) {
        self.sheet().phase(phase);
    }

    /// A piece of work was finished.
    pub fn progress(&self) {
        let mut sheet = self.sheet();
        sheet.status.last_progress = Some(SystemTime::now());
        sheet.progressed = Instant::now();
        if matches!(sheet.status.phase, Phase::Starting | Phase::BackingOff | Phase::Restarting) {
            sheet.phase(Phase::Running);
        }
    }

    /// Without progress for this long, the actor counts as stalled; `None`: never.
    pub fn expect_progress_within(&self, patience: Option<Duration>) {
        let mut sheet = self.sheet();
        sheet.patience = patience;
        sheet.progressed = Instant::now();
    }

    /// Something failed; the actor goes on.
    pub fn error(&self, message: impl Into<String>) {
        self.sheet().status.last_error = Some(LastError { at: SystemTime::now(), message: message.into() });
    }

    /// Says whether the actor's part of the service can be used.
    pub fn readiness(&self, readiness: Readiness) {
        let mut sheet = self.sheet();
        let Sheet { status, journal, .. } = &mut *sheet;
        // The time is that of the change between the two, not of another reason.
        if matches!(status.readiness.0, Readiness::Ready) == matches!(readiness, Readiness::Ready) {
            status.readiness.0 = readiness;
            return;
        }
        let reason = match &readiness {
            Readiness::Ready => None,
            Readiness::NotReady(reason) => Some(reason.clone()),
        };
        journal.record(Some(status.name), Change::Readiness { ready: reason.is_none(), reason });
        status.readiness = (readiness, SystemTime::now());
    }

    /// Says whether something that the actor watches does its work; `None`: it is not there.
    pub fn part(&self, name: &'static str, readiness: Option<Readiness>) {
        let mut sheet = self.sheet();
        let Sheet { status, journal, .. } = &mut *sheet;
        let known = status.parts.iter().position(|part| part.name == name);
        let Some(readiness) = readiness else {
            known.map(|index| status.parts.remove(index));
            return;
        };
        let ready = readiness == Readiness::Ready;
        if let Some(part) = known.and_then(|index| status.parts.get_mut(index))
            && (part.readiness == Readiness::Ready) == ready
        {
            part.readiness = readiness;
            return;
        }
        // One that is well from the first is no change.
        if known.is_some() || !ready {
            let reason = match &readiness {
                Readiness::Ready => None,
                Readiness::NotReady(reason) => Some(reason.clone()),
            };
            journal.record(Some(name), Change::Readiness { ready, reason });
        }
        status.parts.retain(|part| part.name != name);
        status.parts.push(WatchedPart { name, readiness, since: SystemTime::now() });
    }

    /// Replaces what the actor says about itself.
    pub fn observe(&self, observation: &impl Serialize) {
        let value = serde_json::to_value(observation).unwrap_or(Value::Null);
        self.sheet().status.observation = value;
    }

    pub(super) fn restarted(&self) {
        let mut sheet = self.sheet();
        sheet.status.restarts += 1;
        // What it was to be done with is lost with the restart; the next piece of work says anew how long it may take.
        sheet.patience = None;
        sheet.phase(Phase::Running);
    }

    /// A copy of everything, with `stalled` worked out.
    pub fn status(&self) -> ActorStatus {
        let sheet = self.sheet();
        let mut status = sheet.status.clone();
        if let Some(patience) = sheet.patience
            && status.phase == Phase::Running
            && sheet.progressed.elapsed() > patience
        {
            status.phase = Phase::Stalled;
        }
        status
    }
}

/// The vitals of every actor of this process, in the order in which they were started, and the journal of their changes.
#[derive(Clone, Debug, Default)]
pub struct Board {
    actors: Arc<Mutex<Vec<Vitals>>>,
    journal: Journal,
}

impl Board {
    /// Lists a new actor.
    pub fn list(&self, name: &'static str) -> Vitals {
        let vitals = Vitals::new(name, self.journal.clone());
        self.actors.lock().unwrap_or_else(PoisonError::into_inner).push(vitals.clone());
        vitals
    }

    /// The state of each actor.
    pub fn statuses(&self) -> Vec<ActorStatus> {
        self.actors.lock().unwrap_or_else(PoisonError::into_inner).iter().map(Vitals::status).collect()
    }

    /// What changed, of all actors.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_running_actor_without_progress_is_shown_as_stalled() {
        let vitals = Vitals::unlisted("poller");
        vitals.expect_progress_within(Some(Duration::from_secs(30)));
        vitals.progress();
        assert_eq!(vitals.status().phase, Phase::Running);
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(vitals.status().phase, Phase::Stalled);
        vitals.progress();
        assert_eq!(vitals.status().phase, Phase::Running);
    }

    #[tokio::test(start_paused = true)]
    async fn an_actor_that_was_restarted_in_the_middle_of_its_work_is_not_stalled_for_it() {
        let vitals = Vitals::unlisted("db-writer");
        vitals.expect_progress_within(Some(Duration::from_secs(30)));
        vitals.phase(Phase::Restarting);
        vitals.restarted();
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(vitals.status().phase, Phase::Running);
    }

    #[test]
    fn readiness_keeps_the_time_of_its_change() {
        let vitals = Vitals::unlisted("db-writer");
        let (_, since) = vitals.status().readiness;
        vitals.readiness(Readiness::NotReady("no connection".into()));
        assert_eq!(vitals.status().readiness, (Readiness::NotReady("no connection".into()), since));
        vitals.readiness(Readiness::Ready);
        assert!(vitals.status().readiness.1 >= since);
    }

    #[test]
    fn the_admin_contract_has_these_keys() {
        let value = serde_json::to_value(Vitals::unlisted("poller").status()).unwrap();
        let keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["last_error", "last_progress", "name", "observation", "phase", "restarts", "since"]);
    }
}
