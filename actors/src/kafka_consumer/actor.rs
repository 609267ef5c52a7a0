use actix::prelude::*;

use super::consumer_context::ConsumerContext;
use super::route::Route;
use crate::messages::{Drain, Drained};
use crate::metrics::Metrics;
use crate::ports::Subscription;
use crate::supervision::{Phase, Vitals};

/// Reads Kafka along a route, as fast as the destination accepts the records.
///
/// The subscription survives a restart of the actor: it is rewound and does not rejoin its group.
pub struct KafkaConsumer<S, R> {
    context: ConsumerContext<S>,
    route: R,
    left: usize,
}

impl<S: Subscription, R: Route> KafkaConsumer<S, R> {
    /// Creates a consumer that starts to read when the actor is started.
    pub fn new(subscription: S, route: R, vitals: Vitals, metrics: Metrics) -> Self {
        Self { context: ConsumerContext::new(subscription, vitals, metrics), route, left: 0 }
    }
}

impl<S: Subscription, R: Route> Actor for KafkaConsumer<S, R> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let in_flight = self.context.work.begin();
        self.context.vitals.phase(Phase::Running);
        let run = self.route.clone().run(self.context.clone());
        ctx.spawn(run.into_actor(self).map(move |left, consumer, _| {
            consumer.left = left;
            drop(in_flight);
        }));
    }
}

impl<S: Subscription, R: Route> Supervised for KafkaConsumer<S, R> {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.context.subscription.reset();
    }
}

impl<S: Subscription, R: Route> Handler<Drain> for KafkaConsumer<S, R> {
    type Result = ResponseActFuture<Self, Drained>;

    fn handle(&mut self, drain: Drain, _: &mut Self::Context) -> Self::Result {
        self.context.vitals.phase(Phase::Draining);
        self.context.work.drain(drain.deadline);
        let (subscription, work) = (self.context.subscription.clone(), self.context.work.clone());
        let finish = async move {
            work.idle().await;
            subscription.close().await;
        };
        Box::pin(finish.into_actor(self).map(|(), consumer, _| {
            consumer.context.vitals.phase(Phase::Finished);
            Drained { left: consumer.left }
        }))
    }
}

#[cfg(feature = "fault-injection")]
impl<S: Subscription, R: Route> Handler<crate::messages::InjectPanic> for KafkaConsumer<S, R> {
    type Result = ();

    #[expect(clippy::panic, reason = "panics on request")]
    fn handle(&mut self, _: crate::messages::InjectPanic, _: &mut Self::Context) {
        panic!("injected");
    }
}
