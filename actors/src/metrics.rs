//! The pipeline's metrics, named according to the Prometheus conventions. `src/http` serves the registry.

use std::sync::atomic::Ordering;

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

/// A counter for each kind.
pub type CounterByKind = Family<Kind, Counter>;

/// All metrics of the five actors. Clones share the values.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is described where it is registered")]
pub struct Metrics {
    pub polls: CounterByKind,
    pub poll_seconds: Histogram,
    pub states_received: Counter,
    pub states_changed: Counter,
    pub states_passed_over: CounterByKind,
    pub bad_rows: CounterByKind,
    pub credits_left: Gauge,
    pub last_answer: Gauge,
    pub last_states: Gauge,
    pub states_in_answer: Gauge,
    pub poll_interval: Gauge,
    pub published: Counter,
    pub publish_seconds: Histogram,
    pub publish_failures: Counter,
    pub alerts: Counter,
    pub held: Gauge,
    pub held_bytes: Gauge,
    pub dropped: CounterByKind,
    pub consumed: CounterByKind,
    pub lost_offsets: CounterByKind,
    pub consumer_lag: Family<LagLabels, Gauge>,
    pub dead_letters: Counter,
    pub rows: CounterByKind,
    pub store_seconds: Histogram,
    pub store_failures: CounterByKind,
    pub age_when_stored: Histogram,
    pub expired: Counter,
    pub maintenance_seconds: Histogram,
    pub maintenance_failures: Counter,
    pub job_failures: Family<JobLabels, Counter>,
    pub job_consecutive_failures: Family<JobLabels, Gauge>,
    pub job_last_success: Family<JobLabels, Gauge>,
    pub job_interval: Family<JobLabels, Gauge>,
    pub aircraft: Gauge,
    pub clients: Gauge,
    pub clients_refused: CounterByKind,
    pub clients_evicted: Counter,
    pub encodings: CounterByKind,
    pub encoded_bytes: CounterByKind,
    pub compressions: CounterByKind,
    pub compressed_bytes: CounterByKind,
    pub states_skipped: Counter,
    pub sse_lag: Histogram,
    pub age_when_shown: Histogram,
}

