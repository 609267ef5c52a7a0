//! The messages that a receiver hears, in the order of their times.

use std::sync::Arc;

use super::hearing::Hearing;
use super::schedule::{Kind, Schedule, is_odd};
use crate::rows::Row;
use crate::world::World;

/// The longest gap for which missed messages are sent later, in milliseconds. After a larger jump of the clock, sending
/// starts over.
const MAX_STEP: i64 = 60_000;

/// A message that was received.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    /// Unix milliseconds.
    pub(crate) millis: i64,
    pub(crate) kind: Kind,
    /// Whether a position has the odd format.
    pub(crate) odd: bool,
    /// The aircraft's state at that time.
    pub(crate) row: Row<'a>,
    /// Signal strength in dBFS.
    pub(crate) strength: f64,
}

/// The messages of one receiver.
#[derive(Debug)]
pub(crate) struct Radio {
    world: Arc<World>,
    hearing: Hearing,
    schedule: Schedule,
    /// Unix milliseconds; messages before it have been received.
    until: i64,
    /// Unix milliseconds; messages before it have been planned.
    planned: i64,
    /// The messages of one second that are still to come, the last one first.
    due: Vec<Due>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    millis: i64,
    place: usize,
    kind: Kind,
    slot: i64,
}

impl Radio {
    /// Creates a radio that is switched on at a time in Unix milliseconds.
    pub(crate) fn new(world: Arc<World>, hearing: Hearing, schedule: Schedule, now: i64) -> Self {
        Self { world, hearing, schedule, until: now, planned: now, due: Vec::new() }
    }

    /// Drops the messages until `now`, which nobody listens to.
    pub(crate) fn skip(&mut self, now: i64) {
        self.until = now;
        self.planned = now;
        self.due.clear();
    }

    /// Receives the messages up to before `now`.
    pub(crate) fn receive(&mut self, now: i64, mut receive: impl FnMut(&Message<'_>)) {
        if !(0..=MAX_STEP).contains(&(now - self.until)) {
            self.skip(now);
        }
        while self.until < now {
            if self.until >= self.planned {
                self.plan(self.until);
            }
            let end_of_second = (self.until.div_euclid(1_000) + 1) * 1_000;
            let until = now.min(end_of_second);
            while let Some(due) = self.due.pop_if(|due| due.millis < until) {
                self.deliver(due, &mut receive);
            }
            self.until = until;
        }
    }

    /// Plans the messages from `from` to the end of its second.
    fn plan(&mut self, from: i64) {
        let second = from.div_euclid(1_000);
        for place in 0..self.world.places() {
            let Some(signal) = self.world.signal(place, second * 1_000) else { continue };
            if !self.hearing.hears(&signal, second) {
                continue;
            }
            for kind in Kind::ALL {
                let messages = self.schedule.within(kind, signal.salt(), from, (second + 1) * 1_000);
                self.due.extend(messages.map(|(slot, millis)| Due { millis, place, kind, slot }));
            }
        }
        self.planned = (second + 1) * 1_000;
        self.due.sort_unstable_by(|a, b| b.cmp(a));
    }

    fn deliver(&self, Due { millis, place, kind, slot }: Due, receive: &mut impl FnMut(&Message<'_>)) {
        let Some(signal) = self.world.signal(place, millis) else { return };
        if let Some(row) = signal.sent(kind, slot, millis) {
            let strength = self.hearing.strength(signal.fix(millis).position);
            receive(&Message { millis, kind, odd: is_odd(slot), row, strength });
        }
    }
}
