//! The results of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Figures by fault, and the results of the final checks.
#[derive(Default)]
pub(crate) struct Report {
    recoveries: BTreeMap<String, Vec<Recovery>>,
    stops: Vec<Duration>,
    restarts: BTreeMap<&'static str, Vec<Restart>>,
    pub(crate) kills: u64,
    pub(crate) rebalances: u64,
    /// How the full disk was simulated.
    pub(crate) full_disk: Option<&'static str>,
    pub(crate) results: Vec<String>,
}

/// How long states published after a fault was mended took to come through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recovery {
    /// Until they were in the database, in every partition.
    pub(crate) stored: Duration,
    /// Until a client of the stream received them.
    pub(crate) shown: Duration,
}

/// How long an actor took to recover from a panic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restart {
    /// Until the actor was restarted.
    pub(crate) restarted: Duration,
    /// Until the actor finished its first work after the restart. `None` if something else was broken at the same time.
    pub(crate) at_work: Option<Duration>,
}

impl Report {
    pub(crate) fn recovered(&mut self, round: String, recovery: Recovery) {
        self.recoveries.entry(round).or_default().push(recovery);
    }

    /// Records how long a clean shutdown took.
    pub(crate) fn stopped(&mut self, took: Duration) {
        self.stops.push(took);
    }

    pub(crate) fn restarted(&mut self, actor: &'static str, restart: Restart) {
        self.restarts.entry(actor).or_default().push(restart);
    }
}

fn spread(times: impl Iterator<Item = Duration>) -> String {
    let mut times: Vec<_> = times.map(|time| time.as_secs_f64()).collect();
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let longest = times.last().copied().unwrap_or_default();
    format!("{median:.1} s, at most {longest:.1} s")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n| fault | times | stored again after | shown again after |\n|---|---|---|---|")?;
        for (round, times) in &self.recoveries {
            let (stored, shown) = (times.iter().map(|time| time.stored), times.iter().map(|time| time.shown));
            writeln!(f, "| {round} | {} | {} | {} |", times.len(), spread(stored), spread(shown))?;
        }
        for (actor, times) in &self.restarts {
            let (restarted, at_work) =
                (times.iter().map(|time| time.restarted), times.iter().filter_map(|time| time.at_work));
            let (restarted, at_work) = (spread(restarted), spread(at_work));
            writeln!(
                f,
                "panic in {actor}: {} times, restarted after {restarted}, working after {at_work}",
                times.len()
            )?;
        }
        if !self.stops.is_empty() {
            writeln!(f, "SIGTERM: {} times, ended after {}", self.stops.len(), spread(self.stops.iter().copied()))?;
        }
        writeln!(f, "kill -9: {}; rebalances: {}", self.kills, self.rebalances)?;
        if let Some(which) = self.full_disk {
            writeln!(f, "the full disk: {which}")?;
        }
        self.results.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
