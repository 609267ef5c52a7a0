//! Many who come at once.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::ensure;
use loadgen::{Load, Milliseconds, Outcome, Plan, Report};

use crate::runs::connect;

/// How a crowd fared.
pub(crate) struct Crowd {
    /// From the moment at which the first of them began until each was current.
    pub(crate) current: Option<Milliseconds>,
    pub(crate) missing: usize,
    pub(crate) trouble: Option<String>,
}

const PATIENCE: Duration = Duration::from_secs(60);

impl Crowd {
    /// Everybody of `round`, who began at `begin`.
    fn of(outcome: &Outcome, round: usize, begin: u64) -> Self {
        let mut current = HashMap::new();
        for arrived in outcome.updates().0 {
            if outcome.visits[arrived.visit].round == round {
                current.entry(arrived.visit).or_insert(arrived.at.saturating_sub(begin));
            }
        }
        let came = outcome.visits.iter().filter(|visit| visit.round == round).count();
        Self {
            missing: came - current.len(),
            current: Milliseconds::of(current.into_values().collect()),
            trouble: Report::of(outcome, |_| true).trouble(),
        }
    }

    /// Whether all of them were current within so long.
    pub(crate) fn all_within(&self, limit: Duration) -> bool {
        let limit = limit.as_secs_f64() * 1000.0;
        self.missing == 0 && self.trouble.is_none() && self.current.is_some_and(|current| current.max <= limit)
    }

    pub(crate) fn summary(&self) -> String {
        let current = self.current.map_or("nobody".to_owned(), |current| {
            format!("all current after {:.0} ms (p50 {:.0} ms)", current.max, current.p50)
        });
        let missing = if self.missing > 0 { format!(", {} never", self.missing) } else { String::new() };
        let trouble = self.trouble.as_ref().map_or(String::new(), |trouble| format!(", {trouble}"));
        format!("{current}{missing}{trouble}")
    }
}

/// All connect at the same moment.
pub(crate) fn at_once(plan: Plan) -> anyhow::Result<Crowd> {
    let clients = plan.connections as u64;
    let load = Load::start(Plan { at_once: usize::MAX, ..plan })?;
    wait_for_all(&load, clients, 0);
    let outcome = load.finish()?;
    let begin = outcome.visits.first().map_or(0, |visit| visit.opened);
    Ok(Crowd::of(&outcome, 0, begin))
}

/// All are connected, are cut off and come back at the same moment.
pub(crate) fn storm(plan: Plan, resume: bool) -> anyhow::Result<Crowd> {
    let clients = plan.connections as u64;
    let load = connect(plan)?;
    let before = load.progress().frames();
    load.come_back(resume)?;
    wait_for_all(&load, clients, before);
    let outcome = load.finish()?;
    ensure!(outcome.cuts.len() == 1, "nobody was cut off");
    Ok(Crowd::of(&outcome, 1, outcome.cuts[0]))
}

/// Until each has had its greeting and something after it, and nothing more comes.
fn wait_for_all(load: &Load, clients: u64, before: u64) {
    let served = load.wait(PATIENCE, |progress| progress.frames() >= before + 2 * clients);
    if served {
        load.wait(PATIENCE, |progress| progress.quiet_for() > Duration::from_secs(2));
    }
}
