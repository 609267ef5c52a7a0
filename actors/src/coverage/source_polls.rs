use std::collections::HashMap;
use std::time::Duration;

use super::outcome::SpanOutcome;
use super::span::{Span, append};
use crate::domain::{PollOutcome, PollRecord, UnixMillis};

/// No plan reaches further ahead: a source may demand a pause of a day.
pub const MAX_PLAN: Duration = Duration::from_secs(25 * 60 * 60);

/// A poll may start this much later than planned, and sooner there is no gap.
const SLACK: i64 = 2_000;

/// A poll may be in flight, and its record not stored, for this long. Until then it is unknown whether there is a gap.
const SETTLE: i64 = 60_000;

/// The period of a coverage, and the current time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Where the period starts.
    pub from: UnixMillis,
    /// Where it ends, exclusive.
    pub to: UnixMillis,
    /// The current time.
    pub now: UnixMillis,
}

/// The records of one source whose plans overlap a period, in a compact form.
#[derive(Clone, Debug)]
pub struct SourcePolls {
    window: Window,
    /// When the source's oldest record started.
    since: UnixMillis,
    processes: HashMap<String, u32>,
    records: Vec<Polled>,
    totals: PollTotals,
    /// The start, kind and area of the newest record.
    newest: Option<(UnixMillis, String, Option<String>)>,
}

/// Sums over the records that start within the period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollTotals {
    /// Polls.
    pub polls: u64,
    /// Polls that the source answered.
    pub answered: u64,
    /// Published states.
    pub changed: u64,
    /// Rows that are not valid states.
    pub bad_rows: u64,
}

/// What the computation needs of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Polled {
    process: u32,
    started: i64,
    /// When the next poll is planned.
    until: i64,
    outcome: PollOutcome,
}

impl SourcePolls {
    /// Creates an empty collection. The source's oldest record in the ledger starts at `since`.
    pub fn new(window: Window, since: UnixMillis) -> Self {
        Self {
            window,
            since,
            processes: HashMap::new(),
            records: Vec::new(),
            totals: PollTotals::default(),
            newest: None,
        }
    }

    /// Adds a record. The order of the records does not matter.
    pub fn add(&mut self, record: &PollRecord) {
        let next_process = u32::try_from(self.processes.len()).unwrap_or(u32::MAX);
        let process = match self.processes.get(&record.process) {
            Some(process) => *process,
            None => *self.processes.entry(record.process.clone()).or_insert(next_process),
        };
        self.records.push(Polled {
            process,
            started: record.started.0,
            until: planned_until(record),
            outcome: record.outcome,
        });
        if self.newest.as_ref().is_none_or(|(started, ..)| *started <= record.started) {
            self.newest = Some((record.started, record.kind.clone(), record.area.clone()));
        }
        if (self.window.from..self.window.to).contains(&record.started) {
            let polls = u64::from(record.polls);
            self.totals.polls += polls;
            self.totals.answered += if record.outcome.has_answered() { polls } else { 0 };
            self.totals.changed = self.totals.changed.saturating_add(record.changed);
            self.totals.bad_rows = self.totals.bad_rows.saturating_add(record.bad_rows);
        }
    }

    /// Returns the sums over the records that start within the period.
    pub fn totals(&self) -> PollTotals {
        self.totals
    }

    /// Returns the kind in the newest record.
    pub fn kind(&self) -> Option<&str> {
        self.newest.as_ref().map(|(_, kind, _)| kind.as_str())
    }

    /// Returns the area in the newest record.
    pub fn area(&self) -> Option<&str> {
        self.newest.as_ref().and_then(|(.., area)| area.as_deref())
    }

    /// Returns consecutive spans that cover the whole period.
    ///
    /// An answered poll covers the time until the next one is planned, even if that fails. Where records of several
    /// processes overlap, an answer takes precedence over a failure, and a failure over a pause.
    pub fn spans(mut self) -> Vec<Span<SpanOutcome>> {
        self.records.sort_unstable();
        let mut changes = Vec::with_capacity(2 * self.records.len() + 2);
        let mut last_end = self.since.0;
        for (index, record) in self.records.iter().enumerate() {
            let next = self.records.get(index + 1).filter(|next| next.process == record.process);
            let end = effective_end(record, next.map(|next| next.started));
            last_end = last_end.max(end);
            changes.push((record.started, Some((record.outcome, 1_i32))));
            changes.push((end, Some((record.outcome, -1))));
        }
        let Window { from, to, now } = self.window;
        // Nothing is known of the future, nor, for a while, whether a poll that is due is in flight.
        let known_until = if now.0 - last_end < SETTLE { last_end.min(now.0) } else { now.0 };
        changes.extend([(self.since.0, None), (known_until, None), (to.0, None)]);
        changes.sort_unstable_by_key(|(time, _)| *time);

        let mut counts = [0_i32; PollOutcome::ALL.len()];
        let (mut spans, mut at) = (Vec::new(), from.0);
        for (time, change) in changes {
            let end = time.clamp(at, to.0.max(at));
            if end > at {
                let best = PollOutcome::ALL.into_iter().find(|outcome| counts[*outcome as usize] > 0);
                let outcome = match best {
                    _ if at >= known_until || at < self.since.0 => SpanOutcome::Unknown,
                    Some(outcome) => SpanOutcome::Polled(outcome),
                    None => SpanOutcome::NoRecord,
                };
                append(&mut spans, Span { from: UnixMillis(at), to: UnixMillis(end), outcome });
                at = end;
            }
            if let Some((outcome, by)) = change {
                counts[outcome as usize] += by;
            }
        }
        spans
    }
}

/// Returns when the next poll is planned. A source that answered is polled again after an interval, so its answer holds
/// for two at most.
fn planned_until(record: &PollRecord) -> i64 {
    let next = record.next_poll_at.unwrap_or(record.ended).0;
    let longest = if record.outcome.has_answered() {
        record.ended.plus(Duration::try_from_secs_f64(2.0 * record.interval).unwrap_or(MAX_PLAN)).0
    } else {
        i64::MAX
    };
    next.min(longest).min(record.started.plus(MAX_PLAN).0).max(record.started.0)
}

/// Returns when the outcome of a record ends, if the next record of the same process starts at `next`.
fn effective_end(record: &Polled, next: Option<i64>) -> i64 {
    let is_on_time = |next: i64| next <= record.until.saturating_add(SLACK);
    match next.filter(|next| is_on_time(*next)) {
        // The plan of a failed poll, or of a pause, is obsolete once there is another poll.
        Some(next) if !record.outcome.is_covered() => next.max(record.started),
        Some(next) => next.max(record.until),
        None => record.until,
    }
}
