use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;

use super::live_path::LivePath;
use super::store_path::StorePath;
use crate::messages::{Drain, Drained, FindPositions, PublishDeadLetters, ShowBatch, StoreBatch};
use crate::metrics::Metrics;
use crate::ports::Subscription;
use crate::supervision::in_flight::InFlightWork;
use crate::supervision::{Phase, Vitals};
use crate::throttle::Throttle;

/// Reads Kafka for one of the two paths, as fast as the other end takes it.
///
/// The subscription outlives a restart of the actor: it is rewound, not joined anew.
pub struct KafkaConsumer<S> {
    reading: Reading<S>,
    path: Path,
    left: usize,
}

/// What both paths need.
pub(super) struct Reading<S> {
    pub(super) subscription: Rc<S>,
    pub(super) vitals: Vitals,
    pub(super) metrics: Metrics,
    pub(super) work: Rc<InFlightWork>,
    /// Failures are logged this often; an outage brings several a second.
    pub(super) failures: Rc<Throttle>,
}

impl<S> Reading<S> {
    /// How often failures are logged. The newest one is in the vitals.
    const LOG_PERIOD: Duration = Duration::from_secs(10);
}

impl<S> Clone for Reading<S> {
    fn clone(&self) -> Self {
        Self {
            subscription: self.subscription.clone(),
            vitals: self.vitals.clone(),
            metrics: self.metrics.clone(),
            work: self.work.clone(),
            failures: self.failures.clone(),
        }
    }
}

/// Where the records go.
#[derive(Clone)]
pub enum Path {
    /// Into the database, each exactly once.
    Store {
        /// Says how far the partitions were stored.
        positions: Recipient<FindPositions>,
        /// Stores.
        db_writer: Recipient<StoreBatch>,
        /// Takes what cannot be decoded.
        dead_letters: Recipient<PublishDeadLetters>,
        /// Whether the log ends with this process: then everything in it is stored before the end.
        volatile: bool,
    },
    /// Into the live picture.
    Live {
        /// Shows.
        hub: Recipient<ShowBatch>,
        /// How old records may be at the start.
        window: Duration,
    },
}

impl<S: Subscription> KafkaConsumer<S> {
    /// A consumer that starts reading as soon as it is started.
    pub fn new(subscription: S, path: Path, vitals: Vitals, metrics: Metrics) -> Self {
        let failures = Rc::new(Throttle::new(Reading::<S>::LOG_PERIOD));
        let reading = Reading { subscription: Rc::new(subscription), vitals, metrics, work: Rc::default(), failures };
        Self { reading, path, left: 0 }
    }
}

impl<S: Subscription> Actor for KafkaConsumer<S> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (reading, path, operation) = (self.reading.clone(), self.path.clone(), self.reading.work.begin());
        reading.vitals.phase(Phase::Running);
        let run = async move {
            match path {
                Path::Store { positions, db_writer, dead_letters, volatile } => {
                    StorePath::new(reading, positions, db_writer, dead_letters, volatile).run().await
                }
                Path::Live { hub, window } => LivePath::new(reading, hub, window).run().await,
            }
        };
        ctx.spawn(run.into_actor(self).map(move |left, consumer, _| {
            consumer.left = left;
            drop(operation);
        }));
    }
}

impl<S: Subscription> Supervised for KafkaConsumer<S> {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.reading.subscription.reset();
    }
}

impl<S: Subscription> Handler<Drain> for KafkaConsumer<S> {
    type Result = ResponseActFuture<Self, Drained>;

    fn handle(&mut self, drain: Drain, _: &mut Self::Context) -> Self::Result {
        self.reading.vitals.phase(Phase::Draining);
        self.reading.work.drain(drain.deadline);
        let (subscription, work) = (self.reading.subscription.clone(), self.reading.work.clone());
        let finish = async move {
            work.idle().await;
            subscription.close().await;
        };
        Box::pin(finish.into_actor(self).map(|(), consumer, _| {
            consumer.reading.vitals.phase(Phase::Finished);
            Drained { left: consumer.left }
        }))
    }
}

#[cfg(feature = "fault-injection")]
impl<S: Subscription> Handler<crate::messages::InjectPanic> for KafkaConsumer<S> {
    type Result = ();

    #[expect(clippy::panic, reason = "it is what was asked for")]
    fn handle(&mut self, _: crate::messages::InjectPanic, _: &mut Self::Context) {
        panic!("injected");
    }
}
