use std::sync::{Arc, Mutex, PoisonError, Weak};

use rdkafka::consumer::ConsumerGroupMetadata;

use crate::kafka::client::Client;

/// Connects a subscription with the transactions that commit its offsets.
#[derive(Clone, Default)]
pub struct SharedGroup(pub(in crate::kafka) Arc<GroupShare>);

/// The generation of the group is that of the last event which the subscription has returned. Whoever still works with
/// partitions of an earlier one is therefore fenced by Kafka, even if the client has joined the group again by then.
#[derive(Default)]
pub(in crate::kafka) struct GroupShare {
    client: Mutex<Weak<Client>>,
    generation: Mutex<Option<Arc<ConsumerGroupMetadata>>>,
}

impl GroupShare {
    pub(in crate::kafka) fn set_client(&self, client: &Arc<Client>) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(client);
    }

    pub(in crate::kafka) fn set_generation(&self, generation: Option<Arc<ConsumerGroupMetadata>>) {
        *self.generation.lock().unwrap_or_else(PoisonError::into_inner) = generation;
    }

    /// Returns the client, unless it is closed or being replaced.
    pub(super) fn client(&self) -> Option<Arc<Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    /// Returns the generation in which the partitions were assigned; `None` if they were revoked.
    pub(super) fn generation(&self) -> Option<Arc<ConsumerGroupMetadata>> {
        self.generation.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
