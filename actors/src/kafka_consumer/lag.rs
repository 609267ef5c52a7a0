use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::metrics::{LagLabels, Metrics};
use crate::ports::{Subscription, SubscriptionError};

/// The lag of a route by partition, in records: the end of the log minus the delivered offset. The ends are requested
/// every few seconds, even while nothing is read.
pub(super) struct Lag<S> {
    route: &'static str,
    metrics: Metrics,
    subscription: Rc<S>,
    /// For each partition that is read: the offset after the last delivered record.
    reached: BTreeMap<i32, i64>,
    ends: BTreeMap<i32, i64>,
    request: LocalBoxFuture<'static, Result<Ends, SubscriptionError>>,
}

/// The offset after the last record of each partition.
type Ends = Vec<(i32, i64)>;

impl<S: Subscription> Lag<S> {
    const FIRST_REQUEST_DELAY: Duration = Duration::from_secs(1);
    const REQUEST_INTERVAL: Duration = Duration::from_secs(5);

    pub(super) fn of(route: &'static str, subscription: &Rc<S>, metrics: &Metrics) -> Self {
        Self {
            route,
            metrics: metrics.clone(),
            subscription: subscription.clone(),
            reached: BTreeMap::new(),
            ends: BTreeMap::new(),
            request: request_end_offsets(subscription.clone(), Self::FIRST_REQUEST_DELAY),
        }
    }

    /// Waits for new end offsets. Keeps the last ones until Kafka responds. Cancel safe.
    pub(super) async fn refresh(&mut self) {
        loop {
            let response = (&mut self.request).await;
            self.request = request_end_offsets(self.subscription.clone(), Self::REQUEST_INTERVAL);
            if let Ok(ends) = response {
                self.ends = ends.into_iter().collect();
                self.show();
                return;
            }
        }
    }

    /// Starts tracking these partitions from these offsets, and requests their end offsets immediately.
    pub(super) fn begin(&mut self, starts: &[(i32, i64)]) {
        self.reached.extend(starts.iter().copied());
        self.request = request_end_offsets(self.subscription.clone(), Duration::ZERO);
    }

    /// Records that everything before this offset was delivered.
    pub(super) fn reached(&mut self, partition: i32, next_offset: i64) {
        self.reached.insert(partition, next_offset);
        self.show();
    }

    /// Stops tracking partitions that were revoked or are read from another position.
    pub(super) fn forget(&mut self, partitions: &[i32]) {
        for partition in partitions {
            if self.reached.remove(partition).is_some() {
                self.metrics.consumer_lag.remove(&self.labels(*partition));
            }
        }
    }

    /// Returns whether everything that Kafka had at the last request was delivered.
    pub(super) fn has_caught_up(&self) -> bool {
        let has_ends = self.reached.keys().all(|partition| self.ends.contains_key(partition));
        !self.reached.is_empty() && has_ends && self.total() == Some(0)
    }

    /// Returns the lag of all partitions together; `None` while it is unknown.
    pub(super) fn total(&self) -> Option<u64> {
        self.partitions().map(|(_, lag)| lag).reduce(|one, other| one + other)
    }

    fn partitions(&self) -> impl Iterator<Item = (i32, u64)> {
        // The last known end may be before the delivered offset.
        let lag = |end: i64, reached: i64| u64::try_from(end - reached).unwrap_or(0);
        self.reached.iter().filter_map(move |(partition, &reached)| {
            let end = *self.ends.get(partition)?;
            Some((*partition, lag(end, reached)))
        })
    }

    fn show(&self) {
        for (partition, lag) in self.partitions() {
            let gauge = self.metrics.consumer_lag.get_or_create(&self.labels(partition)).clone();
            gauge.set(i64::try_from(lag).unwrap_or(i64::MAX));
        }
    }

    fn labels(&self, partition: i32) -> LagLabels {
        LagLabels { kind: self.route, partition }
    }
}

fn request_end_offsets<S: Subscription>(
    subscription: Rc<S>,
    after: Duration,
) -> LocalBoxFuture<'static, Result<Ends, SubscriptionError>> {
    async move {
        tokio::time::sleep(after).await;
        subscription.end_offsets().await
    }
    .boxed_local()
}

/// Removes the metrics, also after a panic: partitions that are not read have no lag.
impl<S> Drop for Lag<S> {
    fn drop(&mut self) {
        for &partition in self.reached.keys() {
            self.metrics.consumer_lag.remove(&LagLabels { kind: self.route, partition });
        }
    }
}
