use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use thiserror::Error;

use super::SubscriptionError;
use crate::batch::DeadLetter;
use crate::notification::Notification;

/// The queue of one endpoint: the alerts on Kafka, read as a member of a consumer group of its own. The group's
/// committed offsets say what was delivered.
///
/// `next` is cancel safe: records already received stay in the queue.
pub trait AlertQueue: 'static {
    /// Waits for the next event.
    ///
    /// # Errors
    /// Reports each failure once; the queue remains usable.
    fn next(&self) -> impl Future<Output = Result<QueueEvent, SubscriptionError>>;

    /// Stops or continues fetching a partition. The membership of the group is not affected.
    ///
    /// # Errors
    /// The Kafka client rejects the request, for example because the partition is no longer owned.
    fn set_paused(&self, partition: i32, paused: bool) -> Result<(), SubscriptionError>;

    /// Commits that all records before this offset were delivered, without waiting. A failure does no harm: a later
    /// commit includes this one, and without a later one the record is delivered again, with the same id.
    fn commit(&self, partition: i32, next_offset: i64);

    /// Publishes a dead letter and waits for its acknowledgement.
    ///
    /// # Errors
    /// The dead letter was not acknowledged.
    fn publish_dead_letter(&self, letter: DeadLetter) -> impl Future<Output = Result<(), SubscriptionError>>;

    /// Leaves the group without waiting; the next call joins it again and starts from the committed offsets.
    fn reset(&self);

    /// Commits and leaves the group.
    fn close(&self) -> impl Future<Output = ()>;
}

/// An event of an [`AlertQueue`].
#[derive(Clone, Debug, PartialEq)]
pub enum QueueEvent {
    /// These partitions are now owned. Their records follow, from the committed offset.
    Assigned(Vec<i32>),
    /// These partitions are no longer owned.
    Revoked(Vec<i32>),
    /// The next record of its partition.
    Record(QueuedAlert),
}

/// A record of the topic of alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedAlert {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The offset in the partition.
    pub offset: i64,
    /// Unix milliseconds.
    pub timestamp: i64,
    /// The key.
    pub key: Option<Bytes>,
    /// The value; `None` for a tombstone.
    pub value: Option<Bytes>,
}

/// A destination of notifications, such as a webhook.
pub trait NotificationEndpoint: 'static {
    /// Delivers one notification. Returns once the endpoint has accepted it.
    ///
    /// # Errors
    /// Classified by who can act; see [`DeliveryError`].
    fn deliver<'a>(&'a self, notification: &'a Notification) -> LocalBoxFuture<'a, Result<(), DeliveryError>>;

    /// Does what has to go on between deliveries, such as keeping a connection. It ends with the actor, and is called
    /// again after a restart.
    fn run(self: Rc<Self>) -> LocalBoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// Why an endpoint did not accept a notification, classified by who can act.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeliveryError {
    /// The endpoint is down, slow, busy or unreachable; retry later.
    #[error("unavailable: {reason}")]
    Unavailable {
        /// What failed.
        reason: String,
        /// The pause that the endpoint demands, if it states one.
        retry_after: Option<Duration>,
    },
    /// The address or the credentials are not accepted; the operator must act. Retried at longer intervals.
    #[error("refused: {0}")]
    Refused(String),
    /// The endpoint rejects this notification, and would reject it again.
    #[error("rejected: {0}")]
    Rejected(String),
}

impl DeliveryError {
    /// Creates an error without a demanded pause.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into(), retry_after: None }
    }

    /// Returns the class, as a label in metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
            Self::Refused(_) => "refused",
            Self::Rejected(_) => "rejected",
        }
    }
}
