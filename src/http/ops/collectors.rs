//! Metrics collected from their source at each scrape.

use std::sync::Arc;

use actors::supervision::ActorRegistry;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::enrichment::TableWatch;
use crate::rules::RulesWatch;
use crate::storage::{Connections, Storage};

/// Collects the number of connections in the database pool.
#[derive(Debug)]
pub struct PoolCollector(pub Storage);

impl Collector for PoolCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Connections { in_use, idle, waiting, max } = self.0.connections();
        let shape = ConstGauge::new(0_i64);
        let mut family = encoder.encode_descriptor(
            "database_connections",
            "Database connections for queries, by state",
            None,
            shape.metric_type(),
        )?;
        for (kind, count) in [("in_use", in_use), ("idle", idle)] {
            gauge(count).encode(family.encode_family(&[("kind", kind)])?)?;
        }
        for (name, help, count) in [
            ("database_connections_most", "Maximum number of database connections for queries", max),
            ("database_queries_waiting", "Queries waiting for a database connection", waiting),
        ] {
            gauge(count).encode(encoder.encode_descriptor(name, help, None, shape.metric_type())?)?;
        }
        Ok(())
    }
}

/// Collects the state of the aircraft table.
#[derive(Debug)]
pub struct TableCollector(pub Arc<TableWatch>);

impl Collector for TableCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let status = self.0.status();
        let shape = ConstGauge::new(0_i64);
        let bad_rows = usize::try_from(status.bad_rows).unwrap_or(usize::MAX);
        for (name, help, count) in [
            ("aircraft_table_aircraft", "Aircraft in the aircraft table", status.aircraft),
            ("aircraft_table_bytes", "Size of the aircraft table in memory", status.bytes),
            ("aircraft_table_bad_rows", "Invalid rows of the file of the aircraft table", bad_rows),
            (
                "aircraft_table_up",
                "Whether the file of the aircraft table could be loaded",
                status.error.is_none().into(),
            ),
        ] {
            gauge(count).encode(encoder.encode_descriptor(name, help, None, shape.metric_type())?)?;
        }
        let loads = ConstCounter::new(0_u64);
        let help = "Attempts to load the aircraft table, by outcome";
        let mut family = encoder.encode_descriptor("aircraft_table_loads", help, None, loads.metric_type())?;
        for (outcome, count) in [("loaded", status.loads), ("failed", status.failures)] {
            ConstCounter::new(count).encode(family.encode_family(&[("outcome", outcome)])?)?;
        }
        Ok(())
    }
}

/// Collects the state of the rules' files.
#[derive(Debug)]
pub struct RulesCollector(pub Arc<RulesWatch>);

impl Collector for RulesCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let status = self.0.status();
        let shape = ConstGauge::new(0_i64);
        for (name, help, count) in [
            ("rules", "Rules that are applied", status.rules),
            ("rules_fences", "Fences of the rules that are applied", status.fences),
            ("rules_up", "Whether the files of rules, as they are now, are valid", status.error.is_none().into()),
        ] {
            gauge(count).encode(encoder.encode_descriptor(name, help, None, shape.metric_type())?)?;
        }
        let loads = ConstCounter::new(0_u64);
        let help = "Attempts to read the files of rules, by outcome";
        let mut family = encoder.encode_descriptor("rules_loads", help, None, loads.metric_type())?;
        for (outcome, count) in [("loaded", status.loads), ("failed", status.failures)] {
            ConstCounter::new(count).encode(family.encode_family(&[("outcome", outcome)])?)?;
        }
        Ok(())
    }
}

fn gauge(count: usize) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Collects the actors' phases and restarts.
#[derive(Debug)]
pub struct ActorCollector(pub ActorRegistry);

impl Collector for ActorCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let statuses = self.0.statuses();
        let restarts = ConstCounter::new(0_u64);
        let mut family = encoder.encode_descriptor(
            "actor_restarts",
            "Actor restarts, after a panic or on the operator's request",
            None,
            restarts.metric_type(),
        )?;
        for status in &statuses {
            let name = status.name.to_string();
            ConstCounter::new(status.restarts).encode(family.encode_family(&[("actor", &*name)])?)?;
        }
        let up = ConstGauge::new(0_i64);
        let mut family = encoder.encode_descriptor(
            "actor_phase",
            "Current phase of each actor, always 1",
            None,
            up.metric_type(),
        )?;
        for status in &statuses {
            let name = status.name.to_string();
            let labels = [("actor", &*name), ("phase", status.phase.as_str())];
            ConstGauge::new(1_i64).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
