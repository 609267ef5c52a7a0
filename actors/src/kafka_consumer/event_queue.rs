use std::collections::VecDeque;

use crate::ports::SubscriptionEvent;

/// The subscription events that are not processed yet; at most one of them is a batch.
#[derive(Debug, Default)]
pub(super) struct EventQueue(VecDeque<SubscriptionEvent>);

impl EventQueue {
    pub(super) fn push(&mut self, event: SubscriptionEvent) {
        self.0.push_back(event);
    }

    pub(super) fn pop(&mut self) -> Option<SubscriptionEvent> {
        self.0.pop_front()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn has_batch(&self) -> bool {
        self.0.iter().any(|event| matches!(event, SubscriptionEvent::Batch(_)))
    }

    /// Whether an assignment or a revocation is queued.
    pub(super) fn has_rebalance(&self) -> bool {
        self.0.iter().any(|event| !matches!(event, SubscriptionEvent::Batch(_)))
    }

    /// Whether a later assignment or revocation of the partition is queued, so that the current one is outdated.
    pub(super) fn supersedes(&self, partition: i32) -> bool {
        self.0.iter().any(|event| match event {
            SubscriptionEvent::Assigned(partitions) | SubscriptionEvent::Revoked(partitions) => {
                partitions.contains(&partition)
            }
            SubscriptionEvent::Batch(_) => false,
        })
    }

    /// Drops the records of these partitions.
    pub(super) fn drop_records(&mut self, partitions: &[i32]) {
        for event in &mut self.0 {
            if let SubscriptionEvent::Batch(batch) = event {
                batch.parts.retain(|part| !partitions.contains(&part.partition));
            }
        }
    }

    /// The number of rows in queued batches.
    pub(super) fn rows(&self) -> usize {
        let rows = |event: &SubscriptionEvent| match event {
            SubscriptionEvent::Batch(batch) => batch.rows(),
            SubscriptionEvent::Assigned(_) | SubscriptionEvent::Revoked(_) => 0,
        };
        self.0.iter().map(rows).sum()
    }
}
