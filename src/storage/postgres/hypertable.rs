//! Cutting `state_vectors` into chunks by time, where the server has TimescaleDB.

use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, GenericClient};

use super::connection::{Failure, PostgresDatabase};
use crate::storage::migration_outcome::Hypertable;

const INSTALLED: &str =
    "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
     WHERE extname = 'timescaledb'";
const AVAILABLE: &str = "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'";
/// The span of a chunk in seconds, of this very table: another schema may hold one of the same name.
const CHUNK_SECONDS: &str = "
SELECT extract(epoch FROM time_interval)::bigint FROM timescaledb_information.dimensions
WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = 'state_vectors'::regclass
    AND column_name = 'last_contact'";

impl PostgresDatabase {
    /// Makes `state_vectors` a hypertable with the configured chunks, whatever it was before. Called under the lock of
    /// the migrations.
    ///
    /// # Errors
    /// The connection's; a refusal for lack of rights is none.
    pub(in crate::storage) async fn make_hypertable(&self) -> Result<Hypertable, Failure> {
        let session = self.connect(Duration::ZERO).await?;
        if session.client.query_opt(INSTALLED, &[]).await?.is_none() {
            if session.client.query_opt(AVAILABLE, &[]).await?.is_none() {
                return Ok(Hypertable::NotAvailable);
            }
            if let Err(failure) = self.create_extension().await {
                return Ok(refused(&failure));
            }
        }
        // A new connection, since one that is older than the extension may not have loaded it.
        let session = self.connect(Duration::ZERO).await?;
        match cut_into_chunks(&session.client, self.options.chunk_interval.as_secs()).await {
            Err(failure) if failure.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(refused(&failure)),
            result => result,
        }
    }

    /// On a connection of its own: a server that has not preloaded the library ends it.
    async fn create_extension(&self) -> Result<(), Failure> {
        let session = self.connect(Duration::ZERO).await?;
        session.client.batch_execute("CREATE EXTENSION IF NOT EXISTS timescaledb").await?;
        Ok(())
    }
}

/// The schema that the extension's functions are in, quoted.
pub(super) async fn extension_schema(client: &impl GenericClient) -> Result<String, Failure> {
    Ok(client.query_one(INSTALLED, &[]).await?.try_get(0)?)
}

async fn cut_into_chunks(client: &Client, seconds: u64) -> Result<Hypertable, Failure> {
    let schema = extension_schema(client).await?;
    let interval = format!("INTERVAL '{seconds} seconds'");
    if let Some(row) = client.query_opt(CHUNK_SECONDS, &[]).await? {
        if u64::try_from(row.try_get::<_, i64>(0)?).ok() != Some(seconds) {
            client
                .batch_execute(&format!("SELECT {schema}.set_chunk_time_interval('state_vectors', {interval})"))
                .await?;
            log::info!("new chunks of state_vectors span {seconds} s from now on");
        }
        return Ok(Hypertable::Present);
    }
    log::info!("making state_vectors a hypertable; with many rows this takes a while");
    // The key serves queries by aircraft and the BRIN index those by time: another index would halve the speed.
    client
        .batch_execute(&format!(
            "SELECT {schema}.create_hypertable('state_vectors', 'last_contact', chunk_time_interval => {interval},
                create_default_indexes => false, if_not_exists => true, migrate_data => true)"
        ))
        .await?;
    Ok(Hypertable::Made)
}

fn refused(failure: &Failure) -> Hypertable {
    log::warn!(
        "TimescaleDB is there and cannot be used: {failure}; going on with a plain table, which needs more room"
    );
    Hypertable::Refused(failure.to_string())
}
