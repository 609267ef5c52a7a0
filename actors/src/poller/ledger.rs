use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;

use super::poll_sums::PollSums;
use crate::domain::{PollOutcome, PollRecord, UnixMillis};
use crate::messages::PublishPolls;
use crate::retry_queue::RetryQueue;
use crate::supervision::SourceState;

/// Where a Poller sends the records of its polls.
#[derive(Clone)]
pub struct LedgerSettings {
    /// Publishes the records.
    pub producer: Recipient<PublishPolls>,
    /// Identifies this process; random at each start.
    pub process: Arc<str>,
    /// The kind of the source.
    pub kind: String,
    /// The bounding box that is polled; `None` for everything that the source reports.
    pub area: Option<String>,
}

/// Records the polls. It neither delays them nor depends on Kafka: the records wait, and the oldest are dropped.
pub(super) struct Ledger {
    pub(super) settings: LedgerSettings,
    source: String,
    /// When the newest polls started.
    starts: VecDeque<UnixMillis>,
    pub(super) sums: PollSums,
    pub(super) queue: RetryQueue<PollRecord>,
}

/// A poll that has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndedPoll {
    pub(super) outcome: PollOutcome,
    pub(super) started: UnixMillis,
    /// The duration of the request.
    pub(super) duration: Duration,
    /// The number of aircraft that the source reports.
    pub(super) states: usize,
    /// The number of published states.
    pub(super) changed: usize,
    pub(super) bad_rows: u64,
    pub(super) credits_left: Option<u32>,
}

impl EndedPoll {
    /// Returns a poll without a response.
    pub(super) fn without_response(outcome: PollOutcome, started: UnixMillis, duration: Duration) -> Self {
        Self { outcome, started, duration, states: 0, changed: 0, bad_rows: 0, credits_left: None }
    }
}

impl Ledger {
    /// The records wait here only while the KafkaProducer restarts.
    const MAX_RECORDS: usize = 1_000;
    /// The number of polls that may start within a millisecond.
    const RECENT: usize = 16;
    /// While polling is paused, that is recorded at this interval, so that the end of the process shows.
    pub(super) const PAUSED_INTERVAL: Duration = Duration::from_secs(60);

    pub(super) fn new(settings: LedgerSettings, source: String) -> Self {
        let queue = RetryQueue::new(Self::MAX_RECORDS);
        Self { settings, source, starts: VecDeque::new(), sums: PollSums::default(), queue }
    }

    /// Queues the records again that were in flight when the Poller panicked.
    pub(super) fn restart(&mut self) {
        self.queue.restart();
    }

    /// Returns the start, or the next millisecond that no recent poll has: the start is part of the key, and a pause may
    /// end in the millisecond in which it began.
    fn unique_start(&mut self, mut started: UnixMillis) -> UnixMillis {
        while self.starts.contains(&started) {
            started.0 += 1;
        }
        self.starts.push_back(started);
        if self.starts.len() > Self::RECENT {
            self.starts.pop_front();
        }
        started
    }

    pub(super) fn record(&mut self, poll: EndedPoll, interval: Duration, next_poll_at: UnixMillis) -> PollRecord {
        let started = self.unique_start(poll.started);
        // The clock may have been set back during the poll.
        let ended = UnixMillis::now().max(started);
        let millis = |duration: Duration| (duration.as_secs_f64() * 1_000.0).round() / 1_000.0;
        PollRecord {
            source: self.source.clone(),
            kind: self.settings.kind.clone(),
            process: self.settings.process.to_string(),
            outcome: poll.outcome,
            started,
            ended,
            polls: if poll.outcome == PollOutcome::Paused { 0 } else { 1 },
            states: poll.states as u64,
            changed: poll.changed as u64,
            bad_rows: poll.bad_rows,
            seconds: millis(poll.duration),
            credits_left: poll.credits_left,
            interval: millis(interval),
            next_poll_at: Some(next_poll_at.max(ended)),
            area: self.settings.area.clone(),
        }
    }
}

/// Returns the outcome of a poll that found the source in this state.
pub(super) fn outcome(state: SourceState) -> Option<PollOutcome> {
    Some(match state {
        SourceState::NotYetAsked => return None,
        SourceState::Live => PollOutcome::Live,
        SourceState::Quiet => PollOutcome::Quiet,
        SourceState::Stale => PollOutcome::Stale,
        SourceState::RateLimited => PollOutcome::RateLimited,
        SourceState::Refused => PollOutcome::Refused,
        SourceState::Unavailable => PollOutcome::Unavailable,
        SourceState::Malformed => PollOutcome::Malformed,
    })
}