impl Metrics {
    /// Creates all metrics at zero and registers them.
    pub fn register(registry: &mut Registry) -> Self {
        let seconds = || Histogram::new(exponential_buckets(0.001, 2.0, 16));
        let ages = || Histogram::new(exponential_buckets(0.25, 2.0, 14));
        let metrics = Self {
            polls: Family::default(),
            poll_seconds: seconds(),
            states_received: Counter::default(),
            states_changed: Counter::default(),
            states_passed_over: Family::default(),
            bad_rows: Family::default(),
            credits_left: Gauge::default(),
            last_answer: Gauge::default(),
            last_states: Gauge::default(),
            states_in_answer: Gauge::default(),
            poll_interval: Gauge::default(),
            published: Counter::default(),
            publish_seconds: seconds(),
            publish_failures: Counter::default(),
            alerts: Counter::default(),
            held: Gauge::default(),
            held_bytes: Gauge::default(),
            dropped: Family::default(),
            consumed: Family::default(),
            lost_offsets: Family::default(),
            consumer_lag: Family::default(),
            dead_letters: Counter::default(),
            rows: Family::default(),
            store_seconds: seconds(),
            store_failures: Family::default(),
            age_when_stored: ages(),
            expired: Counter::default(),
            maintenance_seconds: seconds(),
            maintenance_failures: Counter::default(),
            job_failures: Family::default(),
            job_consecutive_failures: Family::default(),
            job_last_success: Family::default(),
            job_interval: Family::default(),
            aircraft: Gauge::default(),
            clients: Gauge::default(),
            clients_refused: Family::default(),
            clients_evicted: Counter::default(),
            encodings: Family::default(),
            encoded_bytes: Family::default(),
            compressions: Family::default(),
            compressed_bytes: Family::default(),
            states_skipped: Counter::default(),
            sse_lag: seconds(),
            age_when_shown: ages(),
        };
        let m = metrics.clone();
        registry.register("polls", "Requests to the source, by outcome", m.polls);
        registry.register("states_received", "State vectors received from the source", m.states_received);
        registry.register(
            "states_changed",
            "Received state vectors that are newer than the last published one",
            m.states_changed,
        );
        registry.register(
            "states_passed_over",
            "State vectors not published or not shown, by reason",
            m.states_passed_over,
        );
        registry.register(
            "bad_rows",
            "Rows from the source that are not valid state vectors, by faulty field",
            m.bad_rows,
        );
        registry.register("credits_left", "OpenSky credits left until the next refill; -1 until known", m.credits_left);
        registry.register_with_unit(
            "last_answer_timestamp",
            "Unix time of the last valid response from the source, or of the start of polling; 0 if this process does \
             not poll",
            Unit::Seconds,
            m.last_answer,
        );
        registry.register_with_unit(
            "last_states_timestamp",
            "Unix time of the last response from the source that contained state vectors; 0 until then",
            Unit::Seconds,
            m.last_states,
        );
        registry.register(
            "states_in_answer",
            "State vectors in the last valid response from the source",
            m.states_in_answer,
        );
        registry.register_with_unit(
            "poll_interval",
            "Time from the last valid response to the next planned poll; 0 until known",
            Unit::Seconds,
            m.poll_interval,
        );
        registry.register("published", "State vectors acknowledged by Kafka", m.published);
        registry.register("publish_failures", "Publish attempts that failed completely or in part", m.publish_failures);
        registry.register("alerts", "Alerts acknowledged by Kafka", m.alerts);
        registry.register("states_held", "State vectors waiting for Kafka", m.held);
        registry.register_with_unit(
            "states_held",
            "Approximate memory used by state vectors waiting for Kafka",
            Unit::Bytes,
            m.held_bytes,
        );
        registry.register("states_dropped", "State vectors dropped before Kafka accepted them, by reason", m.dropped);
        registry.register("consumed", "Records read from Kafka, by route", m.consumed);
        registry.register("lost_offsets", "Offsets deleted from Kafka before they were read, by route", m.lost_offsets);
        registry.register("consumer_lag_records", "Consumer lag in records, by route and partition", m.consumer_lag);
        registry.register("dead_letters", "Records sent to the dead-letter topic", m.dead_letters);
        registry.register("rows", "State vectors written to the database, by outcome", m.rows);
        registry.register(
            "store_failures",
            "Batches the database did not accept at the first attempt, by reason",
            m.store_failures,
        );
        registry.register(
            "rows_expired",
            "State vectors deleted by this process because they were older than the retention",
            m.expired,
        );
        registry.register("maintenance_failures", "Database maintenance steps that failed", m.maintenance_failures);
        registry.register("timescaledb_job_failures", "Failed runs of TimescaleDB's jobs, by job", m.job_failures);
        registry.register(
            "timescaledb_job_consecutive_failures",
            "Failed runs of TimescaleDB's jobs since their last success, by job",
            m.job_consecutive_failures,
        );
        registry.register_with_unit(
            "timescaledb_job_last_success_timestamp",
            "Unix time at which TimescaleDB's jobs last succeeded; 0 if never",
            Unit::Seconds,
            m.job_last_success,
        );
        registry.register_with_unit(
            "timescaledb_job_interval",
            "Interval between runs of TimescaleDB's jobs",
            Unit::Seconds,
            m.job_interval,
        );
        registry.register("aircraft", "Aircraft in the live picture", m.aircraft);
        registry.register("sse_clients", "Connected clients of the live streams", m.clients);
        registry.register("sse_clients_refused", "Stream clients refused, by reason", m.clients_refused);
        registry.register(
            "sse_clients_evicted",
            "Stream clients disconnected because they read nothing for too long",
            m.clients_evicted,
        );
        registry.register("sse_encodings", "Events encoded, once for all clients, by kind", m.encodings);
        registry.register("sse_encoded_bytes", "Bytes of encoded events, by kind", m.encoded_bytes);
        registry.register(
            "sse_compressions",
            "Events compressed, once for all clients, by content encoding",
            m.compressions,
        );
        registry.register(
            "sse_compressed_bytes",
            "Bytes of compressed events, by content encoding",
            m.compressed_bytes,
        );
        registry.register("sse_states_skipped", "State vectors coalesced for slow clients", m.states_skipped);
        for (name, help, histogram) in [
            ("poll", "Time from a request to the source to its parsed response", m.poll_seconds),
            ("publish", "Time from sending a batch to Kafka to its last delivery report", m.publish_seconds),
            ("store", "Time from sending a batch to the database to its commit", m.store_seconds),
            ("maintenance", "Duration of a database maintenance step", m.maintenance_seconds),
            ("age_when_stored", "Age of state vectors at commit, from the source's response time", m.age_when_stored),
            (
                "sse_lag",
                "Time from encoding an event to writing it to a client's socket, sampled at every sixteenth client",
                m.sse_lag,
            ),
            (
                "age_when_shown",
                "Age of state vectors when they reach the live picture, from the source's response time",
                m.age_when_shown,
            ),
        ] {
            registry.register_with_unit(name, help, Unit::Seconds, histogram);
        }
        metrics.credits_left.set(-1);
        metrics
    }

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
