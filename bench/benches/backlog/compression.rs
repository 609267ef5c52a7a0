//! Measures the size of a row on TimescaleDB after its chunk is compressed.

use std::sync::Arc;
use std::time::Duration;

use actors::batch::{Batch, LogId, PartitionBatch};
use actors::domain::StateVector;
use actors::ports::{LikelyNew, StateStore};
use anyhow::Context;
use flight_monitor::storage::Writer;
use url::Url;

use crate::database::{connect, migrate};
use crate::sky::Sky;
use bench::report::Line;

/// Few enough for a server that keeps everything in memory. What matters is the number of rows per aircraft in a chunk.
const AIRCRAFT: usize = 1_000;

const SIZES: &str = "
SELECT before_compression_total_bytes::bigint, after_compression_total_bytes::bigint
FROM hypertable_compression_stats('state_vectors_scaled')";

/// Measures one hour, polled as often as OpenSky has new data, and as often as an account's credits allow for the
/// whole world.
pub(crate) fn measure() -> anyhow::Result<Vec<Line>> {
    let variable = std::env::var("BENCH_DATABASE_URL").or_else(|_| std::env::var("TEST_TIMESCALE_URL"));
    let server: Url = variable.context("TEST_TIMESCALE_URL is not set: use `make bench-backlog`")?.parse()?;
    [Duration::from_secs(10), Duration::from_secs(90)].into_iter().map(|every| measure_hour(&server, every)).collect()
}

fn measure_hour(server: &Url, every: Duration) -> anyhow::Result<Line> {
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
    for poll in Sky::start(AIRCRAFT, every)?.polls().take(usize::try_from(polls)?) {
        runtime.block_on(store(&writer, &mut stored, poll?))?;
    }
    let client = connect(&runtime, &url)?;
    let sizes = runtime.block_on(async {
        client.batch_execute("SELECT compress_chunk(chunk) FROM show_chunks('state_vectors_scaled') AS chunk").await?;
        client.query_one(SIZES, &[]).await
    })?;
    let bytes = |column| Ok::<_, anyhow::Error>(sizes.try_get::<_, i64>(column)? as f64 / stored as f64);
    let (before, after) = (bytes(0)?, bytes(1)?);
    drop(writer);
    runtime.block_on(administrator.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")))?;
    let what = format!("bytes a row on TimescaleDB, compressed, polled every {} s", every.as_secs());
    let figure = format!("{after:.1} B, {before:.0} B before ({stored} rows of {AIRCRAFT} aircraft, one hour)");
    Ok(Line::new(what, "≤ 35 B", figure, after <= 35.0))
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
