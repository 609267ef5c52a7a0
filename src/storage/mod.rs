//! Stores state vectors in PostgreSQL, with or without TimescaleDB, or in SQLite.
//!
//! [`Storage`] is cheap to clone and serves queries. [`Storage::writer`] returns the actors' [`StateStore`], which has
//! its own connection. The modules of both databases share the same layout: `connection`, `writer`, `queries`.

mod alerts;
mod conversion;
mod error;
mod history;
mod migration_outcome;
mod migrations;
mod options;
mod polls;
mod postgres;
mod query;
mod rows;
mod schema;
mod side_rows;
mod slices;
mod sqlite;
mod summaries;
mod summary_queries;
mod tls;
mod url;

use std::sync::Arc;

use actors::batch::{Batch, LogId, Position, Stored};
use actors::detect::Alert;
use actors::domain::{Flight, Icao24, PollRecord, StateVector, UnixTime};
use actors::ports::{LikelyNew, Maintained, StateStore, StoreError, StoreJob};

pub use alerts::AlertQuery;
use conversion::OnUnconverted;
pub use conversion::{ConversionProgress, Converted, ReportProgress};
pub use error::{MigrateError, OpenError, QueryError};
pub use history::{HistoryQuery, HistoryReader, HistoryRow};
use migration_outcome::SetPolicies;
pub use migration_outcome::{Hypertable, MigrationOutcome, Policies, Statistics};
pub use migrations::{POSTGRES_MIGRATIONS, SQLITE_MIGRATIONS};
pub use options::{MAX_HISTORIES, StorageOptions};
pub use polls::{LedgerSource, PollQuery};
pub use query::{Connections, NewestQuery, PositionsQuery, StorageObservation};
pub use summaries::{CellTraffic, CountryTraffic, FlightQuery, HourTraffic};
pub use tls::check_certificates;
pub use url::{DatabaseUrl, InvalidDatabaseUrl, PostgresUrl, TlsMode};

use postgres::{PostgresDatabase, PostgresWriter};
use sqlite::{SqliteDatabase, SqliteWriter};

/// An open database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Storage(Database);

#[derive(Clone, Debug)]
enum Database {
    Postgres(Arc<PostgresDatabase>),
    Sqlite(Arc<SqliteDatabase>),
}

impl Storage {
    /// Opens a database. Creates the SQLite file and its parent folder if they are missing; PostgreSQL is connected to
    /// lazily, on the first call.
    ///
    /// # Errors
    /// A root certificate cannot be read or used, or a file or folder cannot be created or opened.
    pub fn open(url: &DatabaseUrl, options: StorageOptions) -> Result<Self, OpenError> {
        Ok(Self(match url {
            DatabaseUrl::Postgres(url) => Database::Postgres(Arc::new(PostgresDatabase::open(url, options)?)),
            DatabaseUrl::SqliteFile(path) => Database::Sqlite(Arc::new(SqliteDatabase::open_file(path, options)?)),
            DatabaseUrl::SqliteMemory => Database::Sqlite(Arc::new(SqliteDatabase::open_memory(options)?)),
        }))
    }

    /// Opens a database like [`open`](Self::open), but leaves creating the SQLite file to the first
    /// [`migrate`](Self::migrate). If the file cannot be used, `migrate` fails, and succeeds once the cause is fixed.
    ///
    /// # Errors
    /// A root certificate cannot be read or used, or the path is not UTF-8.
    pub fn open_lazily(url: &DatabaseUrl, options: StorageOptions) -> Result<Self, OpenError> {
        match url {
            DatabaseUrl::SqliteFile(path) => {
                Ok(Self(Database::Sqlite(Arc::new(SqliteDatabase::for_file(path, options)?))))
            }
            DatabaseUrl::Postgres(_) | DatabaseUrl::SqliteMemory => Self::open(url, options),
        }
    }

