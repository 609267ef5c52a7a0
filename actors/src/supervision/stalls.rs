use std::collections::BTreeSet;

use super::journal::JournalEvent;
use super::name::ActorName;
use super::registry::ActorRegistry;
use super::status::Phase;

/// Detects when actors stall and when they continue, and records both in the journal. A stall is the absence of
/// progress, so a stalled actor cannot report it itself.
#[derive(Debug)]
pub struct StallWatch {
    registry: ActorRegistry,
    stalled: BTreeSet<ActorName>,
}

/// The changes since the last check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stalls {
    /// The actors that stalled.
    pub started: Vec<ActorName>,
    /// The actors that are making progress again.
    pub ended: Vec<ActorName>,
}

impl StallWatch {
    /// Watches all actors of the registry, including those registered later.
    pub fn on(registry: ActorRegistry) -> Self {
        Self { registry, stalled: BTreeSet::new() }
    }

    /// Checks all actors once.
    pub fn check(&mut self) -> Stalls {
        let statuses = self.registry.statuses().into_iter();
        let now: BTreeSet<_> =
            statuses.filter(|status| status.phase == Phase::Stalled).map(|status| status.name).collect();
        let stalls = Stalls {
            started: now.difference(&self.stalled).cloned().collect(),
            ended: self.stalled.difference(&now).cloned().collect(),
        };
        for (actors, from, to) in
            [(&stalls.started, Phase::Running, Phase::Stalled), (&stalls.ended, Phase::Stalled, Phase::Running)]
        {
            for actor in actors {
                self.registry
                    .journal()
                    .record(Some(actor.clone().into()), JournalEvent::Phase { from, to, reason: None });
            }
        }
        self.stalled = now;
        stalls
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stall_and_its_end_are_each_reported_once() {
        let registry = ActorRegistry::default();
        let (vitals, idle) = (registry.register(ActorName::DbWriter), registry.register(ActorName::POLLER));
        let mut watch = StallWatch::on(registry);
        vitals.phase(Phase::Running);
        idle.phase(Phase::Running);
        vitals.expect_progress_within(Some(Duration::from_secs(90)));
        assert_eq!(watch.check(), Stalls::default());
        tokio::time::advance(Duration::from_secs(91)).await;
        assert_eq!(watch.check(), Stalls { started: vec![ActorName::DbWriter], ended: vec![] });
        assert_eq!(watch.check(), Stalls::default());
        vitals.progress();
        assert_eq!(watch.check(), Stalls { started: vec![], ended: vec![ActorName::DbWriter] });
    }
}
