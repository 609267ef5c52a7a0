//! The pipeline's metrics, named according to the Prometheus conventions. `src/http` serves the registry.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::ports::StoreJob;

/// The label `kind`: a reason, an outcome or a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Kind {
    /// The value of the label.
    pub kind: &'static str,
}

/// The label of a source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SourceLabels {
    /// The source's name.
    pub source: String,
}

/// The labels of a source and a kind: an outcome, a reason or a state.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SourceKindLabels {
    /// The source's name.
    pub source: String,
    /// The value of the label.
    pub kind: &'static str,
}

/// The labels of a rule's alerts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RuleLabels {
    /// The rule's name.
    pub rule: String,
    /// `started` or `ended`.
    pub kind: &'static str,
}

/// The labels of a route's partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LagLabels {
    /// The route.
    pub kind: &'static str,
    /// The partition.
    pub partition: i32,
}

/// The labels of one of TimescaleDB's jobs. They do not include `job`, which Prometheus sets itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
pub struct JobLabels {
    /// The action of the job.
    pub policy: String,
    /// The table on which the job operates.
    pub table: String,
}

/// The label of an endpoint of notifications.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EndpointLabels {
    /// The endpoint's name.
    pub endpoint: String,
}

/// The labels of an endpoint and a kind of failure.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EndpointKindLabels {
    /// The endpoint's name.
    pub endpoint: String,
    /// The value of the label.
    pub kind: &'static str,
}

/// A counter for each kind.
pub type CounterByKind = Family<Kind, Counter>;

