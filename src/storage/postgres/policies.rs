//! Compression and retention by TimescaleDB's own policies, which its background workers run.

use std::time::Duration;

use tokio_postgres::Client;

use super::connection::{Failure, PostgresDatabase};
use super::hypertable::extension_schema;
use crate::storage::migration_outcome::Policies;
use crate::storage::options::StorageOptions;

/// Whether chunks are compressed as below.
const COMPRESSION_ENABLED: &str = "
SELECT EXISTS (
    SELECT FROM timescaledb_information.compression_settings
    WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = 'state_vectors'::regclass
        AND attname = 'icao24' AND orderby_column_index = 1
)";

/// One aircraft's rows of a chunk lie together in the order of time, as a track is read. A thousand rows are compressed
/// together, of as many aircraft as that takes: segments, of one aircraft each, would hold as few rows as an hour has
/// polls, and take two to three times the room at a poll every 90 s. Chunks that are compressed already stay as they are.
const ENABLE_COMPRESSION: &str = "
ALTER TABLE state_vectors SET (timescaledb.compress, timescaledb.compress_segmentby = '',
    timescaledb.compress_orderby = 'icao24, last_contact')";

/// The policies of this very table: the function each was made by, its span and how often it runs, in seconds.
const PRESENT: &str = "
SELECT coalesce(extract(epoch FROM (config ->> $2)::interval)::bigint, -1), extract(epoch FROM schedule_interval)::bigint
FROM timescaledb_information.jobs
WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = 'state_vectors'::regclass AND proc_name = ANY($1)";

/// A policy as it is to be.
struct Policy {
    /// `compression` or `retention`, a part of the names of the functions that make and remove it.
    name: &'static str,
    /// What TimescaleDB's releases call its job.
    jobs: &'static [&'static str],
    /// The name of its span, as a parameter and in the job's configuration.
    span_name: &'static str,
    span: Duration,
    every: Duration,
}

impl Policy {
    /// Both of them. Half a chunk's span is when the next chunk may be due; twice a day is often enough for any.
    fn wanted(options: &StorageOptions) -> [Self; 2] {
        let every = (options.chunk_interval / 2).clamp(Duration::from_secs(60), Duration::from_secs(12 * 60 * 60));
        [
            Self {
                name: "compression",
                jobs: &["policy_compression", "policy_columnstore"],
                span_name: "compress_after",
                span: options.compress_after,
                every,
            },
            Self {
                name: "retention",
                jobs: &["policy_retention"],
                span_name: "drop_after",
                span: options.retention,
                every,
            },
        ]
    }

    fn seconds(&self) -> (i64, i64) {
        let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
        (seconds(self.span), seconds(self.every))
    }

    /// Makes it what it is to be, in one transaction, and says whether it was something else.
    async fn apply(&self, client: &Client, schema: &str) -> Result<bool, Failure> {
        let present = client.query(PRESENT, &[&self.jobs, &self.span_name]).await?;
        let (span, every) = self.seconds();
        if let [row] = &*present
            && (row.try_get::<_, i64>(0)?, row.try_get::<_, i64>(1)?) == (span, every)
        {
            return Ok(false);
        }
        let Self { name, span_name, .. } = self;
        client
            .batch_execute(&format!(
                "BEGIN;
                 SELECT {schema}.remove_{name}_policy('state_vectors', if_exists => true);
                 SELECT {schema}.add_{name}_policy('state_vectors', {span_name} => INTERVAL '{span} seconds',
                     schedule_interval => INTERVAL '{every} seconds');
                 COMMIT"
            ))
            .await?;
        log::info!("state_vectors: {name} after {span} s, looked after every {every} s");
        Ok(true)
    }
}

impl PostgresDatabase {
    /// Gives the hypertable the policies of the options, whatever they were before. Called under the lock of the
    /// migrations.
    ///
    /// # Errors
    /// The connection's; a refusal for lack of rights or by TimescaleDB's Apache edition is none.
    pub(in crate::storage) async fn apply_policies(&self) -> Result<Policies, Failure> {
        let session = self.connect(Duration::ZERO).await?;
        match apply(&session.client, &self.options).await {
            Err(failure) if failure.is_for_lack_of_rights() => {
                log::warn!(
                    "TimescaleDB refuses compression or retention: {failure}; this server deletes what is too old itself"
                );
                Ok(Policies::Refused(failure.to_string()))
            }
            result => result,
        }
    }
}

async fn apply(client: &Client, options: &StorageOptions) -> Result<Policies, Failure> {
    let schema = extension_schema(client).await?;
    if !client.query_one(COMPRESSION_ENABLED, &[]).await?.try_get::<_, bool>(0)? {
        client.batch_execute(ENABLE_COMPRESSION).await?;
    }
    let mut changed = false;
    for policy in Policy::wanted(options) {
        changed |= policy.apply(client, &schema).await?;
    }
    Ok(if changed { Policies::Changed } else { Policies::Present })
}
