use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use actors::ports::PublishError;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{NoCustomPartitioner, ProducerContext};
use tokio::sync::Notify;

use super::causes::Causes;

/// Collects the delivery reports of one batch.
#[derive(Debug, Default)]
pub(super) struct BatchReports {
    outstanding: AtomicUsize,
    failed: Mutex<Vec<(usize, RDKafkaErrorCode)>>,
    complete: Notify,
}

/// The messages of a batch that were not acknowledged, each with its cause.
pub(super) struct Undelivered {
    pub(super) messages: Vec<(usize, RDKafkaErrorCode)>,
    pub(super) reason: String,
}

/// A message's index in its batch.
pub(super) struct MessagePlace {
    pub(super) index: usize,
    pub(super) batch: Arc<BatchReports>,
}

/// Forwards librdkafka's delivery reports to their batches, and its errors to the causes.
pub(super) struct DeliveryReports(pub(super) Causes);

impl ClientContext for DeliveryReports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext<NoCustomPartitioner> for DeliveryReports {
    type DeliveryOpaque = Box<MessagePlace>;

    fn delivery(&self, result: &DeliveryResult<'_>, place: Box<MessagePlace>) {
        let failed =
            result.as_ref().err().map(|(error, _)| error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail));
        place.batch.report(place.index, failed);
    }
}

impl BatchReports {
    /// Prepares for the reports of `count` messages that are about to be sent.
    pub(super) fn expecting(count: usize) -> Self {
        Self { outstanding: AtomicUsize::new(count + 1), ..Self::default() }
    }

    /// Returns the number of messages without a report, plus one until [`all_sent`](Self::all_sent).
    pub(super) fn outstanding(&self) -> usize {
        self.outstanding.load(Ordering::Acquire)
    }

    pub(super) fn report(&self, index: usize, failed: Option<RDKafkaErrorCode>) {
        if let Some(code) = failed {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).push((index, code));
        }
        if self.outstanding.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.complete.notify_one();
        }
    }

    /// Notes that all messages were sent. Until then one extra report is outstanding, so that the batch cannot complete
    /// too early.
    pub(super) fn all_sent(&self) {
        if self.outstanding.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.complete.notify_one();
        }
    }

    /// Waits for the last report. Cancel safe. Resolves only once.
    pub(super) async fn wait(&self) {
        self.complete.notified().await;
    }

    /// Returns whether a message failed because its topic no longer exists.
    pub(super) fn misses_topic(&self) -> bool {
        use RDKafkaErrorCode::{UnknownPartition, UnknownTopic, UnknownTopicOrPartition};
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.iter().any(|(_, code)| matches!(code, UnknownPartition | UnknownTopic | UnknownTopicOrPartition))
    }

    pub(super) fn outcome(&self, explain: impl FnOnce(RDKafkaErrorCode) -> String) -> Result<(), Undelivered> {
        let failed = std::mem::take(&mut *self.failed.lock().unwrap_or_else(PoisonError::into_inner));
        Undelivered::of(failed, explain)
    }
}

impl Undelivered {
    /// Returns an error if there are any messages; `explain` describes the cause of the first one.
    pub(super) fn of(
        mut messages: Vec<(usize, RDKafkaErrorCode)>,
        explain: impl FnOnce(RDKafkaErrorCode) -> String,
    ) -> Result<(), Self> {
        messages.sort_unstable_by_key(|(index, _)| *index);
        match messages.first() {
            None => Ok(()),
            Some((_, code)) => Err(Self { reason: explain(*code), messages }),
        }
    }

    /// Returns the cause of the first message.
    pub(super) fn code(&self) -> RDKafkaErrorCode {
        self.messages.first().map_or(RDKafkaErrorCode::Fail, |(_, code)| *code)
    }

    pub(super) fn all(count: usize, reason: String) -> Self {
        Self { messages: (0..count).map(|index| (index, RDKafkaErrorCode::Fail)).collect(), reason }
    }
}

impl From<Undelivered> for PublishError {
    fn from(Undelivered { messages, reason }: Undelivered) -> Self {
        Self { undelivered: messages.into_iter().map(|(index, _)| index).collect(), reason }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_batch_is_complete_once_all_messages_are_sent_and_reported() {
        let batch = BatchReports::expecting(2);
        batch.report(1, None);
        batch.report(0, Some(RDKafkaErrorCode::PurgeQueue));
        assert!(timeout(Duration::ZERO, batch.wait()).await.is_err());
        batch.all_sent();
        batch.wait().await;
        assert_eq!(PublishError::from(batch.outcome(|code| code.to_string()).unwrap_err()).undelivered, [0]);
    }
}
