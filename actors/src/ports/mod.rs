//! Interfaces between the actors and the outside world. `src/` implements them, tests fake them.
//!
//! Each actor runs on a single thread, so the futures need not be `Send`. Every implementation enforces its own
//! timeouts: a call that never returns is a bug in the implementation, not in its caller.

mod detect;
mod notify;
mod sink;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

use crate::batch::{Batch, DeadLetter, LogId, Position, SideRecord, Stored};
use crate::domain::{Icao24, PollRecord, Snapshot, StateVector, UnixTime};

pub use detect::{AlertLog, AlertLogError, DetectPart, DetectPosition, DetectTransaction, LogPlace, Recovered};
pub use notify::{AlertQueue, DeliveryError, NotificationEndpoint, QueueEvent, QueuedAlert};
pub use sink::{Buffered, Flushed, Sink, SinkError};

/// A polled source of state vectors, such as the OpenSky Network.
pub trait StateSource: 'static {
    /// Requests the current states once.
    ///
    /// # Errors
    /// Classified by who can act; see [`SourceError`].
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, SourceError>>;

    /// Returns the maximum duration of [`StateSource::fetch`], as bounded by its own timeouts.
    fn max_fetch_time(&self) -> Duration;

    /// Returns when to poll next, as of the last successful [`StateSource::fetch`].
    fn cadence(&self) -> Cadence;

    /// Returns the longest pause after a failure, or `None` if the Poller decides. A source that reconnects by itself,
    /// and whose polls wait for the outcome, limits it, so that its data is not left waiting after an outage.
    fn max_failure_pause(&self) -> Option<Duration> {
        None
    }
}

/// A successful response of a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fetched {
    /// The states in the response.
    pub snapshot: Snapshot,
    /// The number of aircraft that the source currently reports, if the snapshot has only those that changed.
    pub aircraft: Option<usize>,
    /// Credits left in the source's quota, if it has one and reports it.
    pub credits_left: Option<u32>,
    /// The number of targets that were left out because their address is not an ICAO address.
    pub non_icao: u64,
}

/// When a source may be polled next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// The pause after a successful poll.
    pub pause: Duration,
    /// Why the pause is not shorter.
    pub reason: CadenceReason,
    /// The interval at which the source's data changes. Polling more often is pointless, even after a failure.
    pub resolution: Duration,
}

/// What sets the pause between two polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CadenceReason {
    /// The configured interval.
    Interval,
    /// The source's data does not change more often.
    Resolution,
    /// The source's quota, spread until its refill.
    Quota,
}

/// Why a poll failed, classified by who can act.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SourceError {
    /// The source rejected the credentials or the request; the operator must act.
    #[error("refused: {0}")]
    Refused(String),
    /// The source limits the request rate; retry after the pause it demands.
    #[error("rate limited{}", retry_after.map_or(String::new(), |after| format!(" for {} s", after.as_secs())))]
    RateLimited {
        /// The pause that the source demands, if it states one.
        retry_after: Option<Duration>,
    },
    /// The source is down, slow or unreachable; retry later.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The response is invalid; the fault is in the source or in this program.
    #[error("invalid response: {0}")]
    Malformed(String),
}

impl SourceError {
    /// Applies `rewrite` to the error's text. Rate limit errors have no text and are returned unchanged.
    #[must_use]
    pub fn map_text(self, rewrite: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Refused(text) => Self::Refused(rewrite(text)),
            Self::Unavailable(text) => Self::Unavailable(rewrite(text)),
            Self::Malformed(text) => Self::Malformed(rewrite(text)),
            limited @ Self::RateLimited { .. } => limited,
        }
    }

    /// Returns a short reason that may be published. It leaves out addresses and responses, which only the operator may
    /// see.
    pub fn public_reason(&self) -> String {
        match self {
            Self::Refused(_) => "the source refused the request".to_owned(),
            Self::RateLimited { .. } => self.to_string(),
            Self::Unavailable(_) => "the source did not respond or reported an error".to_owned(),
            Self::Malformed(_) => "the source sent an invalid response".to_owned(),
        }
    }
}

