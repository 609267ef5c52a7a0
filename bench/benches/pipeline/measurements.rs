//! The measurements and their goals.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::trial::{Outcome, Trial};
use bench::client::{first_event, pause};
use bench::report::{Line, Sample, milliseconds};
use bench::server::Server;

type Measurement = fn(&mut Bench) -> anyhow::Result<Vec<Line>>;

/// All measurements by name.
pub(crate) const MEASUREMENTS: [(&str, Measurement); 6] = [
    ("first-event", Bench::first_event),
    ("memory", Bench::memory),
    ("latency", Bench::latency),
    ("large-poll", Bench::large_poll),
    ("cost", Bench::cost),
    ("completeness", Bench::completeness),
];

pub(crate) struct Bench {
    quick: bool,
    /// Trials in which every aircraft changes at every poll, by number of aircraft. Several measurements share them.
    all_change: BTreeMap<usize, Outcome>,
}

const CLIENTS: usize = 3;

impl Bench {
    pub(crate) fn new(quick: bool) -> Self {
        Self { quick, all_change: BTreeMap::new() }
    }

    fn all_change(&mut self, aircraft: usize) -> anyhow::Result<&Outcome> {
        if !self.all_change.contains_key(&aircraft) {
            let polls = if self.quick { 3 } else { 20 };
            let trial = Trial { aircraft, changing: aircraft, polls, clients: CLIENTS, watch_rows: false };
            self.all_change.insert(aircraft, trial.run()?);
        }
        Ok(&self.all_change[&aircraft])
    }

    fn first_event(&mut self) -> anyhow::Result<Vec<Line>> {
        let starts = if self.quick { 2 } else { 10 };
        let mut delays = Vec::with_capacity(starts);
        for _ in 0..starts {
            let server = Server::start(&["--demo"], &[])?;
            delays.push(first_event(server.address, Duration::from_secs(120))?.duration_since(server.started));
            server.stop()?;
        }
        let delays = Sample::of(delays);
        let reached = delays.quantile(1.0) <= Duration::from_secs(1);
        let what = "first event (embedded): process start → first state vector at a client";
        Ok(vec![Line::new(what, "≤ 1 s", delays.summary(), reached)])
    }

    fn memory(&mut self) -> anyhow::Result<Vec<Line>> {
        let server = Server::start(&["--demo"], &[])?;
        pause(Duration::from_secs(if self.quick { 10 } else { 60 }));
        let (memory, threads, before) = (server.memory()?, server.threads()?, server.cpu()?);
        let watched = Duration::from_secs(10);
        pause(watched);
        let idle = (server.cpu()? - before).as_secs_f64() / watched.as_secs_f64();
        server.stop()?;
        let mebibytes = |kibibytes: u64| kibibytes as f64 / 1024.0;
        let figure = format!("{:.1} MiB RSS, {:.1} PSS", mebibytes(memory.resident), mebibytes(memory.proportional));
        let what = "idle memory (embedded, 2,000 simulated aircraft)";
        Ok(vec![
            Line::new(what, "≤ 60 MiB", figure, memory.resident <= 60 * 1024),
            Line::without_goal("the same: threads, CPU", format!("{threads}, {:.1} % of a core", idle * 100.0)),
        ])
    }

    fn latency(&mut self) -> anyhow::Result<Vec<Line>> {
        let polls = if self.quick { 3 } else { 40 };
        let trial = Trial { aircraft: 2_000, changing: 200, polls, clients: CLIENTS, watch_rows: true };
        let outcome = trial.run()?;
        let (events, rows) = (Sample::of(outcome.latencies()), Sample::of(outcome.rows_visible.iter().copied()));
        let complete = events.count() == polls * trial.changing * CLIENTS;
        let reached = complete && events.quantile(0.5) < ms(50) && events.quantile(0.99) < ms(150);
        Ok(vec![
            Line::new(
                "latency, 200 changed aircraft: poll response → client",
                "p50 < 50 ms, p99 < 150 ms",
                events.summary(),
                reached,
            ),
            Line::new(
                "the same: poll response → row visible",
                "p99 < 300 ms",
                rows.summary(),
                rows.quantile(0.99) < ms(300),
            ),
            Line::without_goal(
                "the same: server's threads, memory, PostgreSQL",
                format!("{}, {} MiB RSS, {}", outcome.threads, outcome.resident >> 10, outcome.postgres),
            ),
        ])
    }

