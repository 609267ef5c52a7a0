//! Creates a fresh database for each test.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diesel::Connection;
use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::MigrationHarness;
use flight_monitor::storage::{
    DatabaseUrl, Hypertable, POSTGRES_MIGRATIONS, SQLITE_MIGRATIONS, Storage, StorageOptions,
};
use tokio::sync::OnceCell;
use tokio_postgres::NoTls;
use url::Url;

/// Returns the versions of the migrations in order. They are the same for both databases.
pub(crate) fn migrations() -> Vec<String> {
    fn versions<DB: Backend>(source: &impl MigrationSource<DB>) -> Vec<String> {
        let migrations = source.migrations().unwrap();
        let mut versions: Vec<_> = migrations.iter().map(|migration| migration.name().version().to_string()).collect();
        versions.sort();
        versions
    }
    let versions_of_postgres = versions::<Pg>(&POSTGRES_MIGRATIONS);
    assert_eq!(versions_of_postgres, versions::<diesel::sqlite::Sqlite>(&SQLITE_MIGRATIONS));
    versions_of_postgres
}

/// An empty database, and what the tests do to it without going through the storage.
pub(crate) trait TestDatabase: Sized + 'static {
    /// Whether the program itself maintains the hourly traffic and enforces the retention, rather than the database.
    const KEEPS_TRAFFIC: bool = true;

    async fn new() -> Self;

    fn storage_with(&self, options: StorageOptions) -> Storage;

    fn storage(&self) -> Storage {
        self.storage_with(StorageOptions::default())
    }

    /// Runs SQL that returns nothing.
    async fn execute(&self, sql: &str);

    /// Returns the number of rows in a table.
    async fn count(&self, table: &str) -> i64;

    /// Makes the database reject every row with this callsign. SQLite inserts one such row first.
    async fn refuse_callsign(&self, callsign: &str);

    /// Reverts the last migration, or all of them.
    async fn revert(&self, all: bool);

    /// Creates a database and applies the migrations.
    async fn migrated() -> (Self, Storage) {
        let database = Self::new().await;
        let storage = database.storage();
        storage.migrate().await.unwrap();
        (database, storage)
    }
}

fn variable(name: &str) -> Url {
    let text = std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests by `make test`"));
    Url::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("fm_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Returns the URL of the same database with this `search_path`.
fn in_schema(server: &Url, schemas: &str) -> Url {
    let mut url = server.clone();
    url.set_query(Some(&format!("options=-csearch_path%3D{schemas}")));
    url
}

/// PostgreSQL, with a separate database for each test.
pub(crate) struct Postgres {
    pub(crate) url: Url,
    server: Url,
    /// The SQL that removes this test's database or schema on drop.
    drop_by: String,
}

impl Postgres {
    /// Creates a database with these options.
    pub(crate) async fn with(options: &str) -> Self {
        let server = variable("TEST_DATABASE_URL");
        let name = unique_name();
        let mut url = server.clone();
        url.set_path(&name);
        connect(&server).await.batch_execute(&format!("CREATE DATABASE {name} {options}")).await.unwrap();
        Self { url, server, drop_by: format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)") }
    }

    /// Connects a client that does not go through the storage.
    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        connect(&self.url).await
    }

    /// Applies the migrations and nothing more, as on a server without TimescaleDB.
    pub(crate) async fn make_tables(&self) {
        let url = self.url.to_string();
        tokio::task::spawn_blocking(move || {
            let mut connection = AsyncConnectionWrapper::<AsyncPgConnection>::establish(&url).unwrap();
            connection.run_pending_migrations(POSTGRES_MIGRATIONS).unwrap();
        })
        .await
        .unwrap();
    }

    async fn revert_migrations(&self, all: bool) {
        let url = self.url.to_string();
        tokio::task::spawn_blocking(move || {
            let mut connection = AsyncConnectionWrapper::<AsyncPgConnection>::establish(&url).unwrap();
            if all {
                connection.revert_all_migrations(POSTGRES_MIGRATIONS).unwrap();
            } else {
                connection.revert_last_migration(POSTGRES_MIGRATIONS).unwrap();
            }
        })
        .await
        .unwrap();
    }
}

async fn connect(url: &Url) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url.as_str(), NoTls).await.unwrap();
    tokio::spawn(async move { connection.await.unwrap_or(()) });
    client
}

impl TestDatabase for Postgres {
    async fn new() -> Self {
        Self::with("").await
    }

    fn storage_with(&self, options: StorageOptions) -> Storage {
        Storage::open(&DatabaseUrl::from_str(self.url.as_str()).unwrap(), options).unwrap()
    }