/// Publishes messages to Kafka.
pub trait Publisher: 'static {
    /// Publishes the states, keyed by aircraft, and waits for every delivery report.
    ///
    /// # Errors
    /// Lists the states that were not acknowledged; all others were.
    fn publish(&self, states: &[Arc<StateVector>]) -> impl Future<Output = Result<(), PublishError>>;

    /// Publishes dead letters and waits for every delivery report.
    ///
    /// # Errors
    /// Lists the dead letters that were not acknowledged; all others were.
    fn publish_dead_letters(&self, letters: &[DeadLetter]) -> impl Future<Output = Result<(), PublishError>>;

    /// Publishes records of polls, keyed by source, and waits for every delivery report.
    ///
    /// # Errors
    /// Lists the records that were not acknowledged; all others were.
    fn publish_polls(&self, polls: &[PollRecord]) -> impl Future<Output = Result<(), PublishError>>;
}

/// Some messages were not acknowledged by the broker.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} messages were not acknowledged: {reason}", undelivered.len())]
pub struct PublishError {
    /// Indices into the published slice, ascending.
    pub undelivered: Vec<usize>,
    /// The reason of the first failure.
    pub reason: String,
}

/// Reads from Kafka, either as a member of a consumer group or from every partition without a group.
///
/// `next` and `hold` are cancel safe: records already received stay in the subscription.
pub trait Subscription: 'static {
    /// Waits for the next event. A batch is returned as soon as no more records are available, so a trickle is not
    /// delayed and a backlog is read in large batches.
    ///
    /// # Errors
    /// Reports each failure once; the subscription remains usable.
    fn next(&self) -> impl Future<Output = Result<SubscriptionEvent, SubscriptionError>>;

    /// Keeps the group membership alive while the caller cannot take batches: after a short time it pauses the
    /// partitions and continues to poll. Resolves only on an assignment, a revocation or an error; the following `next`
    /// resumes the partitions.
    ///
    /// # Errors
    /// Same as [`Subscription::next`].
    fn hold(&self) -> impl Future<Output = Result<SubscriptionEvent, SubscriptionError>>;

    /// Starts reading assigned partitions, or moves their positions. Partitions that are no longer owned are skipped.
    /// Returns the start offset of each partition, or 0 if it starts at its oldest record.
    ///
    /// # Errors
    /// Fails if the Kafka client rejects the request. The caller then calls `reset` to get all assignments again.
    fn start(&self, starts: &[(i32, StartAt)]) -> impl Future<Output = Result<Vec<(i32, i64)>, SubscriptionError>>;

    /// Drops buffered records and reports the owned partitions as a new assignment.
    fn reset(&self);

    /// Commits offsets to Kafka. Only lag monitoring tools use them, so a failure is only logged.
    fn commit(&self, next_offsets: &[(i32, i64)]);

    /// Returns the offset after the last record of each owned partition. Offsets that are never delivered, such as the
    /// markers of transactions, are not counted as records once the partition was read to its end.
    ///
    /// # Errors
    /// Fails if the broker does not respond.
    fn end_offsets(&self) -> impl Future<Output = Result<Vec<(i32, i64)>, SubscriptionError>>;

    /// Leaves the group and stops reading. All later calls fail.
    fn close(&self) -> impl Future<Output = ()>;

    /// Returns the log to which the offsets belong.
    fn log(&self) -> LogId;
}

/// An event reported by a subscription.
#[derive(Clone, Debug, PartialEq)]
pub enum SubscriptionEvent {
    /// These partitions are now owned. They are not read until `start` is called for them.
    Assigned(Vec<i32>),
    /// These partitions are no longer owned, and none of their records will be returned.
    Revoked(Vec<i32>),
    /// Records, in order within each partition.
    Batch(Batch),
}

/// Where to start reading a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// At the oldest record.
    Beginning,
    /// At the position stored in the database. Before it resumes, the subscription checks that the record before
    /// `next_offset` still has the stored timestamp. If not, the topic was recreated and is read from the beginning.
    Resume {
        /// The offset of the first record that was not stored.
        next_offset: i64,
        /// The timestamp of the record before it, in Unix milliseconds.
        last_timestamp: i64,
    },
    /// At the first record that is not older than this time.
    Time(UnixTime),
    /// At this offset. If Kafka no longer has it, reading starts at the oldest record.
    Offset(i64),
}

impl fmt::Display for StartAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beginning => f.write_str("beginning"),
            Self::Resume { next_offset: offset, .. } | Self::Offset(offset) => write!(f, "offset {offset}"),
            Self::Time(time) => write!(f, "time {time}"),
        }
    }
}

/// A failure of the Kafka client.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("Kafka: {0}")]
pub struct SubscriptionError(pub String);

/// State vectors recorded in a file, read in order.
pub trait RecordedStates: 'static {
    /// Returns the next records, in batches of a suitable size, or `None` at the end.
    ///
    /// # Errors
    /// Returns a description of the failure if the file cannot be read any further.
    fn next(&mut self) -> impl Future<Output = Result<Option<Recorded>, String>>;
}

