use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::PathBuf;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;
use url::Url;

use super::{Key, eventually, unique_name, variable};

/// A server's database, accessed directly by the tests.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite(PathBuf),
    Postgres(Url),
}

const ROWS_OF_POSTGRES: &str = "SELECT icao24, extract(epoch FROM last_contact)::bigint FROM state_vectors";
const POSITIONS: &str = "SELECT CAST(partition AS text) AS text, next_offset AS number
    FROM ingest_position WHERE topic NOT LIKE '%.polls' AND topic NOT LIKE '%.alerts'";

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl Database {
    /// Creates a database on the PostgreSQL server of `make test`.
    pub(crate) fn postgres() -> Self {
        Self::postgres_on(&variable("TEST_DATABASE_URL"))
    }

    /// Creates a database on this PostgreSQL server.
    pub(crate) fn postgres_on(server: &str) -> Self {
        let (server, name) = (Url::parse(server).unwrap(), unique_name());
        let mut url = server.clone();
        url.set_path(&name);
        Self::Postgres(server).execute(&format!("CREATE DATABASE {name}"));
        Self::Postgres(url)
    }

    /// Returns the database that a `DATABASE_URL` refers to.
    pub(crate) fn at(url: &str) -> Self {
        match url.strip_prefix("sqlite://") {
            Some(path) => Self::Sqlite(path.into()),
            None => Self::Postgres(Url::parse(url).unwrap()),
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(url) => url.to_string(),
        }
    }

    /// Runs SQL that returns no rows.
    pub(crate) fn execute(&self, sql: &str) {
        match self {
            Self::Sqlite(_) => drop(diesel::sql_query(sql).execute(&mut self.sqlite()).unwrap()),
            Self::Postgres(url) => with_postgres(url, async |client| client.batch_execute(sql).await.unwrap()),
        }
    }

    fn sqlite(&self) -> SqliteConnection {
        let Self::Sqlite(path) = self else { panic!("not SQLite") };
        let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        diesel::sql_query("PRAGMA busy_timeout = 10000").execute(&mut connection).unwrap();
        connection
    }

    /// Runs a query that returns pairs of text and number. Returns none if the tables do not exist yet.
    pub(crate) fn pairs(&self, sqlite: &str, postgres: &str) -> Vec<(String, i64)> {
        match self {
            Self::Sqlite(path) if !path.exists() => Vec::new(),
            Self::Sqlite(_) => match diesel::sql_query(sqlite).load::<Pair>(&mut self.sqlite()) {
                Ok(pairs) => pairs.into_iter().map(|p| (p.text, p.number)).collect(),
                Err(error) if error.to_string().starts_with("no such table") => Vec::new(),
                Err(error) => panic!("{error}: {sqlite}"),
            },
            Self::Postgres(url) => with_postgres(url, async |client| {
                match client.query(postgres, &[]).await {
                    Ok(rows) => rows.iter().map(|row| (row.get(0), row.get(1))).collect(),
                    Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Vec::new(),
                    // Expected while a test interrupts the database on purpose.
                    Err(error) if error.is_closed() || error.code().is_some_and(is_passing) => Vec::new(),
                    Err(error) => panic!("{error:?}: {postgres}"),
                }
            }),
        }
    }

    /// Returns the key of every stored row, and asserts that the keys are unique.
    pub(crate) fn rows(&self) -> BTreeSet<Key> {
        let sqlite = "SELECT icao24 AS text, last_contact AS number FROM state_vectors";
        let rows = self.pairs(sqlite, ROWS_OF_POSTGRES);
        let count = rows.len();
        let keys: BTreeSet<_> = rows.into_iter().collect();
        assert_eq!(keys.len(), count, "a row is stored twice");
        keys
    }

    /// Returns the next offset of state vectors to store, by partition.
    pub(crate) fn positions(&self) -> BTreeMap<i32, i64> {
        let pairs = self.pairs(POSITIONS, POSITIONS);
        pairs.into_iter().map(|(partition, offset)| (partition.parse().unwrap(), offset)).collect()
    }

    /// Waits until the database holds exactly these rows.
    pub(crate) fn wait_rows(&self, expected: &BTreeSet<Key>) {
        eventually(&format!("{} rows in the database", expected.len()), || {
            (self.rows().len() >= expected.len()).then_some(())
        });
        let rows = self.rows();
        let (missing, odd) = (expected.difference(&rows).count(), rows.difference(expected).count());
        assert_eq!((missing, odd), (0, 0), "missing rows and unexpected rows");
    }

    /// Waits until the database holds more than `rows` rows.
    pub(crate) fn wait_more_than(&self, rows: usize) {
        eventually(&format!("more than {rows} rows"), || (self.rows().len() > rows).then_some(()));
    }
}

/// Returns whether an error is transient: the server is stopping or starting, or the statement was canceled.
fn is_passing(code: &SqlState) -> bool {
    [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::QUERY_CANCELED,
        SqlState::T_R_DEADLOCK_DETECTED,
    ]
    .contains(code)
}

fn with_postgres<T>(url: &Url, work: impl AsyncFnOnce(&tokio_postgres::Client) -> T) -> T {
    block_on(async {
        let (client, connection) = tokio_postgres::connect(url.as_str(), NoTls).await.unwrap();
        // Ends when the client is dropped.
        let driver = tokio::spawn(connection);
        let result = work(&client).await;
        drop(client);
        let _ = driver.await;
        result
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
