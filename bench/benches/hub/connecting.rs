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
    pub(crate) problems: Option<String>,
}

const TIMEOUT: Duration = Duration::from_secs(60);

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
            problems: Report::of(outcome, |_| true).problems(),
        }
    }

    /// Returns whether all clients were current within `limit`.
    pub(crate) fn all_within(&self, limit: Duration) -> bool {
        let limit = limit.as_secs_f64() * 1000.0;
        self.missing == 0 && self.problems.is_none() && self.current.is_some_and(|current| current.max <= limit)
    }

    pub(crate) fn summary(&self) -> String {
        let current = self.current.map_or("no client current".to_owned(), |current| {
            format!("all current after {:.0} ms (p50 {:.0} ms)", current.max, current.p50)
        });
        let missing = if self.missing > 0 { format!(", {} never", self.missing) } else { String::new() };
        let problems = self.problems.as_ref().map_or(String::new(), |problems| format!(", {problems}"));
        format!("{current}{missing}{problems}")
    }
}

/// Connects all clients at the same moment.
pub(crate) fn simultaneous(plan: Plan) -> anyhow::Result<Crowd> {
    let clients = plan.connections as u64;
    let load = Load::start(Plan { max_connecting: usize::MAX, ..plan })?;
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
    load.reconnect_all(resume)?;
    wait_for_all(&load, clients, before);
    let outcome = load.finish()?;
    ensure!(outcome.cuts.len() == 1, "no client was disconnected");
    Ok(Crowd::of(&outcome, 1, outcome.cuts[0]))
}

/// Waits until each client has received its first frame and another one, and nothing more arrives.
fn wait_for_all(load: &Load, clients: u64, before: u64) {
    let served = load.wait(TIMEOUT, |progress| progress.frames() >= before + 2 * clients);
    if served {
        load.wait(TIMEOUT, |progress| progress.quiet_for() > Duration::from_secs(2));
    }
}
