use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::ports::{Subscription, SubscriptionError};

/// Asks Kafka whether it answers, from a failure on until it does: a topic on which nothing happens would never tell.
pub(super) struct HealthProbe<S> {
    subscription: Rc<S>,
    question: Option<LocalBoxFuture<'static, Result<(), SubscriptionError>>>,
}

impl<S: Subscription> HealthProbe<S> {
    const PAUSE: Duration = Duration::from_secs(1);

    pub(super) fn of(subscription: &Rc<S>) -> Self {
        Self { subscription: subscription.clone(), question: None }
    }

    /// Asks, unless it does already.
    pub(super) fn open(&mut self) {
        if self.question.is_none() {
            self.ask(Duration::ZERO);
        }
    }

    fn ask(&mut self, after: Duration) {
        let subscription = self.subscription.clone();
        let ask = async move {
            tokio::time::sleep(after).await;
            subscription.end_offsets().await.map(drop)
        };
        self.question = Some(ask.boxed_local());
    }

    /// The next answer; a good one is the last. Waits for ever while nothing is asked. Cancel safe.
    pub(super) async fn answer(&mut self) -> Result<(), SubscriptionError> {
        let Some(question) = &mut self.question else { return std::future::pending().await };
        let answer = question.await;
        match &answer {
            Ok(()) => self.question = None,
            Err(_) => self.ask(Self::PAUSE),
        }
        answer
    }
}