    async fn execute(&self, sql: &str) {
        self.client().await.batch_execute(sql).await.unwrap();
    }

    async fn count(&self, table: &str) -> i64 {
        self.client().await.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
    }

    async fn refuse_callsign(&self, callsign: &str) {
        let check = format!(
            "ALTER TABLE state_vectors_scaled ADD CONSTRAINT no_such_callsign CHECK (callsign <> '{callsign}')"
        );
        self.execute(&check).await;
    }

    async fn revert(&self, all: bool) {
        self.revert_migrations(all).await;
    }
}

impl Drop for Postgres {
    /// Cleans up in a separate thread with its own runtime, because the runtime of the test is blocked by the drop.
    fn drop(&mut self) {
        let (server, sql) = (self.server.clone(), self.drop_by.clone());
        let cleaner = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let cleaning = async { connect(&server).await.batch_execute(&sql).await };
                let _ = tokio::time::timeout(Duration::from_secs(30), cleaning).await;
            });
        });
        let _ = cleaner.join();
    }
}

/// TimescaleDB, with a separate schema for each test, because the test user cannot create databases. The extension is
/// installed in `public`, by the first test's migration.
pub(crate) struct Timescale(pub(crate) Postgres);

impl TestDatabase for Timescale {
    const KEEPS_TRAFFIC: bool = false;

    async fn new() -> Self {
        static EXTENSION: OnceCell<()> = OnceCell::const_new();
        let server = variable("TEST_TIMESCALE_URL");
        EXTENSION
            .get_or_init(|| async {
                // The tables must not stay in `public`, where they would be found whenever a test's own table is
                // missing.
                let public =
                    Postgres { url: in_schema(&server, "public"), server: server.clone(), drop_by: ";".into() };
                let migrated = public.storage().migrate().await.unwrap();
                public.revert(true).await;
                assert_ne!(migrated.hypertable, Hypertable::NotAvailable, "TEST_TIMESCALE_URL has no TimescaleDB");
            })
            .await;
        let name = unique_name();
        connect(&server).await.batch_execute(&format!("CREATE SCHEMA {name}")).await.unwrap();
        let url = in_schema(&server, &format!("{name},public"));
        Self(Postgres { url, server, drop_by: format!("DROP SCHEMA {name} CASCADE") })
    }

    fn storage_with(&self, options: StorageOptions) -> Storage {
        self.0.storage_with(options)
    }

    async fn execute(&self, sql: &str) {
        self.0.execute(sql).await;
    }

    async fn count(&self, table: &str) -> i64 {
        self.0.count(table).await
    }

    async fn refuse_callsign(&self, callsign: &str) {
        self.0.refuse_callsign(callsign).await;
    }

    async fn revert(&self, all: bool) {
        self.0.revert(all).await;
    }
}

/// SQLite, with a separate file for each test, in a folder that does not exist yet.
pub(crate) struct Sqlite {
    pub(crate) path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Sqlite {
    pub(crate) fn client(&self) -> SqliteConnection {
        let mut connection = SqliteConnection::establish(self.path.to_str().unwrap()).unwrap();
        connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        connection
    }
}

impl TestDatabase for Sqlite {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { path: folder.path().join("not/there/yet/flights.db"), _folder: folder }
    }

    fn storage_with(&self, options: StorageOptions) -> Storage {
        Storage::open(&DatabaseUrl::SqliteFile(self.path.clone()), options).unwrap()
    }

    async fn execute(&self, sql: &str) {
        self.client().batch_execute(sql).unwrap();
    }

    async fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) AS value FROM {table}");
        diesel::sql_query(sql).get_result::<Scalar>(&mut self.client()).unwrap().value
    }

    /// SQLite cannot add a constraint to a table. A unique index rejects the callsign instead, as one row already has
    /// it.
    async fn refuse_callsign(&self, callsign: &str) {
        self.execute(&format!(
            "INSERT INTO state_vectors_scaled (icao24, last_contact, callsign) VALUES ('ffffff', 0, '{callsign}');
             CREATE UNIQUE INDEX no_such_callsign ON state_vectors_scaled (callsign) WHERE callsign = '{callsign}';"
        ))
        .await;
    }

    async fn revert(&self, all: bool) {
        let mut connection = self.client();
        if all {
            connection.revert_all_migrations(SQLITE_MIGRATIONS).unwrap();
        } else {
            connection.revert_last_migration(SQLITE_MIGRATIONS).unwrap();
        }
    }
}

#[derive(QueryableByName)]
struct Scalar {
    #[diesel(sql_type = BigInt)]
    value: i64,
}
