use std::collections::BTreeMap;
use std::time::Duration;

use actix::Recipient;

use super::consumer_context::{ConsumerContext, Dependency};
use super::health_probe::HealthProbe;
use super::lag::Lag;
use super::route::Route;
use crate::batch::Batch;
use crate::detect::{Alert, AlertKey};
use crate::messages::ShowAlerts;
use crate::metrics::{count, init_counters};
use crate::ports::{StartAt, Subscription, SubscriptionError, SubscriptionEvent};
use crate::supervision::backoff::Backoff;
use crate::supervision::{LiveObservation, Observation, Phase, Readiness};

/// Kafka → SseHub: reads the whole topic of the alerts, and shows those that are active.
#[derive(Clone)]
pub struct AlertsRoute {
    /// Shows the active alerts.
    pub hub: Recipient<ShowAlerts>,
}

impl Route for AlertsRoute {
    fn run<S: Subscription>(self, context: ConsumerContext<S>) -> impl Future<Output = usize> {
        AlertsLoop::new(context, self.hub).run()
    }
}

struct AlertsLoop<S> {
    context: ConsumerContext<S>,
    hub: Recipient<ShowAlerts>,
    /// The active alerts of each partition.
    active: BTreeMap<i32, BTreeMap<AlertKey, Alert>>,
    lag: Lag<S>,
    observation: LiveObservation,
}

impl<S: Subscription> AlertsLoop<S> {
    const KIND: &'static str = "alerts";
    /// The alerts are shown again this often: the hub may have been restarted.
    const REPEAT_INTERVAL: Duration = Duration::from_secs(2);

    fn new(context: ConsumerContext<S>, hub: Recipient<ShowAlerts>) -> Self {
        init_counters(&context.metrics.consumed, &[Self::KIND]);
        let lag = Lag::of(Self::KIND, &context.subscription, &context.metrics);
        Self { context, hub, active: BTreeMap::new(), lag, observation: LiveObservation::default() }
    }

    /// Reads until drained. Returns 0, since nothing has to be stored.
    async fn run(mut self) -> usize {
        let work = self.context.work.clone();
        loop {
            tokio::select! {
                biased;
                () = work.drain_requested() => return 0,
                () = self.step() => {}
            }
        }
    }

    async fn step(&mut self) {
        match self.next().await {
            Some(SubscriptionEvent::Assigned(partitions)) => {
                let starts: Vec<_> = partitions.iter().map(|&partition| (partition, StartAt::Beginning)).collect();
                partitions.iter().for_each(|partition| drop(self.active.insert(*partition, BTreeMap::new())));
                self.lag.forget(&partitions);
                match self.context.subscription.start(&starts).await {
                    Ok(started) => self.lag.begin(&started),
                    Err(error) => {
                        self.context.subscription.reset();
                        self.failed(&error);
                    }
                }
            }
            Some(SubscriptionEvent::Revoked(partitions)) => {
                self.active.retain(|partition, _| !partitions.contains(partition));
                self.lag.forget(&partitions);
            }
            Some(SubscriptionEvent::Batch(batch)) => self.apply(batch),
            None => {}
        }
        self.show().await;
        self.observe();
    }

    /// Waits for the next event, and retries after failures. Returns `None` when the alerts have to be shown again.
    async fn next(&mut self) -> Option<SubscriptionEvent> {
        let subscription = self.context.subscription.clone();
        let mut probe = HealthProbe::of(&subscription);
        let mut backoff = Backoff::for_service();
        let repeat = tokio::time::sleep(Self::REPEAT_INTERVAL);
        let mut repeat = std::pin::pin!(repeat);
        loop {
            tokio::select! {
                biased;
                event = subscription.next() => match event {
                    Ok(event) => return Some(event),
                    Err(error) => {
                        self.failed(&error);
                        tokio::time::sleep(backoff.pause()).await;
                        probe.start();
                    }
                },
                result = probe.result() => if result.is_ok() {
                    return None;
                },
                () = &mut repeat, if self.context.vitals.status().phase == Phase::Running => return None,
                () = self.lag.refresh() => self.observe(),
            }
        }
    }

    /// Applies records: alerts, tombstones, and what else there may be, such as alerts of versions that named no rule.
    fn apply(&mut self, batch: Batch) {
        count(&self.context.metrics.consumed, Self::KIND, batch.records());
        self.observation.records += batch.records();
        for part in batch.parts {
            self.lag.reached(part.partition, part.next_offset);
            let active = self.active.entry(part.partition).or_default();
            let tombstones = part.dead_letters.iter().filter(|letter| letter.value.is_none());
            for key in tombstones.filter_map(|letter| letter.key.as_deref()) {
                if let Some(key) = std::str::from_utf8(key).ok().and_then(|key| key.parse::<AlertKey>().ok()) {
                    active.remove(&key);
                }
            }
            for alert in part.alerts {
                let key = AlertKey::from(&alert);
                match alert.ended {
                    None => drop(active.insert(key, alert)),
                    Some(_) => drop(active.remove(&key)),
                }
            }
        }
    }

    async fn show(&mut self) {
        let alerts = self.active.values().flat_map(BTreeMap::values).cloned().collect();
        if let Err(error) = self.hub.send(ShowAlerts(alerts)).await {
            // The hub is restarting; the alerts are shown again after the interval.
            self.context.vitals.error(format!("the SseHub did not accept the alerts: {error}"));
            return;
        }
        if !self.active.is_empty() {
            self.context.vitals.progress();
            self.context.vitals.phase(Phase::Running);
            self.context.vitals.readiness(Readiness::Ready);
        }
    }

    fn failed(&self, error: &SubscriptionError) {
        self.context.log_failure(Dependency::Kafka, &error.0);
    }

    fn observe(&mut self) {
        self.observation.partitions = self.active.len();
        self.observation.lag = self.lag.total();
        self.context.vitals.observe(Observation::LiveConsumer(self.observation.clone()));
    }
}
