use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::outcome::{End, Outcome, Visit, percentile};

/// The summary of a run. Times exclude the visits of slow readers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Number of connections started.
    pub connections: usize,
    /// Number of responses, by status.
    pub statuses: BTreeMap<u16, usize>,
    /// Number of connections that the server ended.
    pub ended_by_server: usize,
    /// Number of failed connections, by error.
    pub failed: BTreeMap<String, usize>,
    /// Time from the first packet until the request was sent.
    pub connect: Option<Milliseconds>,
    /// Time from the first packet until the first byte of the response.
    pub first_byte: Option<Milliseconds>,
    /// Time from the first packet until the first update was complete.
    pub first_update: Option<Milliseconds>,
    /// Time from an event's own timestamp until its last byte was read.
    pub latency: Option<Milliseconds>,
    /// Number of updates received by all readers together.
    pub updates: usize,
    /// Number of gaps: places where an update is missing between two received ones.
    pub gaps: usize,
    /// Bytes of bodies, as on the wire.
    pub bytes: u64,
    /// Number of received frames whose content was not kept or cannot be decoded.
    pub unknown_frames: usize,
}

/// Percentiles of a sample of durations, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Milliseconds {
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
    pub count: usize,
}

impl Milliseconds {
    /// Computes the percentiles of durations in microseconds; `None` for an empty sample.
    pub fn of(mut micros: Vec<u64>) -> Option<Self> {
        micros.sort_unstable();
        let at = |percent| percentile(&micros, percent).map(|micros| micros as f64 / 1000.0);
        Some(Self { p50: at(50.0)?, p99: at(99.0)?, max: at(100.0)?, count: micros.len() })
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms (n = {})", self.p50, self.p99, self.max, self.count)
    }
}

impl Report {
    /// Summarises a run. Times, updates and gaps cover only the visits for which `count` is true.
    pub fn of(outcome: &Outcome, count: impl Fn(&Visit) -> bool) -> Self {
        let (updates, unknown_frames) = outcome.updates();
        let mut report = Self { connections: outcome.visits.len(), unknown_frames, ..Self::default() };
        let (mut latency, mut first_update) = (Vec::new(), Vec::new());
        for arrived in updates.iter().filter(|arrived| count(&outcome.visits[arrived.visit])) {
            report.updates += 1;
            report.gaps += usize::from(arrived.leaves_gap());
            if arrived.follows.is_none() {
                first_update.push(arrived.at.saturating_sub(outcome.visits[arrived.visit].opened));
            } else if arrived.has_changes {
                // The first update of a new client is excluded, since it may be older than the connection.
                latency.push(arrived.at.saturating_sub(arrived.update.sent_at));
            }
        }
        let since_opened = |time: fn(&Visit) -> Option<u64>| {
            let counted = outcome.visits.iter().filter(|visit| count(visit));
            Milliseconds::of(counted.filter_map(|visit| Some(time(visit)?.saturating_sub(visit.opened))).collect())
        };
        report.connect = since_opened(|visit| visit.connected);
        report.first_byte = since_opened(|visit| visit.first_byte);
        report.first_update = Milliseconds::of(first_update);
        report.latency = Milliseconds::of(latency);
        for visit in &outcome.visits {
            report.bytes += visit.bytes;
            if let Some(status) = visit.status {
                *report.statuses.entry(status).or_default() += 1;
            }
            match &visit.end {
                None => {}
                Some(End::ByServer) => report.ended_by_server += 1,
                Some(End::Failed(error)) => *report.failed.entry(error.clone()).or_default() += 1,
            }
        }
        report
    }

    /// Describes what went wrong with connections; `None` if nothing did.
    pub fn problems(&self) -> Option<String> {
        let bad_responses = self.statuses.iter().filter(|(status, _)| **status != 200);
        let mut problems: Vec<_> = bad_responses.map(|(status, count)| format!("{count} × status {status}")).collect();
        problems.extend(self.failed.iter().map(|(error, count)| format!("{count} × {error}")));
        if self.ended_by_server > 0 {
            problems.push(format!("{} ended by the server", self.ended_by_server));
        }
        (!problems.is_empty()).then(|| problems.join(", "))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = |times: Option<Milliseconds>| times.map_or("—".to_owned(), |times| times.to_string());
        let rows = [
            ("connections", self.connections.to_string()),
            ("problems", self.problems().unwrap_or_else(|| "none".to_owned())),
            ("connected after", times(self.connect)),
            ("first byte after", times(self.first_byte)),
            ("first update after", times(self.first_update)),
            ("timestamp to last byte", times(self.latency)),
            ("updates", self.updates.to_string()),
            ("gaps", self.gaps.to_string()),
            ("bytes", self.bytes.to_string()),
            ("frames of unknown content", self.unknown_frames.to_string()),
        ];
        rows.iter().try_for_each(|(name, value)| writeln!(f, "{name:<26} {value}"))
    }
}
