//! Compares what readers received with what was published.

use std::collections::HashMap;

use loadgen::{Milliseconds, Outcome, Visit, fields};

use bench::feed::Published;

/// The figures of one run of one server.
pub(crate) struct Figures {
    pub(crate) name: String,
    /// Time from the event's own timestamp until its last byte was read.
    pub(crate) latency: Option<Milliseconds>,
    /// Time from publishing to Kafka until the last byte of the resulting updates was read.
    pub(crate) end_to_end: Option<Milliseconds>,
    /// The server's CPU time for the measured updates and the elapsed time, in seconds.
    pub(crate) cpu: f64,
    pub(crate) seconds: f64,
    /// Growth of the server's PSS per client, in KiB.
    pub(crate) memory: f64,
    /// Mean size of one update at one reader, in bytes.
    pub(crate) update_bytes: f64,
    pub(crate) gaps: usize,
    pub(crate) problems: Option<String>,
}

impl Figures {
    /// Returns the CPU time in per cent of one core.
    pub(crate) fn share(&self) -> f64 {
        100.0 * self.cpu / self.seconds
    }

    pub(crate) fn p99(&self) -> f64 {
        self.latency.map_or(f64::INFINITY, |latency| latency.p99)
    }

    /// Formats the figures as `p50 12.3 ms, p99 45.6 ms; 7.8 s CPU (9.0 %), 10.1 KiB a client`.
    pub(crate) fn summary(&self) -> String {
        let latency =
            self.latency.map_or("no samples".to_owned(), |l| format!("p50 {:.1}, p99 {:.1} ms", l.p50, l.p99));
        let end_to_end = self
            .end_to_end
            .map_or(String::new(), |l| format!(" (from Kafka on p50 {:.1}, p99 {:.1} ms)", l.p50, l.p99));
        let gaps = if self.gaps > 0 { format!(", {} gaps", self.gaps) } else { String::new() };
        let problems = self.problems.as_ref().map_or(String::new(), |problems| format!(", {problems}"));
        let (cpu, share, memory) = (self.cpu, self.share(), self.memory);
        format!(
            "{latency}{end_to_end}; {cpu:.2} s CPU ({share:.1} % of a core); {memory:.1} KiB a client{gaps}{problems}"
        )
    }
}

/// Returns the latencies of the updates sent since `since`, at the visits that `counts` selects.
pub(crate) fn latencies(outcome: &Outcome, since: u64, counts: impl Fn(&Visit) -> bool) -> Option<Milliseconds> {
    let (updates, _) = outcome.updates();
    let counted = updates.iter().filter(|arrived| {
        arrived.has_changes
            && arrived.follows.is_some()
            && arrived.update.sent_at >= since
            && counts(&outcome.visits[arrived.visit])
    });
    Milliseconds::of(counted.map(|arrived| arrived.at.saturating_sub(arrived.update.sent_at)).collect())
}

/// Returns the number of gaps between received updates, and prints the first one.
pub(crate) fn gaps(outcome: &Outcome) -> usize {
    let (updates, unknown) = outcome.updates();
    let mut gaps = updates.iter().filter(|arrived| arrived.leaves_gap());
    let Some(first) = gaps.next() else { return 0 };
    eprintln!("  the first gap: {first:?}; {unknown} frames that could not be decoded");
    let others = updates.iter().filter(|other| other.visit == first.visit);
    others.for_each(|other| eprintln!("    {:?} at {}, following {:?}", other.update, other.at, other.follows));
    1 + gaps.count()
}

/// Returns, for each poll and reader, the time until the poll's last update was complete.
pub(crate) fn end_to_end(outcome: &Outcome, polls: &[Published]) -> Option<Milliseconds> {
    let begun: HashMap<i64, u64> = polls.iter().map(|poll| (poll.observed_at, poll.at)).collect();
    let mut last = HashMap::new();
    for arrived in outcome.updates().0 {
        if let Some(observed_at) = arrived.update.observed_at
            && arrived.has_changes
            && arrived.follows.is_some()
            && begun.contains_key(&observed_at)
        {
            last.insert((arrived.visit, observed_at), arrived.at);
        }
    }
    Milliseconds::of(last.into_iter().map(|((_, observed_at), at)| at.saturating_sub(begun[&observed_at])).collect())
}

/// Returns the latency of each event of `/sse/flights` since its state was published. States are identified by
/// (icao24, last_contact).
pub(crate) fn telemetry_latencies(
    outcome: &Outcome,
    published: &HashMap<(String, i64), u64>,
    counts: impl Fn(&Visit) -> bool,
) -> Option<Milliseconds> {
    let begun: Vec<_> = outcome
        .frames
        .iter()
        .map(|frame| {
            let text = frame.text()?;
            published.get(&telemetry(fields(&text, "data").next()?)?).copied()
        })
        .collect();
    let counted = outcome.arrivals.iter().filter(|arrival| counts(&outcome.visits[arrival.visit as usize]));
    Milliseconds::of(
        counted.filter_map(|arrival| Some(arrival.at.saturating_sub(begun[arrival.frame as usize]?))).collect(),
    )
}

fn telemetry(data: &str) -> Option<(String, i64)> {
    #[derive(serde::Deserialize)]
    struct State {
        icao24: String,
        last_contact: i64,
    }
    let state: State = serde_json::from_str(data).ok()?;
    Some((state.icao24, state.last_contact))
}
