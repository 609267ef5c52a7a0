//! Where state vectors are kept: PostgreSQL, with or without TimescaleDB, or SQLite.
//!
//! [`Storage`] is cheap to clone and serves the queries; [`Storage::writer`] gives the actors' [`StateStore`], which
//! has a connection of its own. Both databases follow the same files in the same order: `connection`, `writer`, `queries`.

mod error;
mod history;
mod migration_outcome;
mod migrations;
mod options;
mod postgres;
mod query;
mod rows;
mod schema;
mod sqlite;
mod summaries;
mod tls;
mod url;

use std::sync::Arc;

use actors::batch::{Batch, LogId, Position, Stored};
use actors::domain::{Flight, Icao24, StateVector, UnixTime};
use actors::ports::{LikelyNew, Maintained, StateStore, StoreError, StoreJob};

pub use error::{MigrateError, OpenError, QueryError};
pub use history::{HistoryQuery, HistoryReader, HistoryRow};
use migration_outcome::SetPolicies;
pub use migration_outcome::{Hypertable, Migrated, Policies, Statistics};
pub use migrations::{POSTGRES_MIGRATIONS, SQLITE_MIGRATIONS};
pub use options::{MAX_HISTORIES, StorageOptions};
pub use query::{Connections, PositionsQuery, StorageObservation};
pub use summaries::{CellTraffic, CountryTraffic, FlightQuery, HourTraffic};
pub use tls::check_certificates;
pub use url::{DatabaseUrl, InvalidDatabaseUrl, PostgresUrl, TlsMode};

use postgres::{PostgresDatabase, PostgresWriter};
use sqlite::{SqliteDatabase, SqliteWriter};

/// A database, opened; clones share its connections.
#[derive(Clone, Debug)]
pub struct Storage(Database);

#[derive(Clone, Debug)]
enum Database {
    Postgres(Arc<PostgresDatabase>),
    Sqlite(Arc<SqliteDatabase>),
}

impl Storage {
    /// Opens a database. SQLite's file and its parent folder are made where missing; PostgreSQL is connected to by the first call.
    ///
    /// # Errors
    /// An unreadable or unusable root certificate; a file or folder that cannot be made or opened.
    pub fn open(url: &DatabaseUrl, options: StorageOptions) -> Result<Self, OpenError> {
        Ok(Self(match url {
            DatabaseUrl::Postgres(url) => Database::Postgres(Arc::new(PostgresDatabase::open(url, options)?)),
            DatabaseUrl::SqliteFile(path) => Database::Sqlite(Arc::new(SqliteDatabase::open_file(path, options)?)),
            DatabaseUrl::SqliteMemory => Database::Sqlite(Arc::new(SqliteDatabase::open_memory(options)?)),
        }))
    }

    /// The same without a look at SQLite's file, which the first [`migrate`](Self::migrate) makes: a file that cannot be
    /// used is an error of that, and it can be used as soon as the trouble is over.
    ///
    /// # Errors
    /// An unreadable or unusable root certificate; a path that is not UTF-8.
    pub fn open_when_used(url: &DatabaseUrl, options: StorageOptions) -> Result<Self, OpenError> {
        match url {
            DatabaseUrl::SqliteFile(path) => {
                Ok(Self(Database::Sqlite(Arc::new(SqliteDatabase::for_file(path, options)?))))
            }
            DatabaseUrl::Postgres(_) | DatabaseUrl::SqliteMemory => Self::open(url, options),
        }
    }

    /// Opens a database to read its history: nothing is created, and nothing is written. PostgreSQL is connected to by the first call.
    ///
    /// # Errors
    /// An unreadable or unusable root certificate; a file that does not exist or is not a database of this program.
    pub fn open_read_only(url: &DatabaseUrl, options: StorageOptions) -> Result<Self, OpenError> {
        Ok(Self(match url {
            DatabaseUrl::Postgres(url) => Database::Postgres(Arc::new(PostgresDatabase::open(url, options)?)),
            DatabaseUrl::SqliteFile(path) => Database::Sqlite(Arc::new(SqliteDatabase::open_read_only(path, options)?)),
            DatabaseUrl::SqliteMemory => {
                let reason = "a database in memory cannot be read by another process";
                return Err(OpenError::Client(reason.to_owned()));
            }
        }))
    }

    /// Brings the schema up to date, and where TimescaleDB is to be had makes `state_vectors` a hypertable and the
    /// hourly statistics continuous aggregates, whose policies are those of the options.
    /// Several processes may call it at once: they take turns.
    ///
    /// # Errors
    /// Told apart by who can act; see [`MigrateError`]. What was applied before an error stays.
    pub async fn migrate(&self) -> Result<Migrated, MigrateError> {
        self.migrate_and(SetPolicies::Yes).await
    }

    /// The same, but for policies that are there already: a command that is told of another retention than the server, or of
    /// none, must not have rows dropped that the server keeps.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate).
    pub async fn migrate_schema(&self) -> Result<Migrated, MigrateError> {
        self.migrate_and(SetPolicies::No).await
    }

