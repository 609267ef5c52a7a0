use std::rc::Rc;
use std::sync::Arc;

use actix::prelude::*;
use tokio::sync::Semaphore;

use super::merge::{Merge, MergeRules, MergedStates};
use crate::domain::{Snapshot, UnixTime};
use crate::messages::{Accepted, Drain, Drained, MergeStates, Merged, PublishStates, ShuttingDown};
use crate::metrics::{Metrics, count, init_counters};
use crate::supervision::backoff::Backoff;
use crate::supervision::in_flight::InFlightWork;
use crate::supervision::{MergerObservation, Observation, PassedOver, Phase, Readiness, Vitals};

/// Merges the states of all sources, and passes those that are new to the KafkaProducer.
pub struct Merger {
    producer: Recipient<PublishStates>,
    vitals: Vitals,
    metrics: Metrics,
    merge: Merge,
    /// Snapshots are merged one after the other, in the order in which they arrive.
    turns: Arc<Semaphore>,
    observation: MergerObservation,
    work: Rc<InFlightWork>,
}

impl Merger {
    /// A response whose time is further ahead of the local clock than this makes no aircraft be forgotten early.
    const MAX_AHEAD: i64 = 3600;

    /// Creates a Merger of these sources.
    pub fn new(rules: MergeRules, producer: Recipient<PublishStates>, vitals: Vitals, metrics: Metrics) -> Self {
        init_counters(&metrics.states_passed_over, &PassedOver::default().by_reason().map(|(reason, _)| reason));
        Self {
            producer,
            vitals,
            metrics,
            merge: Merge::new(rules),
            turns: Arc::new(Semaphore::new(1)),
            observation: MergerObservation::default(),
            work: Rc::default(),
        }
    }

    /// Merges a snapshot. The result takes effect when the producer has accepted it: if that fails, the next snapshot of
    /// the source contains the states again.
    fn merge(&mut self, source: usize, snapshot: &Snapshot) -> (MergedStates, PublishStates) {
        let merged = self.merge.apply(source, snapshot, UnixTime::now());
        for (reason, rows) in merged.passed_over.by_reason() {
            count(&self.metrics.states_passed_over, reason, rows);
        }
        self.metrics.states_changed.inc_by(merged.states.len() as u64);
        let publish = PublishStates { states: merged.states.clone() };
        (merged, publish)
    }

    /// Records that the producer has accepted a merged snapshot.
    fn accepted(&mut self, source: usize, time: UnixTime, merged: &MergedStates, accepted: Accepted) -> Merged {
        let latest = UnixTime(UnixTime::now().0.saturating_add(Self::MAX_AHEAD));
        self.merge.published(source, merged, time.min(latest));
        self.observation.snapshots += 1;
        self.observation.states += merged.states.len() as u64;
        self.observation.aircraft_known = self.merge.aircraft();
        self.observation.held_by_producer = accepted.held;
        self.vitals.observe(Observation::Merger(self.observation.clone()));
        self.vitals.progress();
        Merged {
            published: merged.states.len(),
            passed_over: merged.passed_over,
            aircraft_held: self.merge.held_by(source),
            aircraft_known: self.merge.aircraft(),
            held_by_producer: accepted.held,
        }
    }
}

impl Actor for Merger {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        self.vitals.phase(Phase::Running);
        self.vitals.readiness(Readiness::Ready);
        self.vitals.observe(Observation::Merger(self.observation.clone()));
    }
}

/// A restart keeps the published states, so that it does not publish every aircraft again.
impl Supervised for Merger {}

impl Handler<MergeStates> for Merger {
    type Result = ResponseActFuture<Self, Result<Merged, ShuttingDown>>;

    fn handle(&mut self, MergeStates { source, snapshot }: MergeStates, _: &mut Self::Context) -> Self::Result {
        let (turns, work, operation) = (self.turns.clone(), self.work.clone(), self.work.begin());
        let turn = async move { turns.acquire_owned().await };
        Box::pin(turn.into_actor(self).then(move |turn, merger, _| {
            let (merged, publish) = merger.merge(source, &snapshot);
            let sent = send_with_retries(publish, merger.producer.clone(), work, merger.vitals.clone());
            sent.into_actor(merger).map(move |accepted, merger, _| {
                drop((turn, operation));
                let accepted = accepted.ok_or(ShuttingDown)?;
                Ok(merger.accepted(source, snapshot.time, &merged, accepted))
            })
        }))
    }
}

/// Passes the states to the producer, and retries until the producer accepts them, since it may be restarting.
async fn send_with_retries(
    publish: PublishStates,
    producer: Recipient<PublishStates>,
    work: Rc<InFlightWork>,
    vitals: Vitals,
) -> Option<Accepted> {
    let mut backoff = Backoff::for_service();
    loop {
        match producer.send(publish.clone()).await {
            Ok(accepted) => return Some(accepted),
            Err(error) => {
                log::warn!(
                    actor = vitals.name(), states = publish.states.len();
                    "the KafkaProducer did not accept the states, retrying: {error}"
                );
            }
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.pause()) => {}
            () = work.deadline_passed() => return None,
        }
    }
}

impl Handler<Drain> for Merger {
    type Result = ResponseActFuture<Self, Drained>;

    fn handle(&mut self, drain: Drain, _: &mut Self::Context) -> Self::Result {
        self.vitals.phase(Phase::Draining);
        self.work.drain(drain.deadline);
        let work = self.work.clone();
        let idle = async move { work.idle().await };
        Box::pin(idle.into_actor(self).map(|idle, merger, _| {
            merger.vitals.phase(Phase::Finished);
            Drained { left: usize::from(!idle) }
        }))
    }
}

#[cfg(feature = "fault-injection")]
impl Handler<crate::messages::InjectPanic> for Merger {
    type Result = ();

    #[expect(clippy::panic, reason = "panics on request")]
    fn handle(&mut self, _: crate::messages::InjectPanic, _: &mut Self::Context) {
        panic!("injected");
    }
}
