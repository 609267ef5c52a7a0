use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::engine::Engine;
use crate::batch::PartitionBatch;
use crate::detect::{Alert, AlertChange, AlertKey};
use crate::domain::{StateVector, UnixTime};
use crate::ports::{DetectPart, DetectPosition, LogPlace, Recovered, StartAt};

/// Detects in one partition: the engine, what is not published yet, and how far a successor has to look back.
pub struct DetectPartition {
    partition: i32,
    engine: Box<dyn Engine>,
    /// The committed offset.
    base: Option<i64>,
    next: LogPlace,
    /// What the previous owner has published, until its records have been read again.
    recovered: Option<Handover>,
    /// The newest `last_contact` so far.
    time: UnixTime,
    /// Places at which the partition's time was lower, oldest first. The first one is where a successor starts.
    checkpoints: VecDeque<Checkpoint>,
    pending: Vec<AlertChange>,
    /// The alerts that have ended, with the times of their records in Unix milliseconds.
    ended: BTreeMap<AlertKey, i64>,
    /// The states that are not published yet; `None` if they are not to be published.
    unpublished: Option<Vec<Arc<StateVector>>>,
    records: u64,
}

struct Handover {
    /// The newest alert of each rule and aircraft.
    newest: Vec<Alert>,
    active: usize,
    /// The previous owner has processed the records before this offset.
    until: i64,
}

#[derive(Clone, Copy)]
struct Checkpoint {
    /// No record before the place has a later `last_contact`.
    time: UnixTime,
    place: LogPlace,
}

impl DetectPartition {
    /// A partition without a position is read from this long ago, so that a new group reports the alerts that are
    /// active, and not those of a whole log.
    pub const FIRST_LOOK: Duration = Duration::from_secs(3600);
    /// How long the record of an alert that has ended is kept.
    pub const KEPT: Duration = Duration::from_hours(7 * 24);
    /// A successor looks back further by at most this much if the engine's time lags behind the newest state.
    const MAX_UNCONFIRMED: Duration = Duration::from_hours(24);
    /// A state whose `last_contact` is this many seconds later than the time of its record is ignored: it would end
    /// the alerts of all other aircraft.
    const MAX_AHEAD: i64 = 3600;

    /// Continues a partition from what its previous owner has published. Returns where to start reading.
    pub fn new(
        engine: Box<dyn Engine>,
        recovered: Recovered,
        publishes_states: bool,
        now: UnixTime,
    ) -> (Self, StartAt) {
        let Recovered { partition, position, active, ended } = recovered;
        let start = match position {
            Some(DetectPosition { look_back, .. }) => match look_back.last_timestamp {
                Some(last_timestamp) => StartAt::Resume { next_offset: look_back.next_offset, last_timestamp },
                None => StartAt::Offset(look_back.next_offset),
            },
            None => StartAt::Time(now.minus(Self::FIRST_LOOK)),
        };
        let base = position.map(|position| position.next.next_offset);
        let first = position.map_or(LogPlace { next_offset: 0, last_timestamp: None }, |position| position.look_back);
        let ended_at = ended.iter().map(|(alert, at)| (AlertKey::from(alert), *at)).collect();
        let until = base.unwrap_or(0);
        let handover = Handover {
            active: active.len(),
            newest: active.into_iter().chain(ended.into_iter().map(|(alert, _)| alert)).collect(),
            until,
        };
        let partition = Self {
            partition,
            engine,
            base,
            next: first,
            recovered: Some(handover),
            time: UnixTime(i64::MIN),
            checkpoints: VecDeque::from([Checkpoint { time: UnixTime(i64::MIN), place: first }]),
            pending: Vec::new(),
            ended: ended_at,
            unpublished: publishes_states.then(Vec::new),
            records: 0,
        };
        (partition, start)
    }

    /// Notes the offset at which reading starts.
    pub fn started(&mut self, offset: i64) {
        // A partition with a position starts one record earlier, to recognize the log.
        if self.base.is_none() {
            self.restart_at(LogPlace { next_offset: offset, last_timestamp: None });
        }
        self.take_over_if_reached();
    }

    fn restart_at(&mut self, place: LogPlace) {
        self.next = place;
        self.checkpoints = VecDeque::from([Checkpoint { time: self.time, place }]);
    }

