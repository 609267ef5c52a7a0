use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::{AbortHandle, LocalBoxFuture, abortable};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until};

use super::delivery::{Abandoned, DeliveryContext};
use super::endpoint_watch::Handled;
use super::partition_queue::PartitionQueue;
use crate::ports::{AlertQueue, QueueEvent, SubscriptionError};
use crate::supervision::Readiness;
use crate::supervision::backoff::Backoff;

/// Reads the queue and delivers the records of its partitions concurrently, those of one partition in order.
pub(super) struct DeliveryLoop<Q> {
    context: Rc<DeliveryContext<Q>>,
    partitions: BTreeMap<i32, OwnedPartition>,
    deliveries: FuturesUnordered<LocalBoxFuture<'static, FinishedDelivery>>,
    assignments: u64,
    backoff: Backoff,
    /// When to read again after a failure of Kafka. Deliveries continue until then.
    read_again: Option<Instant>,
}

struct OwnedPartition {
    queue: PartitionQueue,
    /// Ends the delivery in flight when the partition is no longer owned.
    delivery: Option<AbortHandle>,
}

struct FinishedDelivery {
    partition: i32,
    /// The assignment of the partition under which the record was read.
    assignment: u64,
    next_offset: i64,
    /// `None` if the partition was revoked during the delivery.
    result: Option<Result<Handled, Abandoned>>,
}

impl<Q: AlertQueue> DeliveryLoop<Q> {
    pub(super) fn new(context: Rc<DeliveryContext<Q>>) -> Self {
        Self {
            context,
            partitions: BTreeMap::new(),
            deliveries: FuturesUnordered::new(),
            assignments: 0,
            backoff: Backoff::for_service(),
            read_again: None,
        }
    }

    /// Runs until drained. Returns the number of records that are lost with the process.
    pub(super) async fn run(mut self) -> usize {
        let context = self.context.clone();
        loop {
            tokio::select! {
                biased;
                () = context.work.drain_requested() => return self.drain().await,
                Some(finished) = self.deliveries.next() => self.finish(&finished),
                event = next(&context, self.read_again) => self.process(event),
            }
            self.observe();
        }
    }

    /// Lets the deliveries in flight end. Records of the embedded broker, which are lost with the process, are all
    /// delivered, until the deadline.
    async fn drain(&mut self) -> usize {
        let context = self.context.clone();
        loop {
            let finished = tokio::select! {
                biased;
                () = context.work.deadline_passed() => break,
                finished = self.deliveries.next() => finished,
            };
            let Some(finished) = finished else { break };
            self.finish(&finished);
        }
        if context.settings.volatile { self.waiting() } else { 0 }
    }

    fn process(&mut self, event: Result<QueueEvent, SubscriptionError>) {
        self.read_again = None;
        match event {
            Ok(event) => {
                self.backoff = Backoff::for_service();
                self.context.watch.reading();
                self.apply(event);
            }
            Err(error) => {
                self.read_again = Some(Instant::now() + self.backoff.pause());
                let vitals = &self.context.vitals;
                vitals.error(error.to_string());
                vitals.readiness(Readiness::NotReady(error.to_string()));
                if let Some(suppressed) = self.context.log.admit() {
                    log::warn!(actor = vitals.name(), suppressed; "{error}");
                }
            }
        }
    }

    fn apply(&mut self, event: QueueEvent) {
        match event {
            QueueEvent::Assigned(partitions) => {
                for partition in partitions {
                    self.revoke(partition);
                    self.assignments += 1;
                    let queue = PartitionQueue::new(self.assignments);
                    self.partitions.insert(partition, OwnedPartition { queue, delivery: None });
                }
            }
            QueueEvent::Revoked(partitions) => partitions.into_iter().for_each(|partition| self.revoke(partition)),
            QueueEvent::Record(record) => {
                let partition = record.partition;
                let Some(owned) = self.partitions.get_mut(&partition) else { return };
                owned.queue.push(record);
                self.deliver_next(partition);
                self.control_flow(partition);
            }
        }
    }

    fn revoke(&mut self, partition: i32) {
        if let Some(delivery) = self.partitions.remove(&partition).and_then(|owned| owned.delivery) {
            delivery.abort();
        }
    }

    fn deliver_next(&mut self, partition: i32) {
        let Some(owned) = self.partitions.get_mut(&partition) else { return };
        let Some(record) = owned.queue.begin() else { return };
        let (context, assignment) = (self.context.clone(), owned.queue.assignment);
        let next_offset = record.offset + 1;
        let (delivery, handle) = abortable(async move { context.deliver(&record).await });
        owned.delivery = Some(handle);
        let finished =
            delivery.map(move |result| FinishedDelivery { partition, assignment, next_offset, result: result.ok() });
        self.deliveries.push(finished.boxed_local());
    }

    fn finish(&mut self, finished: &FinishedDelivery) {
        let &FinishedDelivery { partition, assignment, next_offset, result } = finished;
        let Some(owned) = self.partitions.get_mut(&partition) else { return };
        // Under another assignment, the record is delivered again by whoever has it now.
        if owned.queue.assignment != assignment {
            return;
        }
        let Some(Ok(handled)) = result else { return };
        owned.queue.finish();
        owned.delivery = None;
        self.context.queue.commit(partition, next_offset);
        self.context.watch.handled(handled);
        if !self.context.work.is_draining() || self.context.settings.volatile {
            self.deliver_next(partition);
        }
        self.control_flow(partition);
    }

    fn control_flow(&mut self, partition: i32) {
        let Some(OwnedPartition { queue, .. }) = self.partitions.get_mut(&partition) else { return };
        let Some(paused) = queue.flow_change() else { return };
        match self.context.queue.set_paused(partition, paused) {
            Ok(()) => queue.is_paused = paused,
            // The revocation that explains it follows.
            Err(error) => log::debug!(actor = self.context.vitals.name(), partition, error:%; "failed to pause"),
        }
    }

    fn waiting(&self) -> usize {
        self.partitions.values().map(|owned| owned.queue.len()).sum()
    }

    fn observe(&self) {
        let oldest = self.partitions.values().filter_map(|owned| owned.queue.oldest()).min();
        self.context.watch.waiting(self.partitions.len(), self.waiting(), oldest);
    }
}

/// Waits for the next event of the queue, not before this time.
async fn next<Q: AlertQueue>(
    context: &DeliveryContext<Q>,
    not_before: Option<Instant>,
) -> Result<QueueEvent, SubscriptionError> {
    if let Some(at) = not_before {
        sleep_until(at).await;
    }
    context.queue.next().await
}