/// Declares [`Metrics`]: the field, type, name and help of each, with its unit and a histogram's buckets.
macro_rules! metrics {
    ($($field:ident: $type:ty = $name:literal $(in $unit:ident)? $(with $buckets:ident)?, $help:literal;)+) => {
        /// All metrics of the actors. Clones share the values.
        #[derive(Clone, Debug)]
        pub struct Metrics {
            $(#[doc = $help] pub $field: $type,)+
        }

        impl Metrics {
            /// Creates all metrics at zero and registers them.
            pub fn register(registry: &mut Registry) -> Self {
                let metrics = Self { $($field: metrics!(@new $($buckets)?),)+ };
                $(metrics!(@register registry, $name, $help, metrics.$field $(, $unit)?);)+
                metrics
            }
        }
    };
    (@new) => { Default::default() };
    (@new $buckets:ident) => { $buckets() };
    (@register $registry:ident, $name:literal, $help:literal, $metric:expr) => {
        $registry.register($name, $help, $metric.clone())
    };
    (@register $registry:ident, $name:literal, $help:literal, $metric:expr, $unit:ident) => {
        $registry.register_with_unit($name, $help, Unit::$unit, $metric.clone())
    };
}

metrics! {
    polls: Family<SourceKindLabels, Counter> = "polls", "Requests to the sources, by source and outcome";
    poll_seconds: HistogramBySource = "poll" in Seconds with durations_by_source,
        "Time from a request to a source to its parsed response";
    source_state: Family<SourceKindLabels, Gauge> = "source_state",
        "1 for the state in which a source is (live, quiet, stale, ...), 0 for the others";
    states_received: Family<SourceLabels, Counter> = "states_received", "State vectors received from the sources";
    states_changed: Counter = "states_changed", "Received state vectors that are newer than the last published one";
    states_passed_over: CounterByKind = "states_passed_over", "State vectors not published or not shown, by reason";
    bad_rows: Family<SourceKindLabels, Counter> = "bad_rows",
        "Rows from the sources that are not valid state vectors, by source and faulty field";
    credits_left: Family<SourceLabels, Gauge> = "credits_left",
        "OpenSky credits left until the next refill; -1 until known";
    last_answer: Family<SourceLabels, Gauge> = "last_answer_timestamp" in Seconds,
        "Unix time of the last valid response from a source, or of the start of polling";
    last_states: Family<SourceLabels, Gauge> = "last_states_timestamp" in Seconds,
        "Unix time of the last response from a source that contained state vectors; 0 until then";
    states_in_answer: Family<SourceLabels, Gauge> = "states_in_answer",
        "State vectors in the last valid response from a source";
    poll_interval: Family<SourceLabels, Gauge<f64, AtomicU64>> = "poll_interval" in Seconds,
        "Time from the last valid response to the next planned poll; 0 until known";
    published: Counter = "published", "State vectors acknowledged by Kafka";
    publish_seconds: Histogram = "publish" in Seconds with durations,
        "Time from sending a batch to Kafka to its last delivery report";
    publish_failures: Counter = "publish_failures", "Publish attempts that failed completely or in part";
    alerts: CounterByKind = "alerts", "Alerts that have started and ended, as committed to Kafka";
    rule_alerts: Family<RuleLabels, Counter> = "rule_alerts",
        "Alerts that have started and ended, as committed to Kafka, by rule";
    alerts_active: Gauge = "alerts_active", "Active alerts of the partitions that this process reads";
    enriched: Counter = "enriched", "State vectors published with what is known about their aircraft";
    detect_transactions: CounterByKind = "detect_transactions",
        "Transactions with alerts or positions, by outcome";
    detect_commit_seconds: Histogram = "detect_commit" in Seconds with durations,
        "Time from the end of a batch to the commit of its alerts and positions";
    notify_delivered: Family<EndpointLabels, Counter> = "notify_delivered", "Delivered notifications, by endpoint";
    notify_failures: Family<EndpointKindLabels, Counter> = "notify_failures",
        "Attempts to deliver a notification that failed, by endpoint and kind";
    notify_dead_letters: Family<EndpointLabels, Counter> = "notify_dead_letters",
        "Notifications that became dead letters, by endpoint";
    notify_failing_since: Family<EndpointLabels, Gauge> = "notify_failing_since_timestamp" in Seconds,
        "Unix time since which an endpoint accepts no notifications; 0 while it does";
    notify_oldest_waiting: Family<EndpointLabels, Gauge> = "notify_oldest_waiting_timestamp" in Seconds,
        "Unix time of the oldest alert that this process has not delivered to an endpoint yet; 0 if none waits";
    poll_records: CounterByKind = "poll_records",
        "Records of polls that were published, dropped before Kafka accepted them, stored, or stored before (duplicate)";
    alert_records: CounterByKind = "alert_records",
        "Records of alerts that were stored, or stored before (duplicate)";
    held: Gauge = "states_held", "State vectors waiting for Kafka";
    held_bytes: Gauge = "states_held" in Bytes, "Approximate memory used by state vectors waiting for Kafka";
    dropped: CounterByKind = "states_dropped", "State vectors dropped before Kafka accepted them, by reason";
    consumed: CounterByKind = "consumed", "Records read from Kafka, by route";
    lost_offsets: CounterByKind = "lost_offsets", "Offsets deleted from Kafka before they were read, by route";
    consumer_lag: Family<LagLabels, Gauge> = "consumer_lag_records", "Consumer lag in records, by route and partition";
    sink_rows: CounterByKind = "sink_rows", "State vectors in the files that a buffering sink has written, by sink";
    sink_files: CounterByKind = "sink_files", "Files that a buffering sink has written, by sink";
    sink_bytes: CounterByKind = "sink_written" in Bytes, "Size of the files that a buffering sink has written, by sink";
    sink_last_flush: Family<Kind, Gauge> = "sink_last_flush_timestamp" in Seconds,
        "Unix time of the last flush of a buffering sink; 0 if none yet";
    sink_buffered: Family<Kind, Gauge> = "sink_buffered_records", "Records in memory that are not in a file yet, by sink";
    sink_oldest_buffered: Family<Kind, Gauge> = "sink_oldest_buffered_timestamp" in Seconds,
        "Unix time of the oldest record in memory that is not in a file yet, by sink; 0 if there is none";
    dead_letters: Counter = "dead_letters", "Records sent to the dead-letter topic";
    rows: CounterByKind = "rows", "State vectors written to the database, by outcome";
    store_seconds: Histogram = "store" in Seconds with durations,
        "Time from sending a batch to the database to its commit";
    store_failures: CounterByKind = "store_failures",
        "Batches the database did not accept at the first attempt, by reason";
    age_when_stored: Histogram = "age_when_stored" in Seconds with ages,
        "Age of state vectors at commit, from the source's response time";
    expired: Counter = "rows_expired",
        "State vectors deleted by this process because they were older than the retention";
    maintenance_seconds: Histogram = "maintenance" in Seconds with durations, "Duration of a database maintenance step";
    maintenance_failures: Counter = "maintenance_failures", "Database maintenance steps that failed";
    job_failures: Family<JobLabels, Counter> = "timescaledb_job_failures", "Failed runs of TimescaleDB's jobs, by job";
    job_consecutive_failures: Family<JobLabels, Gauge> = "timescaledb_job_consecutive_failures",
        "Failed runs of TimescaleDB's jobs since their last success, by job";
    job_last_success: Family<JobLabels, Gauge> = "timescaledb_job_last_success_timestamp" in Seconds,
        "Unix time at which TimescaleDB's jobs last succeeded; 0 if never";
    job_interval: Family<JobLabels, Gauge> = "timescaledb_job_interval" in Seconds,
        "Interval between runs of TimescaleDB's jobs";
    aircraft: Gauge = "aircraft", "Aircraft in the live picture";
    clients: Gauge = "sse_clients", "Connected clients of the live streams";
    clients_refused: CounterByKind = "sse_clients_refused", "Stream clients refused, by reason";
    clients_evicted: Counter = "sse_clients_evicted",
        "Stream clients disconnected because they read nothing for too long";
    encodings: CounterByKind = "sse_encodings", "Events encoded, once for all clients, by kind";
    encoded_bytes: CounterByKind = "sse_encoded_bytes", "Bytes of encoded events, by kind";
    compressions: CounterByKind = "sse_compressions", "Events compressed, once for all clients, by content encoding";
    compressed_bytes: CounterByKind = "sse_compressed_bytes", "Bytes of compressed events, by content encoding";
    states_skipped: Counter = "sse_states_skipped", "State vectors coalesced for slow clients";
    sse_lag: Histogram = "sse_lag" in Seconds with durations,
        "Time from encoding an event to writing it to a client's socket, sampled at every sixteenth client";
    age_when_shown: Histogram = "age_when_shown" in Seconds with ages,
        "Age of state vectors when they reach the live picture, from the source's response time";
}

/// A histogram for each source.
pub type HistogramBySource = Family<SourceLabels, Histogram, fn() -> Histogram>;

fn durations_by_source() -> HistogramBySource {
    Family::new_with_constructor(durations)
}

/// Buckets from 1 ms to 33 s.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 16))
}