    /// Opens a database for reading its history. Creates and writes nothing; PostgreSQL is connected to lazily, on the
    /// first call.
    ///
    /// # Errors
    /// A root certificate cannot be read or used, or the file does not exist or is not a database of this program.
    pub fn open_read_only(url: &DatabaseUrl, options: StorageOptions) -> Result<Self, OpenError> {
        Ok(Self(match url {
            DatabaseUrl::Postgres(url) => Database::Postgres(Arc::new(PostgresDatabase::open(url, options)?)),
            DatabaseUrl::SqliteFile(path) => Database::Sqlite(Arc::new(SqliteDatabase::open_read_only(path, options)?)),
            DatabaseUrl::SqliteMemory => {
                let reason = "an in-memory database cannot be read by another process";
                return Err(OpenError::Client(reason.to_owned()));
            }
        }))
    }

    /// Brings the schema up to date like [`migrate_schema`](Self::migrate_schema), and converts the rows that an earlier
    /// version wrote. The conversion takes hours for a billion rows; it can be interrupted by dropping the future, and
    /// continues with the next call.
    ///
    /// # Errors
    /// Same as [`migrate`](Self::migrate), but never [`MigrateError::Unconverted`].
    pub async fn migrate_and_convert(&self, report: ReportProgress) -> Result<MigrationOutcome, MigrateError> {
        self.migrate_with(SetPolicies::No, OnUnconverted::Convert(report)).await
    }

    /// Brings the schema up to date. Where TimescaleDB is available, also turns `state_vectors_scaled` into a hypertable and
    /// the hourly statistics into continuous aggregates, and sets their policies as configured in the options. Safe to
    /// call from several processes at once: they take turns.
    ///
    /// # Errors
    /// See [`MigrateError`]. Migrations applied before the error are kept.
    pub async fn migrate(&self) -> Result<MigrationOutcome, MigrateError> {
        self.migrate_with(SetPolicies::Yes, OnUnconverted::Refuse).await
    }

    /// Brings the schema up to date like [`migrate`](Self::migrate), but leaves existing policies unchanged: a command
    /// that runs with a different retention than the server, or with none, must not drop rows that the server keeps.
    ///
    /// # Errors
    /// Same as [`migrate`](Self::migrate).
    pub async fn migrate_schema(&self) -> Result<MigrationOutcome, MigrateError> {
        self.migrate_with(SetPolicies::No, OnUnconverted::Refuse).await
    }

    async fn migrate_with(
        &self,
        set: SetPolicies,
        unconverted: OnUnconverted,
    ) -> Result<MigrationOutcome, MigrateError> {
        // Boxed because the future is large and runs only once per process; unboxed, it would bloat the caller's
        // future.
        match &self.0 {
            Database::Postgres(database) => Box::pin(migrations::migrate_postgres(database, set, unconverted)).await,
            Database::Sqlite(database) => Box::pin(migrations::migrate_sqlite(database, unconverted)).await,
        }
    }

    /// Returns the actors' store, which has its own connection. Call this in the thread that uses the store.
    pub fn writer(&self) -> Writer {
        Writer(match &self.0 {
            Database::Postgres(database) => {
                DatabaseWriter::Postgres(Box::new(PostgresWriter::new(Arc::clone(database))))
            }
            Database::Sqlite(database) => DatabaseWriter::Sqlite(SqliteWriter::new(Arc::clone(database))),
        })
    }

