//! Many clients that connect at the same moment.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::ensure;
use loadgen::{Load, Milliseconds, Outcome, Plan, Report};

use crate::runs::connect;

/// The outcome for clients that connect at the same moment.
pub(crate) struct Crowd {
    /// Time from the first client's start until each client was current.
    pub(crate) current: Option<Milliseconds>,
    pub(crate) missing: usize,
    pub(crate) trouble: Option<String>,
}

const PATIENCE: Duration = Duration::from_secs(60);

impl Crowd {
    /// Evaluates the clients of `round`, which started at `begin`.
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

    /// Returns whether all clients were current within `limit`.
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

/// Connects all clients at the same moment.
pub(crate) fn at_once(plan: Plan) -> anyhow::Result<Crowd> {
    let clients = plan.connections as u64;
    let load = Load::start(Plan { at_once: usize::MAX, ..plan })?;
    wait_for_all(&load, clients, 0);
    let outcome = load.finish()?;
    let begin = outcome.visits.first().map_or(0, |visit| visit.opened);
    Ok(Crowd::of(&outcome, 0, begin))
}

/// Connects all clients, then disconnects them all, so that they reconnect at the same moment.
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

/// Waits until each client has received its first frame and another one, and nothing more arrives.
fn wait_for_all(load: &Load, clients: u64, before: u64) {
    let served = load.wait(PATIENCE, |progress| progress.frames() >= before + 2 * clients);
    if served {
        load.wait(PATIENCE, |progress| progress.quiet_for() > Duration::from_secs(2));
    }
}