    fn large_poll(&mut self) -> anyhow::Result<Vec<Line>> {
        let outcome = self.all_change(10_000)?;
        let last = Sample::of(outcome.last_events());
        let what = "a large poll, 10,000 changed aircraft: poll response → last event at a client";
        Ok(vec![
            Line::new(what, "p99 < 800 ms", last.summary(), last.quantile(0.99) < ms(800)),
            Line::without_goal("the same: every event", Sample::of(outcome.latencies()).summary()),
            Line::without_goal("the same: server's memory", format!("{} MiB RSS", outcome.resident >> 10)),
        ])
    }

    fn cost(&mut self) -> anyhow::Result<Vec<Line>> {
        let mut lines = Vec::new();
        let mut figures = Vec::new();
        for aircraft in [1_000, 3_000, 10_000] {
            let Outcome { cpu_of_poll, idle_cpu, .. } = *self.all_change(aircraft)?;
            let each = cpu_of_poll.as_secs_f64() * 1e6 / aircraft as f64;
            let figure = format!(
                "{} ({each:.1} µs an aircraft), idle {:.1} ms per second subtracted",
                milliseconds(cpu_of_poll),
                idle_cpu.as_secs_f64() * 1000.0
            );
            figures.push((aircraft, cpu_of_poll));
            let what = format!("cost of a poll: CPU time for {aircraft} changed aircraft, {CLIENTS} clients");
            lines.push(match aircraft {
                10_000 => Line::new(what, "≤ 300 ms", figure, cpu_of_poll <= ms(300)),
                _ => Line::without_goal(what, figure),
            });
        }
        // The cost of each additional aircraft must not grow. The first thousand include the fixed cost of a poll.
        if let [(few, cheap), (more, dear), (most, dearest)] = figures[..] {
            let [early, late] = [(few, cheap, more, dear), (more, dear, most, dearest)]
                .map(|(from, less, to, much)| (much.as_secs_f64() - less.as_secs_f64()) * 1e6 / (to - from) as f64);
            let figure = format!("{early:.1} µs from {few} to {more}, {late:.1} µs from {more} to {most}");
            let goal = "linear: the second at most 1.25 × the first";
            lines.push(Line::new("the same: each further aircraft", goal, figure, late <= 1.25 * early));
        }
        Ok(lines)
    }

    fn completeness(&mut self) -> anyhow::Result<Vec<Line>> {
        let outcome = self.all_change(3_000)?;
        let times: Vec<_> = outcome.answers.iter().map(|answer| answer.time).collect();
        let changed: Vec<_> = outcome.served.iter().filter(|(_, time)| times.contains(time)).copied().collect();
        let mut lines = Vec::new();
        for (number, events) in outcome.events.iter().enumerate() {
            let mut received: Vec<_> = events.iter().map(|event| (event.icao24, event.last_contact)).collect();
            received.sort_unstable();
            lines.push(compare(
                format!("completeness, {} polls: client {}", times.len(), number + 1),
                &changed,
                &received,
            ));
        }
        lines.push(compare("the same: database, first polls included".to_owned(), &outcome.served, &outcome.stored));
        Ok(lines)
    }
}

/// Compares two sorted lists of keys; only `there` may contain duplicates.
fn compare(what: String, expected: &[(u32, i64)], there: &[(u32, i64)]) -> Line {
    let missing = expected.iter().filter(|key| there.binary_search(key).is_err()).count();
    let twice = there.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let others = there.iter().filter(|key| expected.binary_search(key).is_err()).count();
    let figure =
        format!("{} of {} state vectors, {twice} twice, {others} never sent", expected.len() - missing, expected.len());
    Line::new(what, "100 %, each once", figure, missing + twice + others == 0 && !expected.is_empty())
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
