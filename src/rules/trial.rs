use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use actors::detect::{Alert, AlertKey, RuleSet};
use actors::detector::{Engine, PartitionEngine, SharedRules};
use actors::domain::{Icao24, StateVector, UnixTime};
use actors::enrichment::SharedFacts;
use serde::Serialize;

/// Applies rules to recorded states, and counts the alerts of each rule.
///
/// The states must be in the order of time. The decisions are those of a process that detects, which has a partition of
/// the aircraft, except that silence is noticed by the states of all aircraft.
#[derive(Debug)]
pub struct Trial {
    engine: PartitionEngine,
    from: UnixTime,
    states: u64,
    counts: BTreeMap<Arc<str>, Counts>,
    /// When the counted alerts began that are active.
    active: HashMap<AlertKey, UnixTime>,
}

#[derive(Debug, Default)]
struct Counts {
    alerts: u64,
    aircraft: BTreeSet<Icao24>,
    /// The durations of the alerts that have ended, in seconds.
    durations: Vec<u64>,
}

/// The alerts of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleSummary {
    /// The rule's name.
    pub rule: String,
    /// The number of alerts that began.
    pub alerts: u64,
    /// The number of their aircraft.
    pub aircraft: usize,
    /// The number of alerts that had not ended with the last state.
    pub active: u64,
    /// The median duration of those that had, in seconds.
    pub median_seconds: Option<u64>,
    /// The longest duration of those that had, in seconds.
    pub longest_seconds: Option<u64>,
}

impl Trial {
    /// Creates a trial that counts the alerts that begin at this time or later.
    pub fn new(rules: RuleSet, facts: SharedFacts, from: UnixTime) -> Self {
        let counts = rules.rules().iter().map(|rule| (rule.name.clone(), Counts::default())).collect();
        let engine = PartitionEngine::new(SharedRules::new(rules), facts);
        Self { engine, from, states: 0, counts, active: HashMap::new() }
    }

    /// Returns for how long before the first alert states affect the result. They are applied as well.
    pub fn look_back(&self) -> Duration {
        self.engine.look_back()
    }

    /// The number of states that were applied.
    pub fn states(&self) -> u64 {
        self.states
    }

    /// Applies the next state. Returns the counted alerts that end or begin.
    pub fn apply(&mut self, state: &Arc<StateVector>) -> Vec<Alert> {
        self.states += 1;
        let mut changes = self.engine.update(state);
        changes.retain(|alert| self.count(alert));
        changes
    }

    /// Counts an alert, unless it began before the time from which alerts are counted.
    fn count(&mut self, alert: &Alert) -> bool {
        let key = AlertKey::from(alert);
        let Some(counts) = self.counts.get_mut(&alert.rule) else { return false };
        match alert.ended {
            None if alert.since < self.from => false,
            None => {
                counts.alerts += 1;
                counts.aircraft.insert(alert.icao24);
                self.active.insert(key, alert.since);
                true
            }
            Some(ended) => match self.active.remove(&key) {
                Some(since) => {
                    counts.durations.push(u64::try_from(ended.seconds_since(since)).unwrap_or(0));
                    true
                }
                None => false,
            },
        }
    }

    /// Returns the alerts by rule, in the order of names, those without alerts included.
    pub fn summary(&self) -> Vec<RuleSummary> {
        let summary = |(rule, counts): (&Arc<str>, &Counts)| {
            let mut durations = counts.durations.clone();
            durations.sort_unstable();
            RuleSummary {
                rule: rule.to_string(),
                alerts: counts.alerts,
                aircraft: counts.aircraft.len(),
                active: counts.alerts - durations.len() as u64,
                median_seconds: durations.get(durations.len() / 2).copied(),
                longest_seconds: durations.last().copied(),
            }
        };
        self.counts.iter().map(summary).collect()
    }
}

#[cfg(test)]
mod tests;
