use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use thiserror::Error;

use crate::detect::{Alert, AlertChange};
use crate::domain::StateVector;

/// The log of alerts, and how far the log of state vectors was processed for it. Both change in one step.
///
/// It is shared with the thread of its consumer, and is used by one consumer at a time.
pub trait AlertLog: Send + Sync + 'static {
    /// Whether the states are published, too, with what is known about their aircraft.
    fn publishes_states(&self) -> bool;

    /// Returns what the previous owners of these partitions have published. A transaction of theirs that is still open
    /// is waited for.
    ///
    /// # Errors
    /// Classified by who can act; see [`AlertLogError`].
    fn recover<'a>(&'a self, partitions: &'a [i32]) -> LocalBoxFuture<'a, Result<Vec<Recovered>, AlertLogError>>;

    /// Publishes alerts, and commits the positions up to which the states were processed, as one step. If this fails,
    /// it is unknown whether the step was done; a repetition with the same transaction finds out.
    ///
    /// # Errors
    /// Classified by who can act; see [`AlertLogError`].
    fn commit(&self, transaction: Arc<DetectTransaction>) -> LocalBoxFuture<'_, Result<(), AlertLogError>>;
}

/// The state of a partition as its previous owner has published it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovered {
    /// The partition's number.
    pub partition: i32,
    /// How far the states were processed; `None` if they never were.
    pub position: Option<DetectPosition>,
    /// The active alerts.
    pub active: Vec<Alert>,
    /// The newest alerts of their rules and aircraft that have ended, and whose records are still to be deleted, with
    /// the records' times in Unix milliseconds.
    pub ended: Vec<(Alert, i64)>,
}

/// A position in a partition: everything before it was processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DetectPosition {
    /// The next record.
    pub next: LogPlace,
    /// The first record that may affect the decisions on records from `next` on.
    pub look_back: LogPlace,
}

/// A place between two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPlace {
    /// The offset of the record after it.
    pub next_offset: i64,
    /// The timestamp of the record before it in Unix milliseconds; `None` if it was not read.
    pub last_timestamp: Option<i64>,
}

/// What is published as one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DetectTransaction {
    /// One part for each partition that has made progress.
    pub parts: Vec<DetectPart>,
}

/// The part of a transaction that concerns one partition of the log of state vectors, and the same partition of the log
/// of alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectPart {
    /// The partition's number.
    pub partition: i32,
    /// The committed offset before this step; `None` if there must be none.
    pub base: Option<i64>,
    /// The position after this step.
    pub position: DetectPosition,
    /// What to publish, in this order.
    pub changes: Vec<AlertChange>,
    /// The states up to the position that no earlier step contains, if the log publishes states.
    pub states: Vec<Arc<StateVector>>,
}

/// Why alerts were not read or published, classified by who can act.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AlertLogError {
    /// Kafka is down or slow; retry later.
    #[error("{0}")]
    Unavailable(String),
    /// Permissions or topics are not as required; the operator must act. Retried at longer intervals.
    #[error("refused: {0}")]
    Refused(String),
    /// The partitions have another owner, or their positions were changed. Start again from what is published.
    #[error("fenced: {0}")]
    Fenced(String),
}