    /// Checks that the database responds and has the schema.
    ///
    /// # Errors
    /// The database does not respond within [`StorageOptions::query_timeout`], or lacks the schema.
    pub async fn ping(&self) -> Result<(), QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.ping().await,
            Database::Sqlite(database) => database.ping().await,
        }
    }

    /// Returns the current state of the query pool.
    pub fn connections(&self) -> Connections {
        let status = match &self.0 {
            Database::Postgres(database) => database.pool.status(),
            Database::Sqlite(database) => database.pool.status(),
        };
        let idle = status.available.min(status.size);
        Connections { in_use: status.size - idle, idle, waiting: status.waiting, max: status.max_size }
    }

    /// Returns figures that are cheap to query.
    ///
    /// # Errors
    /// The database does not respond within [`StorageOptions::query_timeout`].
    pub async fn observe(&self) -> Result<StorageObservation, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.observe().await,
            Database::Sqlite(database) => database.observe().await,
        }
    }

    /// Returns the background jobs that the database runs on our tables, which are TimescaleDB's policies.
    ///
    /// # Errors
    /// The database does not respond within [`StorageOptions::query_timeout`], or the role lacks the right to read the
    /// jobs.
    pub async fn jobs(&self) -> Result<Vec<StoreJob>, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.jobs().await,
            Database::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// Returns the states of one aircraft with `from` ≤ `last_contact` ≤ `to`, oldest first, at most `limit` of them.
    ///
    /// # Errors
    /// The database does not respond within [`StorageOptions::query_timeout`], or a row is not a valid state vector.
    pub async fn track(
        &self,
        icao24: Icao24,
        from: UnixTime,
        to: UnixTime,
        limit: u32,
    ) -> Result<Vec<StateVector>, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.track(icao24, from, to, limit).await,
            Database::Sqlite(database) => database.track(icao24, from, to, limit).await,
        }
    }

    /// Returns the newest state of each aircraft, ordered by aircraft.
    ///
    /// # Errors
    /// The database does not respond within [`StorageOptions::query_timeout`], or a row is not a valid state vector.
    pub async fn newest(&self, query: &NewestQuery) -> Result<Vec<StateVector>, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.newest(query).await,
            Database::Sqlite(database) => database.newest(query).await,
        }
    }

    /// Returns the earliest state for each distinct `time_position` of an aircraft, ordered by `time_position`.
    ///
    /// # Errors
    /// The database does not respond within [`StorageOptions::query_timeout`], or a row is not a valid state vector.
    pub async fn positions(&self, query: &PositionsQuery) -> Result<Vec<StateVector>, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.positions(query).await,
            Database::Sqlite(database) => database.positions(query).await,
        }
    }
}

impl Storage {
    /// Starts reading a history. Read it on the same runtime, and dedicate that runtime to it: reading takes long, and
    /// blocks with SQLite.
    ///
    /// # Errors
    /// The database does not respond within [`StorageOptions::connect_timeout`] or lacks the schema, or
    /// [`StorageOptions::histories`] other readers are active throughout that time.
    pub async fn history(&self, query: &HistoryQuery) -> Result<HistoryReader, QueryError> {
        match &self.0 {
            Database::Postgres(database) => HistoryReader::postgres(database, query).await,
            Database::Sqlite(database) => HistoryReader::sqlite(database, query).await,
        }
    }
}

impl Storage {
    /// Returns the matching flights, ordered by `first_seen` and `icao24`.
    ///
    /// # Errors
    /// The database does not respond within [`StorageOptions::query_timeout`], or a row is not a valid flight.
    pub async fn flights(&self, query: &FlightQuery) -> Result<Vec<Flight>, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.flights(query).await,
            Database::Sqlite(database) => database.flights(query).await,
        }
    }

    /// Returns the traffic of each hour that overlaps `from` … `to`, at most `limit` of them.
    ///
    /// # Errors
    /// The database does not respond within [`StorageOptions::query_timeout`].
    pub async fn traffic_by_hour(
        &self,
        from: UnixTime,
        to: UnixTime,
        limit: u32,
    ) -> Result<Vec<HourTraffic>, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.traffic_by_hour(from, to, limit).await,
            Database::Sqlite(database) => database.traffic_by_hour(from, to, limit).await,
        }
    }

    /// Returns the traffic by country for each hour that overlaps `from` … `to`, ordered by hour, at most `limit` rows.
    ///
    /// # Errors
    /// The database does not respond within [`StorageOptions::query_timeout`].
    pub async fn traffic_by_country(
        &self,
        from: UnixTime,
        to: UnixTime,
        limit: u32,
    ) -> Result<Vec<CountryTraffic>, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.traffic_by_country(from, to, limit).await,
            Database::Sqlite(database) => database.traffic_by_country(from, to, limit).await,
        }
    }

    /// Returns the traffic by cell for each hour that overlaps `from` … `to`, ordered by hour, at most `limit` rows.
    ///
    /// # Errors
    /// The database does not respond within [`StorageOptions::query_timeout`].
    pub async fn traffic_by_cell(
        &self,
        from: UnixTime,
        to: UnixTime,
        limit: u32,
    ) -> Result<Vec<CellTraffic>, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.traffic_by_cell(from, to, limit).await,
            Database::Sqlite(database) => database.traffic_by_cell(from, to, limit).await,
        }
    }
}

