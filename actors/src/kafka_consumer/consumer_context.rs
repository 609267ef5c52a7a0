use std::rc::Rc;
use std::time::Duration;

use crate::metrics::Metrics;
use crate::supervision::in_flight::InFlightWork;
use crate::supervision::{Phase, Readiness, Vitals};
use crate::throttle::Throttle;

/// What a route needs from its actor: the subscription, and the vitals and metrics to report to.
pub struct ConsumerContext<S> {
    pub(super) subscription: Rc<S>,
    pub(super) vitals: Vitals,
    pub(super) metrics: Metrics,
    pub(super) work: Rc<InFlightWork>,
    /// Throttles the log, since an outage causes several failures per second. The vitals always contain the newest one.
    pub(super) failure_log: Rc<Throttle>,
}

/// A service that a route depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dependency {
    Kafka,
    Database,
    Sink,
}

impl Dependency {
    fn name(self) -> &'static str {
        match self {
            Self::Kafka => "Kafka",
            Self::Database => "database",
            Self::Sink => "sink",
        }
    }
}

impl<S> ConsumerContext<S> {
    const LOG_PERIOD: Duration = Duration::from_secs(10);

    pub(super) fn new(subscription: S, vitals: Vitals, metrics: Metrics) -> Self {
        let failure_log = Rc::new(Throttle::new(Self::LOG_PERIOD));
        Self { subscription: Rc::new(subscription), vitals, metrics, work: Rc::default(), failure_log }
    }

    /// Reports that a dependency prevents the route from continuing.
    pub(super) fn report_failure(&self, dependency: Dependency, error: &str) {
        self.vitals.error(error);
        self.vitals.phase(Phase::BackingOff);
        self.vitals.readiness(Readiness::NotReady(format!("{}: {error}", dependency.name())));
    }

    /// Like `report_failure`, and logs the failure unless the log is throttled.
    pub(super) fn log_failure(&self, dependency: Dependency, error: &str) {
        if let Some(suppressed) = self.failure_log.admit() {
            log::warn!(actor = self.vitals.name(), suppressed; "{}: {error}", dependency.name());
        }
        self.report_failure(dependency, error);
    }
}

impl<S> Clone for ConsumerContext<S> {
    fn clone(&self) -> Self {
        Self {
            subscription: self.subscription.clone(),
            vitals: self.vitals.clone(),
            metrics: self.metrics.clone(),
            work: self.work.clone(),
            failure_log: self.failure_log.clone(),
        }
    }
}
