//! Sets up TimescaleDB's compression and retention policies, which its background workers run.

use std::time::Duration;

use tokio_postgres::Client;

use super::connection::{PostgresDatabase, PostgresError};
use super::timescale_api::TimescaleApi;
use crate::storage::migration_outcome::Policies;
use crate::storage::options::StorageOptions;

/// Checks whether compression is set up as by [`TimescaleApi::enable_compression`].
const COMPRESSION_ENABLED: &str = "
SELECT EXISTS (
    SELECT FROM timescaledb_information.compression_settings
    WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = 'state_vectors_scaled'::regclass
        AND attname = 'icao24' AND orderby_column_index = 1
)";

/// Queries the span and the interval of a policy of our table, in seconds. Compares by `regclass`, since another schema
/// may have a table of the same name.
const PRESENT: &str = "
SELECT coalesce(extract(epoch FROM (config ->> $2)::interval)::bigint, -1), extract(epoch FROM schedule_interval)::bigint
FROM timescaledb_information.jobs
WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = 'state_vectors_scaled'::regclass AND proc_name = ANY($1)";

/// A policy as configured.
struct Policy {
    name: &'static str,
    /// The names of its job, which differ between TimescaleDB releases.
    jobs: &'static [&'static str],
    /// The name of the span in the job's configuration.
    span_name: &'static str,
    span: Duration,
    every: Duration,
    /// Returns the statements that replace the policy, given the span and the interval in seconds.
    replace: fn(&TimescaleApi, i64, i64) -> String,
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
                replace: TimescaleApi::compression_policy,
            },
            Self {
                name: "retention",
                jobs: &["policy_retention"],
                span_name: "drop_after",
                span: options.retention,
                every,
                replace: TimescaleApi::retention_policy,
            },
        ]
    }

    fn seconds(&self) -> (i64, i64) {
        let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
        (seconds(self.span), seconds(self.every))
    }

    /// Replaces the policy in one transaction if it differs from the configuration. Returns whether it did.
    async fn apply(&self, client: &Client, api: &TimescaleApi) -> Result<bool, PostgresError> {
        let present = client.query(PRESENT, &[&self.jobs, &self.span_name]).await?;
        let (span, every) = self.seconds();
        if let [row] = &*present
            && (row.try_get::<_, i64>(0)?, row.try_get::<_, i64>(1)?) == (span, every)
        {
            return Ok(false);
        }
        client.batch_execute(&format!("BEGIN; {}; COMMIT", (self.replace)(api, span, every))).await?;
        log::info!("state_vectors: {} after {span} s, checked every {every} s", self.name);
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
pub(super) async fn enable_compression(client: &Client, api: &TimescaleApi) -> Result<(), PostgresError> {
    if !client.query_one(COMPRESSION_ENABLED, &[]).await?.try_get::<_, bool>(0)? {
        client.batch_execute(api.enable_compression()).await?;
    }
    Ok(())
}

async fn apply(client: &Client, options: &StorageOptions) -> Result<Policies, PostgresError> {
    let api = TimescaleApi::find(client).await?;
    enable_compression(client, &api).await?;
    let mut changed = false;
    for policy in Policy::configured(options) {
        changed |= policy.apply(client, &api).await?;
    }
    Ok(if changed { Policies::Changed } else { Policies::Present })
}