/// Consecutive records of a file. A record is either one line or a whole response; records are counted from 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// The number of the record after the last one.
    pub next: i64,
    /// The valid state vectors, each with its record number, ascending.
    pub states: Vec<(i64, Arc<StateVector>)>,
    /// The invalid records, ascending.
    pub bad: Vec<BadRecord>,
    /// The numbers of valid records that are not state vectors of an aircraft with an ICAO address, ascending.
    pub skipped: Vec<i64>,
}

/// A record of a file, or a row of a recorded response, that is not a valid state vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// The record number.
    pub record: i64,
    /// A readable description of where the fault is and what is wrong.
    pub reason: String,
}

/// A database of state vectors.
pub trait StateStore: 'static {
    /// Returns the stored positions of partitions of a log. Partitions without a stored position are left out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn positions(&self, log: &LogId, partitions: &[i32]) -> impl Future<Output = Result<Vec<Position>, StoreError>>;

    /// Stores a batch in one transaction: state vectors, records of polls, or records of alerts. For each part whose
    /// `expected` matches the stored position, it advances the position and inserts the rows, keeping the first row of
    /// each key. The key of a state vector is (icao24, last_contact), that of a record of polls (source, started,
    /// process), and that of an alert (rule, icao24, since); the end of an alert completes its row. A part whose
    /// `expected` does not match is skipped as a whole and reported as fenced.
    ///
    /// `likely_new` only selects the faster insert for each row; it does not affect what is stored.
    ///
    /// # Errors
    /// Either nothing was stored, or the outcome is unknown.
    fn store(&self, batch: &Batch, likely_new: &LikelyNew) -> impl Future<Output = Result<Stored, StoreError>>;

    /// Performs one short maintenance step, such as deleting rows older than the retention. It runs between two batches
    /// and delays the next one, so it must finish within seconds.
    ///
    /// # Errors
    /// Returns [`StoreError::Unavailable`]; the step was rolled back.
    fn maintain(&self) -> impl Future<Output = Result<Maintained, StoreError>>;

    /// Returns the jobs that the database runs by itself, such as TimescaleDB's policies; empty if it runs none. It is
    /// called concurrently with batches, so it must not use their connection.
    ///
    /// # Errors
    /// Returns a [`StoreError`] if the jobs cannot be read.
    fn jobs(&self) -> impl Future<Output = Result<Vec<StoreJob>, StoreError>> {
        std::future::ready(Ok(Vec::new()))
    }

    /// Drops all connections and cached state, so that the next call starts afresh.
    fn reset(&self);
}

/// A background job of the database, and the outcome of its last runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StoreJob {
    /// Its action: `compression`, `retention` or `refresh`.
    pub policy: String,
    /// The table that it processes.
    pub table: String,
    /// The interval between runs in seconds.
    pub interval: u64,
    /// When it last succeeded, in Unix seconds; `null` if it never has.
    pub last_success: Option<i64>,
    /// Failed runs in total.
    pub failures: u64,
    /// Failed runs since the last success.
    pub consecutive_failures: u64,
    /// The error of the last run, if that failed.
    pub last_error: Option<String>,
}

/// The outcome of a maintenance step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Rows deleted because they were older than the retention.
    pub expired: u64,
    /// Whether more maintenance is due immediately.
    pub more: bool,
}

/// For each part of a batch and each of its rows: whether the row is likely newer than all stored rows of its aircraft.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LikelyNew(pub Vec<Vec<bool>>);

/// Why the database did not store a batch, classified by who can act.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum StoreError {
    /// The database is down, slow, full or busy; retry later.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// The credentials, the permissions, the database or its schema are not as required; the operator must act. Retried
    /// at longer intervals.
    #[error("database refused: {0}")]
    Refused(String),
    /// The database rejects one row because of its content, such as a constraint violation or an invalid encoding. The
    /// row needs to be inspected.
    #[error("the database rejected the row of {icao24} at {last_contact}: {reason}")]
    Rejected {
        /// The aircraft of the row.
        icao24: Icao24,
        /// The `last_contact` of the row.
        last_contact: UnixTime,
        /// The database's error message.
        reason: String,
    },
    /// The same for a record of another log.
    #[error("the database rejected {record}: {reason}")]
    RejectedRecord {
        /// The record.
        record: Box<SideRecord>,
        /// The database's error message.
        reason: String,
    },
}
