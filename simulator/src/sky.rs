//! The generated world, as the receiver and the community hear it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::doors::Receiver;
use crate::receiver::{Hearing, Known, Radio, Schedule};
use crate::world::World;

/// Who hears what of a generated world.
#[derive(Debug)]
pub(crate) struct Sky {
    world: Arc<World>,
    hearing: Hearing,
    schedule: Schedule,
    /// Unix milliseconds.
    started_at: i64,
    /// The highest number of messages that was reported.
    messages: AtomicI64,
}

impl Sky {
    pub(crate) fn new(world: Arc<World>, receiver: &Receiver, now: i64) -> Self {
        let schedule = Schedule::new(receiver.message_rate);
        Self { world, hearing: Hearing::of(receiver), schedule, started_at: now, messages: AtomicI64::new(0) }
    }

    /// Returns what the receiver knows.
    pub(crate) fn receiver(&self) -> Known<'_> {
        Known { world: &self.world, hearing: self.hearing, schedule: self.schedule }
    }

    /// Returns what the community knows.
    pub(crate) fn community(&self) -> Known<'_> {
        Known { world: &self.world, hearing: Hearing::Everywhere, schedule: self.schedule }
    }

    /// Switches on the receiver's radio.
    pub(crate) fn radio(&self, now: i64) -> Radio {
        Radio::new(Arc::clone(&self.world), self.hearing, self.schedule, now)
    }

    /// Returns about how many messages of one aircraft were received until `now`.
    pub(crate) fn messages(&self, now: i64) -> i64 {
        ((now - self.started_at).max(0) as f64 / 1_000.0 * self.schedule.messages_per_second()) as i64 + 1
    }

    /// Returns about how many messages of this many aircraft were received until `now`; it never decreases.
    pub(crate) fn total_messages(&self, aircraft: usize, now: i64) -> i64 {
        let messages = self.messages(now).saturating_mul(aircraft as i64);
        self.messages.fetch_max(messages, Ordering::Relaxed).max(messages)
    }
}
