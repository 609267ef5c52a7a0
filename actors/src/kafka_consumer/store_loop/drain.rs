use std::collections::BTreeMap;

use super::StoreLoop;
use crate::kafka_consumer::destination::Destination;
use crate::ports::Subscription;

impl<S: Subscription, D: Destination> StoreLoop<S, D> {
    /// Stores the records already read, and, if the log ends with this process, all remaining records.
    pub(super) async fn finish(&mut self) -> usize {
        let mut ends: BTreeMap<i32, i64> = BTreeMap::new();
        if self.volatile {
            match self.context.subscription.end_offsets().await {
                Ok(offsets) => ends.extend(offsets),
                Err(error) => self.kafka_failed(&error),
            }
        }
        loop {
            let behind = ends.iter().any(|(partition, &end)| {
                end > 0 && self.cursors.get(partition).is_some_and(|cursor| cursor.is_none_or(|at| at < end))
            });
            let event = match self.queue.pop() {
                Some(event) => Some(event),
                None if behind => {
                    let work = self.context.work.clone();
                    tokio::select! {
                        event = self.next() => event,
                        () = work.deadline_passed() => break,
                    }
                }
                None => break,
            };
            self.process_flushes().await;
            if let Some(event) = event
                && self.handle(event).await.is_err()
            {
                break;
            }
        }
        self.flush_everything().await;
        let buffered = usize::try_from(self.flushing.records()).unwrap_or(usize::MAX);
        let left = self.unstored + self.queue.rows() + buffered;
        if left > 0 {
            log::warn!(
                actor = self.context.vitals.name(), left;
                "records were not stored before the shutdown deadline; Kafka still has them"
            );
        }
        left
    }

    /// Makes everything that was stored durable, until the deadline of the drain.
    async fn flush_everything(&mut self) {
        let work = self.context.work.clone();
        while self.flushing.records() > 0 {
            tokio::select! {
                flushed = self.flushing.finish() => self.flushed.push(flushed),
                () = work.deadline_passed() => return,
            }
            self.process_flushes().await;
        }
    }
}
