use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::engine::Engine;
use crate::detect::{Alert, AlertWatch};
use crate::domain::{Icao24, StateVector, UnixTime};

/// Applies the built-in rules. The time of a partition is the newest `last_contact` so far: an alert also ends when
/// that is an hour after the newest state of its aircraft.
#[derive(Debug, Default)]
pub struct WatchEngine {
    watch: AlertWatch,
    /// The newest `last_contact` of each aircraft heard within the last hour.
    heard: HashMap<Icao24, UnixTime>,
    time: Option<UnixTime>,
    forgotten: Option<UnixTime>,
}

impl WatchEngine {
    /// Alerts of an aircraft that has been silent for longer end.
    const MEMORY: Duration = Duration::from_secs(3600);
    /// How often aircraft that were not heard are forgotten, in seconds of the partition's time.
    const FORGET_INTERVAL: i64 = 60;

    /// Moves the partition's time, and returns the alerts of aircraft that have been silent for too long by then.
    fn advance(&mut self, to: UnixTime) -> Vec<Alert> {
        if self.time.is_some_and(|time| time >= to) {
            return Vec::new();
        }
        self.time = Some(to);
        let oldest = to.minus(Self::MEMORY);
        if self.forgotten.is_none_or(|at| to.0.saturating_sub(at.0) >= Self::FORGET_INTERVAL) {
            self.heard.retain(|_, last_contact| *last_contact >= oldest);
            self.forgotten = Some(to);
        }
        self.watch.end_silent(oldest)
    }
}

impl Engine for WatchEngine {
    fn update(&mut self, state: &Arc<StateVector>) -> Vec<Alert> {
        let mut changes = self.advance(state.last_contact);
        // A record may be repeated, and two collecting processes may publish the states of an aircraft in any order.
        let is_outdated = self.time.is_some_and(|time| state.last_contact < time.minus(Self::MEMORY));
        let known = self.heard.get(&state.icao24);
        if !is_outdated && known.is_none_or(|known| *known < state.last_contact) {
            self.heard.insert(state.icao24, state.last_contact);
            changes.extend(self.watch.update(state));
        }
        changes
    }

    fn restore(&mut self, newest: Vec<Alert>) -> Vec<Alert> {
        let heard = &self.heard;
        let last_seen = |alert: &Alert| heard.get(&alert.icao24).copied().unwrap_or(alert.since).max(alert.since);
        let active = newest.into_iter().filter(|alert| alert.ended.is_none());
        self.watch.restore(active.map(|alert| (last_seen(&alert), alert)))
    }

    fn active(&self) -> usize {
        self.watch.active().len()
    }

    fn look_back(&self) -> Duration {
        Self::MEMORY
    }
}