    /// Processes the next records. Returns how many of them had been processed by the previous owner.
    pub fn process(&mut self, part: &PartitionBatch) -> u64 {
        let places = part.records.iter().map(|record| record.offset);
        let first = places.chain(part.dead_letters.iter().map(|letter| letter.offset)).min();
        if let Some(first) = first.filter(|first| *first < self.next.next_offset) {
            // The topic was recreated. The alerts of the former one end by its states, or by silence.
            self.take_over();
            self.restart_at(LogPlace { next_offset: first, last_timestamp: None });
        }
        let mut repeated = 0;
        for (state, record) in part.states.iter().zip(&part.records) {
            if self.recovered.as_ref().is_some_and(|handover| record.offset >= handover.until) {
                self.take_over();
            }
            if self.recovered.is_some() {
                repeated += 1;
            } else if let Some(unpublished) = &mut self.unpublished {
                unpublished.push(state.clone());
            }
            self.take(state, record.timestamp);
            self.next = LogPlace { next_offset: record.offset + 1, last_timestamp: Some(record.timestamp) };
        }
        self.next = LogPlace { next_offset: part.next_offset, last_timestamp: Some(part.last_timestamp) };
        self.records += (part.count_records() as u64).saturating_sub(repeated);
        self.take_over_if_reached();
        repeated
    }

    fn take(&mut self, state: &Arc<StateVector>, timestamp: i64) {
        let is_ahead = timestamp > 0 && state.last_contact.0 > timestamp.div_euclid(1000) + Self::MAX_AHEAD;
        if is_ahead {
            return;
        }
        if state.last_contact > self.time {
            self.checkpoints.push_back(Checkpoint { time: self.time, place: self.next });
            self.time = state.last_contact;
            // Until another aircraft confirms a jump in time, the engine decides by the time before it.
            let earliest = self.time.minus(Self::MAX_UNCONFIRMED);
            let decided = self.engine.time().map_or(self.time, |time| time.clamp(earliest, self.time));
            let oldest = decided.minus(self.engine.look_back());
            while self.checkpoints.get(1).is_some_and(|next| next.time < oldest) {
                self.checkpoints.pop_front();
            }
        }
        let changes = self.engine.update(state);
        if self.recovered.is_none() {
            self.add(changes);
        }
    }

    fn add(&mut self, alerts: Vec<Alert>) {
        for alert in alerts {
            let key = AlertKey::from(&alert);
            match alert.ended {
                None => drop(self.ended.remove(&key)),
                Some(_) => drop(self.ended.insert(key, UnixTime::now().0.saturating_mul(1000))),
            }
            self.pending.push(AlertChange::Alert(alert));
        }
    }

    fn take_over_if_reached(&mut self) {
        if self.recovered.as_ref().is_some_and(|handover| self.next.next_offset >= handover.until) {
            self.take_over();
        }
    }

    /// Continues where the previous owner has stopped.
    fn take_over(&mut self) {
        if let Some(Handover { newest, .. }) = self.recovered.take() {
            let ended = self.engine.restore(newest);
            self.add(ended);
        }
    }

    /// Deletes the records of alerts that ended long ago.
    pub fn expire(&mut self, now: UnixTime) {
        let oldest = now.minus(Self::KEPT).0.saturating_mul(1000);
        let expired = self.ended.extract_if(.., |_, at| *at < oldest);
        self.pending.extend(expired.map(|(key, _)| AlertChange::Forget(key)));
    }

    /// Whether records that the previous owner has processed are being read again.
    pub fn is_catching_up(&self) -> bool {
        self.recovered.is_some()
    }

    /// Whether there is something to publish other than the position.
    pub fn has_changes(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The number of records processed since the last commit.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The number of active alerts.
    pub fn active(&self) -> usize {
        self.recovered.as_ref().map_or_else(|| self.engine.active(), |handover| handover.active)
    }

    /// The offset of the next record.
    pub fn next_offset(&self) -> i64 {
        self.next.next_offset
    }

    /// Returns what to publish now, or `None` if nothing has changed.
    pub fn part(&self) -> Option<DetectPart> {
        let has_moved = self.base != Some(self.next.next_offset);
        if self.is_catching_up() || (!has_moved && self.pending.is_empty()) {
            return None;
        }
        let look_back = self.checkpoints.front().map_or(self.next, |checkpoint| checkpoint.place);
        let position = DetectPosition { next: self.next, look_back };
        Some(DetectPart {
            partition: self.partition,
            base: self.base,
            position,
            changes: self.pending.clone(),
            states: self.unpublished.clone().unwrap_or_default(),
        })
    }

    /// Notes that everything was published.
    pub fn committed(&mut self) {
        self.base = Some(self.next.next_offset);
        self.pending.clear();
        self.unpublished.iter_mut().for_each(Vec::clear);
        self.records = 0;
    }
}
