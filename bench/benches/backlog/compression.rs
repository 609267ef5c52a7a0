//! Measures the size of a row on TimescaleDB after its chunk is compressed.

use std::sync::Arc;
use std::time::Duration;

use actors::batch::{Batch, LogId, PartitionBatch};
use actors::domain::StateVector;
use actors::ports::{LikelyNew, StateStore};
use anyhow::Context;
use flight_monitor::storage::Writer;
use tokio_postgres::Row;
use url::Url;

use crate::database::{connect, migrate};
use crate::sky::Sky;
use bench::report::Line;

/// The intervals of the polls, and the goals for a compressed row in bytes: as often as OpenSky has new data with and
/// without an account, and as often as an account's credits allow for the whole world.
const INTERVALS: [(Duration, Option<f64>); 3] =
    [(Duration::from_secs(5), Some(12.0)), (Duration::from_secs(10), Some(15.0)), (Duration::from_secs(90), None)];
/// The goal for a row that is not compressed, with its indexes.
const UNCOMPRESSED: f64 = 120.0;

const UNCOMPRESSED_SIZES: &str =
    "SELECT table_bytes::bigint, index_bytes::bigint FROM hypertable_detailed_size('state_vectors_scaled')";
const COMPRESSED_SIZE: &str =
    "SELECT after_compression_total_bytes::bigint FROM hypertable_compression_stats('state_vectors_scaled')";

/// Measures one hour at each interval. The default number of aircraft is few enough for a server that keeps everything
/// in memory; what matters is the number of rows per aircraft in a chunk.
pub(crate) fn measure(aircraft: usize) -> anyhow::Result<Vec<Line>> {
    let variable = std::env::var("BENCH_DATABASE_URL").or_else(|_| std::env::var("TEST_TIMESCALE_URL"));
    let server: Url = variable.context("TEST_TIMESCALE_URL is not set: use `make bench-backlog`")?.parse()?;
    let mut lines = Vec::new();
    for (every, goal) in INTERVALS {
        lines.extend(measure_hour(&server, aircraft, every, goal)?);
    }
    Ok(lines)
}

fn measure_hour(server: &Url, aircraft: usize, every: Duration, goal: Option<f64>) -> anyhow::Result<[Line; 2]> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let administrator = connect(&runtime, server)?;
    let schema = format!("bench_{}_{}", std::process::id(), every.as_secs());
    runtime.block_on(administrator.batch_execute(&format!("CREATE SCHEMA {schema}")))?;
    let mut url = server.clone();
    url.set_query(Some(&format!("options=-csearch_path%3D{schema},public")));
    let storage = migrate(&runtime, &url)?;
    let writer = storage.writer();
    let mut stored = 0;
    let polls = 3600 / every.as_secs();
    for poll in Sky::start(aircraft, every)?.polls().take(usize::try_from(polls)?) {
        runtime.block_on(store(&writer, &mut stored, poll?))?;
    }
    let client = connect(&runtime, &url)?;
    let (before, after) = runtime.block_on(async {
        let before = client.query_one(UNCOMPRESSED_SIZES, &[]).await?;
        client.batch_execute("SELECT compress_chunk(chunk) FROM show_chunks('state_vectors_scaled') AS chunk").await?;
        Ok::<_, tokio_postgres::Error>((before, client.query_one(COMPRESSED_SIZE, &[]).await?))
    })?;
    let bytes = |row: &Row, column| Ok::<_, anyhow::Error>(row.try_get::<_, i64>(column)? as f64 / stored as f64);
    let (table, index, after) = (bytes(&before, 0)?, bytes(&before, 1)?, bytes(&after, 0)?);
    drop(writer);
    runtime.block_on(administrator.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")))?;
    let what = format!("bytes a row on TimescaleDB, polled every {} s", every.as_secs());
    let figure = format!("{after:.1} B ({stored} rows of {aircraft} aircraft, one hour)");
    let compressed = match goal {
        Some(goal) => Line::new(format!("{what}: compressed"), format!("≤ {goal} B"), figure, after <= goal),
        None => Line::without_goal(format!("{what}: compressed"), figure),
    };
    let figure = format!("{:.1} B: table {table:.1}, indexes {index:.1}", table + index);
    let uncompressed = Line::new(
        format!("{what}: not compressed"),
        format!("≤ {UNCOMPRESSED} B"),
        figure,
        table + index <= UNCOMPRESSED,
    );
    Ok([compressed, uncompressed])
}

/// Stores the next rows, all in one partition.
async fn store(writer: &Writer, stored: &mut i64, states: Vec<StateVector>) -> anyhow::Result<()> {
    let next_offset = *stored + i64::try_from(states.len())?;
    let part = PartitionBatch {
        partition: 0,
        expected: (*stored > 0).then_some(*stored),
        next_offset,
        last_timestamp: next_offset,
        states: states.into_iter().map(Arc::new).collect(),
        records: Vec::new(),
        polls: Vec::new(),
        alerts: Vec::new(),
        skipped: 0,
        dead_letters: Vec::new(),
        lost: 0,
    };
    let hints = LikelyNew(vec![vec![true; part.states.len()]]);
    let batch = Batch { log: LogId { cluster: "bench".into(), topic: "bench".into() }, parts: vec![part] };
    let answer = writer.store(&batch, &hints).await?;
    anyhow::ensure!(answer.inserted as i64 == next_offset - *stored, "{answer:?}");
    *stored = next_offset;
    Ok(())
}