    async fn migrate_and(&self, set: SetPolicies) -> Result<Migrated, MigrateError> {
        // Once in the life of a process, and large: not for its caller's own future.
        match &self.0 {
            Database::Postgres(database) => Box::pin(migrations::migrate_postgres(database, set)).await,
            Database::Sqlite(database) => Box::pin(migrations::migrate_sqlite(database)).await,
        }
    }

    /// The store of the actors, with a connection of its own; to be made in the thread that uses it.
    pub fn writer(&self) -> Writer {
        Writer(match &self.0 {
            Database::Postgres(database) => WriterOf::Postgres(Box::new(PostgresWriter::new(Arc::clone(database)))),
            Database::Sqlite(database) => WriterOf::Sqlite(SqliteWriter::new(Arc::clone(database))),
        })
    }

    /// Asks whether the database answers and has the schema.
    ///
    /// # Errors
    /// It does not, within [`StorageOptions::query_timeout`].
    pub async fn ping(&self) -> Result<(), QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.ping().await,
            Database::Sqlite(database) => database.ping().await,
        }
    }

    /// The connections for queries, at this moment.
    pub fn connections(&self) -> Connections {
        let status = match &self.0 {
            Database::Postgres(database) => database.pool.status(),
            Database::Sqlite(database) => database.pool.status(),
        };
        let idle = status.available.min(status.size);
        Connections { in_use: status.size - idle, idle, waiting: status.waiting, most: status.max_size }
    }

    /// What can be told at little cost.
    ///
    /// # Errors
    /// The database does not answer within [`StorageOptions::query_timeout`].
    pub async fn observe(&self) -> Result<StorageObservation, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.observe().await,
            Database::Sqlite(database) => database.observe().await,
        }
    }

    /// The jobs that the database runs by itself, on our tables: TimescaleDB's policies.
    ///
    /// # Errors
    /// The database does not answer within [`StorageOptions::query_timeout`], or the role may not read about them.
    pub async fn jobs(&self) -> Result<Vec<StoreJob>, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.jobs().await,
            Database::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// The states of one aircraft with `from` ≤ `last_contact` ≤ `to`, oldest first, at most `limit` of them.
    ///
    /// # Errors
    /// The database does not answer within [`StorageOptions::query_timeout`], or holds what is no state vector.
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

    /// For each distinct `time_position` of an aircraft the earliest state that has it, ordered by it.
    ///
    /// # Errors
    /// The database does not answer within [`StorageOptions::query_timeout`], or holds what is no state vector.
    pub async fn positions(&self, query: &PositionsQuery) -> Result<Vec<StateVector>, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.positions(query).await,
            Database::Sqlite(database) => database.positions(query).await,
        }
    }
}

impl Storage {
    /// Starts to read a history. It must be read on the same runtime, which should serve nothing else: it takes long, and
    /// with SQLite it blocks.
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
    /// Flights, in the order of first sight and aircraft.
    ///
    /// # Errors
    /// The database does not answer within [`StorageOptions::query_timeout`], or holds what is no flight.
    pub async fn flights(&self, query: &FlightQuery) -> Result<Vec<Flight>, QueryError> {
        match &self.0 {
            Database::Postgres(database) => database.flights(query).await,
            Database::Sqlite(database) => database.flights(query).await,
        }
    }

    /// The traffic of each hour that `from` … `to` touches, at most `limit` of them.
    ///
    /// # Errors
    /// The database does not answer within [`StorageOptions::query_timeout`].
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

    /// The traffic of each hour that `from` … `to` touches and each country, by hour, at most `limit` of them.
    ///
    /// # Errors
    /// The database does not answer within [`StorageOptions::query_timeout`].
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

    /// The traffic of each hour that `from` … `to` touches and each cell, by hour, at most `limit` of them.
    ///
    /// # Errors
    /// The database does not answer within [`StorageOptions::query_timeout`].
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

/// The actors' [`StateStore`], in either database.
#[derive(Debug)]
pub struct Writer(WriterOf);

#[derive(Debug)]
enum WriterOf {
    Postgres(Box<PostgresWriter>),
    Sqlite(SqliteWriter),
}

impl StateStore for Writer {
    async fn positions(&self, log: &LogId, partitions: &[i32]) -> Result<Vec<Position>, StoreError> {
        match &self.0 {
            WriterOf::Postgres(writer) => writer.positions(log, partitions).await,
            WriterOf::Sqlite(writer) => writer.positions(log, partitions).await,
        }
    }

    async fn store(&self, batch: &Batch, likely_new: &LikelyNew) -> Result<Stored, StoreError> {
        match &self.0 {
            WriterOf::Postgres(writer) => writer.store(batch, likely_new).await,
            WriterOf::Sqlite(writer) => writer.store(batch, likely_new).await,
        }
    }

    async fn maintain(&self) -> Result<Maintained, StoreError> {
        // A failure of one does not keep the other from its turn.
        let (expired, more) = match &self.0 {
            WriterOf::Postgres(writer) => (writer.expire().await, writer.summarize().await),
            WriterOf::Sqlite(writer) => (writer.expire().await, writer.summarize().await),
        };
        let expired = expired?;
        Ok(Maintained { more: more? || expired.more, ..expired })
    }

    fn reset(&self) {
        match &self.0 {
            WriterOf::Postgres(writer) => writer.reset(),
            WriterOf::Sqlite(writer) => writer.reset(),
        }
    }
}
