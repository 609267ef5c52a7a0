use std::cell::{Cell, RefCell};

use tokio::sync::Notify;

use crate::domain::UnixTime;
use crate::metrics::{EndpointKindLabels, EndpointLabels, Metrics};
use crate::ports::DeliveryError;
use crate::supervision::{EndpointState, NotifierObservation, Observation, Phase, Readiness, Vitals};

/// Tracks whether an endpoint accepts notifications, and reports it.
pub(super) struct EndpointWatch {
    labels: EndpointLabels,
    vitals: Vitals,
    metrics: Metrics,
    observation: RefCell<NotifierObservation>,
    is_failing: Cell<bool>,
    /// Notified when an endpoint that failed accepts a notification again.
    recovered: Notify,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handled {
    Delivered,
    DeadLetter,
    /// A tombstone, or an alert of a rule that the endpoint does not receive.
    PassedOver,
}

impl EndpointWatch {
    pub(super) fn new(name: &str, kind: &str, vitals: Vitals, metrics: Metrics) -> Self {
        let labels = EndpointLabels { endpoint: name.to_owned() };
        // A counter that only appears with its first event has no increase.
        drop(metrics.notify_delivered.get_or_create(&labels));
        drop(metrics.notify_dead_letters.get_or_create(&labels));
        for kind in ["unavailable", "refused", "rejected"] {
            let labels = EndpointKindLabels { endpoint: name.to_owned(), kind };
            drop(metrics.notify_failures.get_or_create(&labels));
        }
        metrics.notify_failing_since.get_or_create(&labels).set(0);
        metrics.notify_oldest_waiting.get_or_create(&labels).set(0);
        let observation = NotifierObservation {
            kind: kind.to_owned(),
            state: EndpointState::Delivering,
            state_since: UnixTime::now(),
            ..NotifierObservation::default()
        };
        Self {
            labels,
            vitals,
            metrics,
            observation: RefCell::new(observation),
            is_failing: Cell::new(false),
            recovered: Notify::new(),
        }
    }

    /// Resolves when the endpoint accepts a notification after it had failed.
    pub(super) async fn recovered(&self) {
        self.recovered.notified().await;
    }

    /// Records a failed attempt.
    pub(super) fn failed(&self, error: &DeliveryError) {
        let labels = EndpointKindLabels { endpoint: self.labels.endpoint.clone(), kind: error.kind() };
        self.metrics.notify_failures.get_or_create(&labels).inc();
        self.vitals.error(error.to_string());
        let state = match error {
            DeliveryError::Unavailable { .. } => EndpointState::Retrying,
            DeliveryError::Refused(_) => EndpointState::Refused,
            // The fault is in the notification, not in the endpoint.
            DeliveryError::Rejected(_) => return self.publish(|seen| seen.failed_tries += 1),
        };
        let now = UnixTime::now();
        if !self.is_failing.replace(true) {
            self.metrics.notify_failing_since.get_or_create(&self.labels).set(now.0);
        }
        self.enter(Phase::BackingOff);
        self.vitals.readiness(Readiness::NotReady(error.to_string()));
        self.publish(|seen| {
            seen.failed_tries += 1;
            seen.reason = Some(error.to_string());
            seen.enter(state, now);
        });
    }

    /// Records what became of a record.
    pub(super) fn handled(&self, handled: Handled) {
        match handled {
            Handled::Delivered => self.metrics.notify_delivered.get_or_create(&self.labels).inc(),
            Handled::DeadLetter => self.metrics.notify_dead_letters.get_or_create(&self.labels).inc(),
            Handled::PassedOver => 0,
        };
        if handled == Handled::Delivered {
            self.accepted();
        }
        // A record that was passed over does not show that the endpoint works again.
        if !self.is_failing.get() {
            self.vitals.progress();
        }
        self.publish(|seen| match handled {
            Handled::Delivered => seen.delivered += 1,
            Handled::DeadLetter => seen.dead_letters += 1,
            Handled::PassedOver => seen.passed_over += 1,
        });
    }

    /// Records that the endpoint has accepted a notification.
    pub(super) fn accepted(&self) {
        self.metrics.notify_failing_since.get_or_create(&self.labels).set(0);
        self.vitals.readiness(Readiness::Ready);
        if self.is_failing.replace(false) {
            log::info!(actor = self.vitals.name(); "the endpoint accepts notifications again");
            self.enter(Phase::Running);
            self.recovered.notify_waiters();
        }
        self.publish(|seen| {
            seen.reason = None;
            seen.enter(EndpointState::Delivering, UnixTime::now());
        });
    }

    /// Reports that the queue can be read, unless the endpoint fails.
    pub(super) fn reading(&self) {
        if !self.is_failing.get() {
            self.enter(Phase::Running);
            self.vitals.readiness(Readiness::Ready);
        }
    }

    /// Reports how many records wait, and the timestamp of the oldest in Unix milliseconds.
    pub(super) fn waiting(&self, partitions: usize, waiting: usize, oldest: Option<i64>) {
        if partitions == 0 {
            self.stand_by();
        }
        let oldest = oldest.map(|milliseconds| UnixTime(milliseconds.div_euclid(1000)));
        self.metrics.notify_oldest_waiting.get_or_create(&self.labels).set(oldest.map_or(0, |time| time.0));
        self.publish(|seen| {
            seen.partitions = partitions;
            seen.waiting = waiting;
            seen.oldest_waiting = oldest;
        });
    }

    /// Forgets a failure, because other processes deliver now: this one would not learn that the endpoint has recovered.
    fn stand_by(&self) {
        if self.is_failing.replace(false) {
            self.metrics.notify_failing_since.get_or_create(&self.labels).set(0);
            self.enter(Phase::Running);
            self.vitals.readiness(Readiness::Ready);
            self.publish(|seen| {
                seen.reason = None;
                seen.enter(EndpointState::Delivering, UnixTime::now());
            });
        }
    }

    /// Reports a phase, unless the actor is draining.
    fn enter(&self, phase: Phase) {
        if self.vitals.status().phase != Phase::Draining {
            self.vitals.phase(phase);
        }
    }

    fn publish(&self, change: impl FnOnce(&mut NotifierObservation)) {
        let mut observation = self.observation.borrow_mut();
        change(&mut observation);
        self.vitals.observe(Observation::Notifier(observation.clone()));
    }
}
