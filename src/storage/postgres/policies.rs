//! Sets up TimescaleDB's compression and retention policies, which its background workers run.

use std::time::Duration;

use tokio_postgres::Client;

use super::connection::{PostgresDatabase, PostgresError};
use super::hypertable::extension_schema;
use crate::storage::migration_outcome::Policies;
use crate::storage::options::StorageOptions;

/// Checks whether compression is set up as in [`ENABLE_COMPRESSION`].
const COMPRESSION_ENABLED: &str = "
SELECT EXISTS (
    SELECT FROM timescaledb_information.compression_settings
    WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = 'state_vectors_scaled'::regclass
        AND attname = 'icao24' AND orderby_column_index = 1
)";

/// Orders a compressed chunk by aircraft and time, the order in which a track is read. Batches of a thousand rows are
/// compressed together and may span several aircraft. With one segment per aircraft, a batch would only have as many
/// rows as there are polls per hour, and the table would be two to three times as large at one poll every 90 s. Chunks
/// that are already compressed are left as they are.
const ENABLE_COMPRESSION: &str = "
ALTER TABLE state_vectors_scaled SET (timescaledb.compress, timescaledb.compress_segmentby = '',
    timescaledb.compress_orderby = 'icao24, last_contact')";

/// Queries the span and the interval of a policy of our table, in seconds. Compares by `regclass`, since another schema
/// may have a table of the same name.
const PRESENT: &str = "
SELECT coalesce(extract(epoch FROM (config ->> $2)::interval)::bigint, -1), extract(epoch FROM schedule_interval)::bigint
FROM timescaledb_information.jobs
WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = 'state_vectors_scaled'::regclass AND proc_name = ANY($1)";

/// A policy as configured.
struct Policy {
    /// `compression` or `retention`, as in the names of the functions that add and remove the policy.
    name: &'static str,
    /// The names of its job, which differ between TimescaleDB releases.
    jobs: &'static [&'static str],
    /// The name of the span, both as a function parameter and in the job's configuration.
    span_name: &'static str,
    span: Duration,
    every: Duration,
}

impl Policy {
    /// Returns both policies. They run twice per chunk interval, but at least twice a day and at most once a minute.
    fn configured(options: &StorageOptions) -> [Self; 2] {
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

    /// Replaces the policy in one transaction if it differs from the configuration. Returns whether it did.
    async fn apply(&self, client: &Client, schema: &str) -> Result<bool, PostgresError> {
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
                 SELECT {schema}.remove_{name}_policy('state_vectors_scaled', if_exists => true);
                 SELECT {schema}.add_{name}_policy('state_vectors_scaled', {span_name} => INTERVAL '{span} seconds',
                     schedule_interval => INTERVAL '{every} seconds');
                 COMMIT"
            ))
            .await?;
        log::info!("state_vectors_scaled: {name} after {span} s, checked every {every} s");
        Ok(true)
    }
}

impl PostgresDatabase {
    /// Sets the hypertable's policies as configured. The caller holds the migration lock.
    ///
    /// # Errors
    /// The connection failed. A missing privilege or a limit of TimescaleDB's Apache edition is not an error but
    /// returned as [`Policies::Refused`].
    pub(in crate::storage) async fn apply_policies(&self) -> Result<Policies, PostgresError> {
        let session = self.connect(Duration::ZERO).await?;
        match apply(&session.client, &self.options).await {
            Err(failure) if failure.is_missing_privilege() => {
                log::warn!(
                    "TimescaleDB refused the compression or retention policy: {failure}; this server deletes expired \
                     rows itself"
                );
                Ok(Policies::Refused(failure.to_string()))
            }
            result => result,
        }
    }
}

/// Sets how chunks are compressed.
pub(super) async fn enable_compression(client: &Client) -> Result<(), PostgresError> {
    if !client.query_one(COMPRESSION_ENABLED, &[]).await?.try_get::<_, bool>(0)? {
        client.batch_execute(ENABLE_COMPRESSION).await?;
    }
    Ok(())
}

async fn apply(client: &Client, options: &StorageOptions) -> Result<Policies, PostgresError> {
    let schema = extension_schema(client).await?;
    enable_compression(client).await?;
    let mut changed = false;
    for policy in Policy::configured(options) {
        changed |= policy.apply(client, &schema).await?;
    }
    Ok(if changed { Policies::Changed } else { Policies::Present })
}