impl Storage {
    /// Returns the sources of which there are records of polls, ordered by name.
    ///
    /// # Errors
    /// The database does not respond within [`StorageOptions::query_timeout`].
    pub async fn polled_sources(&self) -> Result<Vec<LedgerSource>, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.polled_sources().await,
            Database::Sqlite(database) => database.polled_sources().await,
        }
    }

    /// Returns the matching alerts, the newest first: in descending order of `since`, rule and aircraft.
    ///
    /// # Errors
    /// The database does not respond within [`StorageOptions::query_timeout`], or a row is not a valid alert.
    pub async fn alerts(&self, query: &AlertQuery) -> Result<Vec<Alert>, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.alerts(query).await,
            Database::Sqlite(database) => database.alerts(query).await,
        }
    }

    /// Returns the matching records of polls, ordered by `started` and `process`.
    ///
    /// # Errors
    /// The database does not respond within [`StorageOptions::query_timeout`], or a row is not a valid record.
    pub async fn polls(&self, query: &PollQuery) -> Result<Vec<PollRecord>, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.polls(query).await,
            Database::Sqlite(database) => database.polls(query).await,
        }
    }
}

/// Implements the actors' [`StateStore`] for either database.
#[derive(Debug)]
pub struct Writer(DatabaseWriter);

#[derive(Debug)]
enum DatabaseWriter {
    Postgres(Box<PostgresWriter>),
    Sqlite(SqliteWriter),
}

impl StateStore for Writer {
    async fn positions(&self, log: &LogId, partitions: &[i32]) -> Result<Vec<Position>, StoreError> {
        match &self.0 {
            DatabaseWriter::Postgres(writer) => writer.positions(log, partitions).await,
            DatabaseWriter::Sqlite(writer) => writer.positions(log, partitions).await,
        }
    }

    async fn store(&self, batch: &Batch, likely_new: &LikelyNew) -> Result<Stored, StoreError> {
        match &self.0 {
            DatabaseWriter::Postgres(writer) => writer.store(batch, likely_new).await,
            DatabaseWriter::Sqlite(writer) => writer.store(batch, likely_new).await,
        }
    }

    async fn maintain(&self) -> Result<Maintained, StoreError> {
        // Run every step even if another one fails.
        let (expired, more, more_side_rows) = match &self.0 {
            DatabaseWriter::Postgres(writer) => {
                (writer.expire().await, writer.summarize().await, writer.expire_side_rows().await)
            }
            DatabaseWriter::Sqlite(writer) => {
                (writer.expire().await, writer.summarize().await, writer.expire_side_rows().await)
            }
        };
        let expired = expired?;
        Ok(Maintained { more: more? || more_side_rows? || expired.more, ..expired })
    }

    fn reset(&self) {
        match &self.0 {
            DatabaseWriter::Postgres(writer) => writer.reset(),
            DatabaseWriter::Sqlite(writer) => writer.reset(),
        }
    }
}
