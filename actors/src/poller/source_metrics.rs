use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use crate::domain::RejectedRow;
use crate::metrics::{CounterByKind, Kind, Metrics, SourceKindLabels, SourceLabels};
use crate::supervision::{ConfiguredName, SourceState};

/// The metrics of one source.
#[derive(Clone, Debug)]
pub(super) struct SourceMetrics {
    name: String,
    metrics: Metrics,
    pub(super) poll_seconds: Histogram,
    pub(super) states_received: Counter,
    pub(super) credits_left: Gauge,
    pub(super) last_answer: Gauge,
    pub(super) last_states: Gauge,
    pub(super) states_in_answer: Gauge,
    pub(super) poll_interval: Gauge<f64, AtomicU64>,
    pub(super) poll_records: CounterByKind,
}

impl SourceMetrics {
    /// Returns the metrics of a source, with every counter at 0.
    pub(super) fn of(metrics: &Metrics, name: &ConfiguredName) -> Self {
        let labels = SourceLabels { source: name.to_string() };
        let source = Self {
            poll_seconds: metrics.poll_seconds.get_or_create(&labels).clone(),
            states_received: metrics.states_received.get_or_create(&labels).clone(),
            credits_left: metrics.credits_left.get_or_create(&labels).clone(),
            last_answer: metrics.last_answer.get_or_create(&labels).clone(),
            last_states: metrics.last_states.get_or_create(&labels).clone(),
            states_in_answer: metrics.states_in_answer.get_or_create(&labels).clone(),
            poll_interval: metrics.poll_interval.get_or_create(&labels).clone(),
            poll_records: metrics.poll_records.clone(),
            name: labels.source,
            metrics: metrics.clone(),
        };
        source.credits_left.set(-1);
        for state in SourceState::ALL {
            source.count_polls(state, 0);
        }
        RejectedRow::kinds().for_each(|kind| source.count_bad_rows(kind, 0));
        source.count_non_icao(0);
        source.set_state(SourceState::NotYetAsked);
        source
    }

    /// Counts a poll by the state of the source that it found.
    pub(super) fn count_polls(&self, state: SourceState, by: u64) {
        let kind = if state.has_answered() { "ok" } else { state.name() };
        if state != SourceState::NotYetAsked {
            self.metrics.polls.get_or_create(&self.labels(kind)).inc_by(by);
        }
    }

    pub(super) fn count_bad_rows(&self, kind: &'static str, by: u64) {
        self.metrics.bad_rows.get_or_create(&self.labels(kind)).inc_by(by);
    }

    /// Counts targets whose address is not an ICAO address.
    pub(super) fn count_non_icao(&self, by: u64) {
        self.metrics.states_passed_over.get_or_create(&Kind { kind: "non_icao" }).inc_by(by);
    }

    /// Shows the state of the source: 1 for this state, 0 for all others.
    pub(super) fn set_state(&self, state: SourceState) {
        for other in SourceState::ALL {
            let value = i64::from(other == state);
            self.metrics.source_state.get_or_create(&self.labels(other.name())).set(value);
        }
    }

    fn labels(&self, kind: &'static str) -> SourceKindLabels {
        SourceKindLabels { source: self.name.clone(), kind }
    }
}
