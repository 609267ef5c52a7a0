use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use actors::ports::SubscriptionEvent;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::causes::Causes;

/// What librdkafka's rebalance callback reports, in its order.
#[derive(Clone)]
pub(super) struct Rebalances {
    events: Arc<Mutex<VecDeque<SubscriptionEvent>>>,
    pub(super) causes: Causes,
}

impl Rebalances {
    pub(super) fn new(causes: Causes) -> Self {
        Self { events: Arc::default(), causes }
    }

    /// What was reported since the last time.
    pub(super) fn take(&self) -> VecDeque<SubscriptionEvent> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Rebalances {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.causes.log(level, facility, message);
    }

    /// Comes as an error of the stream, too, but there without the reason.
    fn error(&self, error: KafkaError, reason: &str) {
        self.causes.error(error, reason);
    }
}

impl ConsumerContext for Rebalances {
    /// Takes over an assignment at the oldest record, not at the committed offsets: those are for lag tools, and an answer
    /// about them that comes late would undo the seek to where the database says.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, error: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let (rebalance, done) = match error {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                let done = list.set_all_offsets(Offset::Beginning).and_then(|()| consumer.assign(list));
                (Rebalance::Assign(list), done)
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => (Rebalance::Revoke(list), consumer.unassign()),
            _ => (Rebalance::Error(KafkaError::Rebalance(error.into())), consumer.unassign()),
        };
        if let Err(error) = done {
            log::error!(error:%; "librdkafka did not take over a rebalance");
        }
        self.post_rebalance(consumer, &rebalance);
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let partitions = |list: &TopicPartitionList| list.elements().iter().map(|e| e.partition()).collect();
        let event = match rebalance {
            Rebalance::Assign(list) => {
                // Nothing is read before the database has said from where.
                if let Err(error) = consumer.pause(list) {
                    log::warn!(error:%; "an assignment could not be paused");
                }
                SubscriptionEvent::Assigned(partitions(list))
            }
            Rebalance::Revoke(list) => SubscriptionEvent::Revoked(partitions(list)),
            Rebalance::Error(error) => {
                log::warn!(error:%; "rebalancing failed");
                return;
            }
        };
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push_back(event);
    }
}
