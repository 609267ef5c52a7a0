//! `/metrics`: the registry in Prometheus' text format.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, web};
use actors::supervision::Board;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::problem::Problem;
use super::server::ServerState;
use crate::storage::{Connections, Storage};

/// Metrics for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "operations", responses(
    (status = 200, description = "OpenMetrics text.", content_type = "application/openmetrics-text", body = String)))]
pub(super) async fn metrics(state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let mut body = String::new();
    text::encode(&mut body, &state.registry).map_err(Problem::unavailable)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8"))
        .body(body))
}

/// What the database's pool knows of its connections, as metrics.
#[derive(Debug)]
pub struct PoolCollector(pub Storage);

impl Collector for PoolCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Connections { in_use, idle, waiting, most } = self.0.connections();
        let shape = ConstGauge::new(0_i64);
        let mut family = encoder.encode_descriptor(
            "database_connections",
            "Connections for queries, by what they do",
            None,
            shape.metric_type(),
        )?;
        for (kind, count) in [("in_use", in_use), ("idle", idle)] {
            gauge(count).encode(family.encode_family(&[("kind", kind)])?)?;
        }
        for (name, help, count) in [
            ("database_connections_most", "Connections for queries that there may be", most),
            ("database_queries_waiting", "Queries that wait for a connection", waiting),
        ] {
            gauge(count).encode(encoder.encode_descriptor(name, help, None, shape.metric_type())?)?;
        }
        Ok(())
    }
}

fn gauge(count: usize) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX))
}

/// What the board knows of the actors, as metrics.
#[derive(Debug)]
pub struct BoardCollector(pub Board);

impl Collector for BoardCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let statuses = self.0.statuses();
        let restarts = ConstCounter::new(0_u64);
        let mut family = encoder.encode_descriptor(
            "actor_restarts",
            "Restarts, after a panic or because the operator wanted it",
            None,
            restarts.metric_type(),
        )?;
        for status in &statuses {
            let labels = [("actor", status.name)];
            ConstCounter::new(status.restarts).encode(family.encode_family(&labels)?)?;
        }
        let up = ConstGauge::new(0_i64);
        let mut family = encoder.encode_descriptor(
            "actor_phase",
            "1 for the phase that each actor is in",
            None,
            up.metric_type(),
        )?;
        for status in &statuses {
            let phase = serde_json::to_value(status.phase).ok();
            let labels =
                [("actor", status.name), ("phase", phase.as_ref().and_then(|p| p.as_str()).unwrap_or("unknown"))];
            ConstGauge::new(1_i64).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
