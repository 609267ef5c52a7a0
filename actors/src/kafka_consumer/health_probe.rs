use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::ports::{Subscription, SubscriptionError};

/// Probes Kafka after a failure until it responds. An idle topic would not show that Kafka is available again.
pub(super) struct HealthProbe<S> {
    subscription: Rc<S>,
    probe: Option<LocalBoxFuture<'static, Result<(), SubscriptionError>>>,
}

impl<S: Subscription> HealthProbe<S> {
    const PAUSE: Duration = Duration::from_secs(1);

    pub(super) fn of(subscription: &Rc<S>) -> Self {
        Self { subscription: subscription.clone(), probe: None }
    }

    /// Starts to probe, unless already probing.
    pub(super) fn start(&mut self) {
        if self.probe.is_none() {
            self.probe_after(Duration::ZERO);
        }
    }

    fn probe_after(&mut self, after: Duration) {
        let subscription = self.subscription.clone();
        let probe = async move {
            tokio::time::sleep(after).await;
            subscription.end_offsets().await.map(drop)
        };
        self.probe = Some(probe.boxed_local());
    }

    /// Returns the next result. A success ends the probe. Never resolves while not probing. Cancel safe.
    pub(super) async fn result(&mut self) -> Result<(), SubscriptionError> {
        let Some(probe) = &mut self.probe else { return std::future::pending().await };
        let result = probe.await;
        match &result {
            Ok(()) => self.probe = None,
            Err(_) => self.probe_after(Self::PAUSE),
        }
        result
    }
}