/// Buckets from 250 ms to 34 minutes.
fn ages() -> Histogram {
    Histogram::new(exponential_buckets(0.25, 2.0, 14))
}

impl Metrics {
    /// Replaces the metrics of the database's own jobs.
    pub fn show_jobs(&self, jobs: &[StoreJob], removed: &[JobLabels]) {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        for labels in removed {
            self.job_failures.remove(labels);
            self.job_consecutive_failures.remove(labels);
            self.job_last_success.remove(labels);
            self.job_interval.remove(labels);
        }
        for job in jobs {
            let labels = JobLabels::from(job);
            // The database keeps the count.
            self.job_failures.get_or_create(&labels).inner().store(job.failures, Ordering::Relaxed);
            self.job_consecutive_failures.get_or_create(&labels).set(whole(job.consecutive_failures));
            self.job_last_success.get_or_create(&labels).set(job.last_success.unwrap_or(0));
            self.job_interval.get_or_create(&labels).set(whole(job.interval));
        }
    }

    /// Creates metrics that are not registered, for tests.
    pub fn unregistered() -> Self {
        Self::register(&mut Registry::default())
    }
}

/// Creates the counters of these kinds at 0. If a counter only appeared with its first event, Prometheus would see no
/// increase, and an alert on it would not fire.
pub fn init_counters(family: &CounterByKind, kinds: &[&'static str]) {
    kinds.iter().for_each(|kind| drop(family.get_or_create(&Kind { kind })));
}

/// Increases the counter of a kind.
pub fn count(family: &CounterByKind, kind: &'static str, by: u64) {
    family.get_or_create(&Kind { kind }).inc_by(by);
}
