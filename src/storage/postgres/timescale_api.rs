//! The names of TimescaleDB's functions, which differ between releases.

use tokio_postgres::GenericClient;

use super::connection::PostgresError;

/// Queries the quoted name of the schema that contains the extension; no row if it is not installed.
pub(super) const INSTALLED: &str =
    "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
     WHERE extname = 'timescaledb'";

/// Checks which functions the extension has: `add_columnstore_policy` since 2.18, `by_range` since 2.13. The functions
/// that they replace are deprecated.
const FUNCTIONS: &str =
    "SELECT to_regproc($1 || '.add_columnstore_policy') IS NOT NULL, to_regproc($1 || '.by_range') IS NOT NULL";

/// Returns the quoted name of the schema that contains the extension's functions.
pub(super) async fn extension_schema(client: &impl GenericClient) -> Result<String, PostgresError> {
    Ok(client.query_one(INSTALLED, &[]).await?.try_get(0)?)
}

/// The functions of the installed release, and the schema that has them.
pub(super) struct TimescaleApi {
    pub(super) schema: String,
    has_columnstore: bool,
    has_by_range: bool,
}

impl TimescaleApi {
    pub(super) async fn find(client: &impl GenericClient) -> Result<Self, PostgresError> {
        let schema = extension_schema(client).await?;
        let row = client.query_one(FUNCTIONS, &[&schema]).await?;
        Ok(Self { schema, has_columnstore: row.try_get(0)?, has_by_range: row.try_get(1)? })
    }

    /// Returns the statement that turns the table into a hypertable with chunks of this many seconds.
    ///
    /// No default index: the primary key serves queries by aircraft and the BRIN index those by time. Another index would
    /// halve the insert speed.
    pub(super) fn create_hypertable(&self, seconds: u64) -> String {
        let Self { schema, .. } = self;
        let interval = format!("INTERVAL '{seconds} seconds'");
        let dimension = if self.has_by_range {
            format!("{schema}.by_range('last_contact', {interval})")
        } else {
            format!("'last_contact', chunk_time_interval => {interval}")
        };
        format!(
            "SELECT {schema}.create_hypertable('state_vectors_scaled', {dimension}, create_default_indexes => false,
                if_not_exists => true, migrate_data => true)"
        )
    }

    /// Returns the statement that sets how chunks are compressed.
    ///
    /// A compressed chunk is ordered by aircraft and time, the order in which a track is read. Batches of a thousand rows
    /// are compressed together and may span several aircraft. With one segment per aircraft, a batch would only have as
    /// many rows as there are polls per hour, and the table would be two to three times as large at one poll every 90 s.
    /// Chunks that are already compressed are left as they are.
    pub(super) fn enable_compression(&self) -> &'static str {
        if self.has_columnstore {
            "ALTER TABLE state_vectors_scaled SET (timescaledb.enable_columnstore, timescaledb.segmentby = '',
                timescaledb.orderby = 'icao24, last_contact')"
        } else {
            "ALTER TABLE state_vectors_scaled SET (timescaledb.compress, timescaledb.compress_segmentby = '',
                timescaledb.compress_orderby = 'icao24, last_contact')"
        }
    }

    /// Returns the statements that replace the policy that compresses chunks of this age, both in seconds.
    pub(super) fn compression_policy(&self, after: i64, every: i64) -> String {
        let Self { schema, .. } = self;
        let schedule = format!("schedule_interval => INTERVAL '{every} seconds'");
        if self.has_columnstore {
            format!(
                "CALL {schema}.remove_columnstore_policy('state_vectors_scaled', if_exists => true);
                 CALL {schema}.add_columnstore_policy('state_vectors_scaled', after => INTERVAL '{after} seconds',
                     {schedule})"
            )
        } else {
            format!(
                "SELECT {schema}.remove_compression_policy('state_vectors_scaled', if_exists => true);
                 SELECT {schema}.add_compression_policy('state_vectors_scaled',
                     compress_after => INTERVAL '{after} seconds', {schedule})"
            )
        }
    }

    /// Returns the statements that replace the policy that drops chunks of this age, both in seconds.
    pub(super) fn retention_policy(&self, after: i64, every: i64) -> String {
        let Self { schema, .. } = self;
        format!(
            "SELECT {schema}.remove_retention_policy('state_vectors_scaled', if_exists => true);
             SELECT {schema}.add_retention_policy('state_vectors_scaled', drop_after => INTERVAL '{after} seconds',
                 schedule_interval => INTERVAL '{every} seconds')"
        )
    }

    /// Returns the statement that compresses a chunk, unless it is compressed.
    pub(super) fn compress_chunk(&self, chunk: &str) -> String {
        let Self { schema, .. } = self;
        if self.has_columnstore {
            format!("CALL {schema}.convert_to_columnstore('{chunk}', if_not_columnstore => true)")
        } else {
            format!("SELECT {schema}.compress_chunk('{chunk}', true)")
        }
    }
}
