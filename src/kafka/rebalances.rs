use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use actors::ports::SubscriptionEvent;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::causes::Causes;

/// Collects the events of librdkafka's rebalance callback, in order.
#[derive(Clone)]
pub(super) struct Rebalances {
    events: Arc<Mutex<VecDeque<SubscriptionEvent>>>,
    generation: Arc<Mutex<Option<Arc<ConsumerGroupMetadata>>>>,
    pub(super) causes: Causes,
}

impl Rebalances {
    pub(super) fn new(causes: Causes) -> Self {
        Self { events: Arc::default(), generation: Arc::default(), causes }
    }

    /// Returns whether no events were reported since the last call of [`Rebalances::take`].
    pub(super) fn is_empty(&self) -> bool {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Returns the generation of the group that belongs to the last event; `None` if that was not an assignment.
    pub(super) fn generation(&self) -> Option<Arc<ConsumerGroupMetadata>> {
        self.generation.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Removes and returns the events reported since the last call.
    pub(super) fn take(&self) -> VecDeque<SubscriptionEvent> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Rebalances {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.causes.log(level, facility, message);
    }

    /// Errors also arrive on the stream, but without the reason.
    fn error(&self, error: KafkaError, reason: &str) {
        self.causes.error(error, reason);
    }
}

impl ConsumerContext for Rebalances {
    /// Starts an assignment at the oldest record and not at the committed offsets. Those are for lag monitoring tools
    /// only, and a late response with them would undo the seek to the offset stored in the database.
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
            log::error!(error:%; "failed to apply a rebalance");
        }
        self.post_rebalance(consumer, &rebalance);
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let partitions = |list: &TopicPartitionList| list.elements().iter().map(|e| e.partition()).collect();
        // Noted here: once the client has lost its membership, it would report a generation that Kafka does not check.
        let generation = match rebalance {
            Rebalance::Assign(_) => consumer.group_metadata().map(Arc::new),
            Rebalance::Revoke(_) | Rebalance::Error(_) => None,
        };
        *self.generation.lock().unwrap_or_else(PoisonError::into_inner) = generation;
        let event = match rebalance {
            Rebalance::Assign(list) => {
                // Reading starts only when the database has returned the start offsets.
                if let Err(error) = consumer.pause(list) {
                    log::warn!(error:%; "failed to pause the assigned partitions");
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
