use std::rc::Rc;
use std::time::Duration;

use tokio::time::sleep;

use super::endpoint_watch::{EndpointWatch, Handled};
use super::notifier_settings::NotifierSettings;
use super::retry::{Attempts, NextStep};
use crate::batch::DeadLetter;
use crate::domain::UnixTime;
use crate::notification::Notification;
use crate::ports::{AlertQueue, NotificationEndpoint, QueuedAlert};
use crate::supervision::Vitals;
use crate::supervision::backoff::Backoff;
use crate::supervision::in_flight::InFlightWork;
use crate::throttle::Throttle;

/// What the deliveries of one endpoint share.
pub(super) struct DeliveryContext<Q> {
    pub(super) queue: Rc<Q>,
    pub(super) endpoint: Rc<dyn NotificationEndpoint>,
    pub(super) settings: NotifierSettings,
    pub(super) watch: EndpointWatch,
    pub(super) vitals: Vitals,
    pub(super) work: Rc<InFlightWork>,
    pub(super) log: Throttle,
}

/// The process ends before the record was delivered, so that it must not be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Abandoned;

/// An endpoint that is woken by the success of another delivery is tried again after this pause at the earliest.
const MIN_PAUSE: Duration = Duration::from_secs(1);

impl<Q: AlertQueue> DeliveryContext<Q> {
    /// Delivers a record, and retries until the endpoint has accepted it or it has become a dead letter.
    pub(super) async fn deliver(&self, record: &QueuedAlert) -> Result<Handled, Abandoned> {
        // A tombstone, which compaction needs, says nothing.
        let Some(value) = &record.value else { return Ok(Handled::PassedOver) };
        let notification = match Notification::decode(value) {
            Ok(notification) => notification,
            Err(reason) => return self.give_up(record, &format!("not an alert: {reason}")).await,
        };
        if !self.settings.rules.admits(&notification.alert.rule) {
            return Ok(Handled::PassedOver);
        }
        let mut attempts = Attempts::none();
        loop {
            let Err(error) = self.endpoint.deliver(&notification).await else { return Ok(Handled::Delivered) };
            self.watch.failed(&error);
            match attempts.after(&error, age(record), self.settings.retry) {
                NextStep::DeadLetter(reason) => return self.give_up(record, &reason).await,
                NextStep::Retry(pause) => {
                    if let Some(suppressed) = self.log.admit() {
                        let id = notification.id.as_str();
                        log::warn!(actor = self.vitals.name(), pause:? = pause, id, suppressed; "{error}");
                    }
                    self.pause(pause).await?;
                }
            }
        }
    }

    /// Waits until the next attempt is due, or another delivery shows that the endpoint is available again.
    async fn pause(&self, pause: Duration) -> Result<(), Abandoned> {
        let recovered = async {
            sleep(MIN_PAUSE).await;
            self.watch.recovered().await;
        };
        tokio::select! {
            () = sleep(pause) => Ok(()),
            () = recovered => Ok(()),
            () = self.ending() => Err(Abandoned),
        }
    }

    /// Resolves when a retry would delay the end of the process. What the embedded broker has is lost with the process,
    /// so it is retried until the deadline, which the caller enforces.
    async fn ending(&self) {
        if self.settings.volatile {
            std::future::pending::<()>().await;
        }
        self.work.drain_requested().await;
    }

    /// Publishes a dead letter, and retries until Kafka has acknowledged it.
    async fn give_up(&self, record: &QueuedAlert, reason: &str) -> Result<Handled, Abandoned> {
        let reason = format!("notify {}: {reason}", self.settings.name);
        log::warn!(actor = self.vitals.name(), partition = record.partition, offset = record.offset; "{reason}");
        let QueuedAlert { topic, partition, offset, timestamp, key, value } = record.clone();
        let letter = DeadLetter { topic, partition, offset, timestamp, key, value, reason };
        let mut backoff = Backoff::for_service();
        while let Err(error) = self.queue.publish_dead_letter(letter.clone()).await {
            self.vitals.error(format!("failed to publish a dead letter: {error}"));
            tokio::select! {
                () = sleep(backoff.pause()) => {}
                () = self.ending() => return Err(Abandoned),
            }
        }
        Ok(Handled::DeadLetter)
    }
}

/// Returns how long ago a record was published.
fn age(record: &QueuedAlert) -> Duration {
    let now = UnixTime::now().0.saturating_mul(1000);
    Duration::from_millis(u64::try_from(now.saturating_sub(record.timestamp)).unwrap_or(0))
}
