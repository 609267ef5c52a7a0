//! Turns `state_vectors_scaled` into a hypertable if the server has TimescaleDB.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::connection::{PostgresDatabase, PostgresError};
use super::timescale_api::{INSTALLED, TimescaleApi};
use crate::storage::migration_outcome::Hypertable;

const AVAILABLE: &str = "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'";
/// Queries the chunk interval in seconds. Compares by `regclass`, since another schema may have a table of the same
/// name.
const CHUNK_SECONDS: &str = "
SELECT extract(epoch FROM time_interval)::bigint FROM timescaledb_information.dimensions
WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = 'state_vectors_scaled'::regclass
    AND column_name = 'last_contact'";

impl PostgresDatabase {
    /// Turns `state_vectors_scaled` into a hypertable, or updates the chunk interval of an existing one. The caller holds the
    /// migration lock.
    ///
    /// # Errors
    /// The connection failed. A missing privilege is not an error but returned as [`Hypertable::Refused`].
    pub(in crate::storage) async fn ensure_hypertable(&self) -> Result<Hypertable, PostgresError> {
        let session = self.connect(Duration::ZERO).await?;
        if session.client.query_opt(INSTALLED, &[]).await?.is_none() {
            if session.client.query_opt(AVAILABLE, &[]).await?.is_none() {
                return Ok(Hypertable::NotAvailable);
            }
            if let Err(failure) = self.create_extension().await {
                return Ok(refused(&failure));
            }
        }
        // Use a new connection: one opened before the extension was created may not have loaded it.
        let session = self.connect(Duration::ZERO).await?;
        match convert_to_hypertable(&session.client, self.options.chunk_interval.as_secs()).await {
            Err(failure) if failure.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(refused(&failure)),
            result => result,
        }
    }

    /// Creates the extension on its own connection, because a server that has not preloaded the library closes it.
    async fn create_extension(&self) -> Result<(), PostgresError> {
        let session = self.connect(Duration::ZERO).await?;
        session.client.batch_execute("CREATE EXTENSION IF NOT EXISTS timescaledb").await?;
        Ok(())
    }
}

async fn convert_to_hypertable(client: &Client, seconds: u64) -> Result<Hypertable, PostgresError> {
    let api = TimescaleApi::find(client).await?;
    if let Some(row) = client.query_opt(CHUNK_SECONDS, &[]).await? {
        if u64::try_from(row.try_get::<_, i64>(0)?).ok() != Some(seconds) {
            let set = format!(
                "SELECT {}.set_chunk_time_interval('state_vectors_scaled', INTERVAL '{seconds} seconds')",
                api.schema
            );
            client.batch_execute(&set).await?;
            log::info!("changed the chunk interval of state_vectors to {seconds} s for new chunks");
        }
        return Ok(Hypertable::Present);
    }
    log::info!("converting state_vectors to a hypertable; this takes a while if it has many rows");
    client.batch_execute(&api.create_hypertable(seconds)).await?;
    Ok(Hypertable::Created)
}

fn refused(failure: &PostgresError) -> Hypertable {
    log::warn!(
        "TimescaleDB is available but cannot be used: {failure}; continuing with a plain table, which needs more \
         disk space"
    );
    Hypertable::Refused(failure.to_string())
}
