use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use tokio::time::Instant;

use super::delivery::DeliveryContext;
use super::delivery_loop::DeliveryLoop;
use super::endpoint_watch::EndpointWatch;
use super::notifier_settings::NotifierSettings;
use crate::domain::UnixTime;
use crate::messages::{Drain, Drained, TestEndpoint, TestedEndpoint};
use crate::metrics::Metrics;
use crate::notification::Notification;
use crate::ports::{AlertQueue, NotificationEndpoint};
use crate::supervision::in_flight::InFlightWork;
use crate::supervision::{Phase, Vitals};
use crate::throttle::Throttle;

/// Delivers the alerts of its queue to one endpoint, in order for each aircraft.
pub struct Notifier<Q> {
    context: Rc<DeliveryContext<Q>>,
    left: usize,
}

/// How often the log repeats that an endpoint fails.
const LOG_PERIOD: Duration = Duration::from_secs(10);

impl<Q: AlertQueue> Notifier<Q> {
    /// Creates a Notifier that starts to deliver when the actor is started.
    pub fn new(
        queue: Q,
        endpoint: Rc<dyn NotificationEndpoint>,
        settings: NotifierSettings,
        vitals: Vitals,
        metrics: Metrics,
    ) -> Self {
        let watch = EndpointWatch::new(&settings.name, settings.kind, vitals.clone(), metrics);
        let log = Throttle::new(LOG_PERIOD);
        let context =
            DeliveryContext { queue: Rc::new(queue), endpoint, settings, watch, vitals, work: Rc::default(), log };
        Self { context: Rc::new(context), left: 0 }
    }

    fn work(&self) -> &Rc<InFlightWork> {
        &self.context.work
    }
}

impl<Q: AlertQueue> Actor for Notifier<Q> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let in_flight = self.work().begin();
        self.context.vitals.phase(Phase::Running);
        ctx.spawn(self.context.endpoint.clone().run().into_actor(self));
        let run = DeliveryLoop::new(self.context.clone()).run();
        ctx.spawn(run.into_actor(self).map(move |left, notifier, _| {
            notifier.left = left;
            drop(in_flight);
        }));
    }
}

impl<Q: AlertQueue> Supervised for Notifier<Q> {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.context.queue.reset();
    }
}

impl<Q: AlertQueue> Handler<Drain> for Notifier<Q> {
    type Result = ResponseActFuture<Self, Drained>;

    fn handle(&mut self, drain: Drain, _: &mut Self::Context) -> Self::Result {
        self.context.vitals.phase(Phase::Draining);
        self.work().drain(drain.deadline);
        let context = self.context.clone();
        let finish = async move {
            context.work.idle().await;
            context.queue.close().await;
        };
        Box::pin(finish.into_actor(self).map(|(), notifier, _| {
            notifier.context.vitals.phase(Phase::Finished);
            Drained { left: notifier.left }
        }))
    }
}

/// Sends a test message at once, regardless of what waits in the queue. If the endpoint accepts it, what waits is retried.
impl<Q: AlertQueue> Handler<TestEndpoint> for Notifier<Q> {
    type Result = ResponseFuture<TestedEndpoint>;

    fn handle(&mut self, _: TestEndpoint, _: &mut Self::Context) -> Self::Result {
        let context = self.context.clone();
        Box::pin(async move {
            let (notification, began) = (Notification::test(UnixTime::now().0), Instant::now());
            let result = context.endpoint.deliver(&notification).await;
            if result.is_ok() {
                context.watch.accepted();
            }
            TestedEndpoint { id: notification.id, result, duration: began.elapsed() }
        })
    }
}

#[cfg(feature = "fault-injection")]
impl<Q: AlertQueue> Handler<crate::messages::InjectPanic> for Notifier<Q> {
    type Result = ();

    #[expect(clippy::panic, reason = "panics on request")]
    fn handle(&mut self, _: crate::messages::InjectPanic, _: &mut Self::Context) {
        panic!("injected");
    }
}
