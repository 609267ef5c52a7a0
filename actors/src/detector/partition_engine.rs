use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::engine::Engine;
use super::shared_rules::SharedRules;
use super::tracked_aircraft::TrackedAircraft;
use crate::detect::{Alert, RuleEngine, RuleFacts};
use crate::domain::{Icao24, StateVector, UnixTime};
use crate::enrichment::{FactBook, SharedFacts};

/// Applies the current rules of the process to a partition, with what enrichment knows about each aircraft.
///
/// The rules and the aircraft table are not part of the log. After a change of either, two processes decide the same
/// once both have it.
#[derive(Debug)]
pub struct PartitionEngine {
    engine: RuleEngine,
    rules: SharedRules,
    rules_version: u64,
    facts: SharedFacts,
    book: Arc<FactBook>,
    /// The facts of each aircraft, from `book`.
    known: HashMap<Icao24, Arc<RuleFacts>>,
    /// The newest `last_contact` so far.
    time: Option<UnixTime>,
    tracked: Option<TrackedAircraft>,
}

impl PartitionEngine {
    /// An older state is ignored: whether its aircraft was heard since then is not known to everyone who continues the
    /// partition.
    const MAX_DELAY: Duration = Duration::from_secs(3600);
    /// The facts of this number of aircraft are kept.
    const MAX_KNOWN: usize = 200_000;

    /// Creates an engine without alerts.
    pub fn new(rules: SharedRules, facts: SharedFacts) -> Self {
        let (rules_version, current) = rules.current();
        Self {
            engine: RuleEngine::new(current),
            rules,
            rules_version,
            book: facts.current(),
            facts,
            known: HashMap::new(),
            time: None,
            tracked: None,
        }
    }

    /// Shows the newest states of the aircraft with an active alert.
    #[must_use]
    pub fn tracking(mut self, tracked: TrackedAircraft) -> Self {
        self.tracked = Some(tracked);
        self
    }

    fn track(&self, state: &Arc<StateVector>, changes: &[Alert]) {
        let Some(tracked) = &self.tracked else { return };
        if self.engine.is_active(state.icao24) {
            tracked.update(state);
        }
        // The state may also have ended the alerts of others.
        for ended in changes.iter().filter(|alert| !self.engine.is_active(alert.icao24)) {
            tracked.remove(ended.icao24);
        }
    }

    fn facts_of(&mut self, icao24: Icao24) -> Arc<RuleFacts> {
        if self.facts.version() != self.book.version {
            self.book = self.facts.current();
            self.known.clear();
        }
        if self.known.len() >= Self::MAX_KNOWN && !self.known.contains_key(&icao24) {
            self.known.clear();
        }
        let book = &self.book;
        self.known.entry(icao24).or_insert_with(|| Arc::new(book.rule_facts(icao24))).clone()
    }
}

impl Engine for PartitionEngine {
    fn update(&mut self, state: &Arc<StateVector>) -> Vec<Alert> {
        let mut changes = Vec::new();
        if self.rules.version() != self.rules_version {
            let (version, rules) = self.rules.current();
            self.rules_version = version;
            changes = self.engine.replace_rules(rules);
        }
        if self.time.is_some_and(|time| state.last_contact < time.minus(Self::MAX_DELAY)) {
            return changes;
        }
        self.time = self.time.max(Some(state.last_contact));
        let facts = self.facts_of(state.icao24);
        changes.extend(self.engine.update_with(state, Some(&facts)));
        self.track(state, &changes);
        changes
    }

    fn restore(&mut self, newest: Vec<Alert>) -> Vec<Alert> {
        self.engine.restore(newest)
    }

    fn active(&self) -> usize {
        self.engine.count_active()
    }

    fn time(&self) -> Option<UnixTime> {
        self.engine.time()
    }

    fn look_back(&self) -> Duration {
        self.engine.look_back()
    }
}

/// Another process follows the aircraft of the partition from now on.
impl Drop for PartitionEngine {
    fn drop(&mut self) {
        if let Some(tracked) = &self.tracked {
            self.engine.active().iter().for_each(|alert| tracked.remove(alert.icao24));
        }
    }
}
