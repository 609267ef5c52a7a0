//! The database as seen by another client.

use anyhow::Context;
use tokio::runtime::Runtime;
use tokio_postgres::types::{FromSqlOwned, ToSql};
use tokio_postgres::{Client, NoTls, Statement};
use url::Url;

/// A separate database for one run of the server.
pub struct Database {
    pub url: Url,
    connection: Connection,
}

/// A blocking connection.
pub struct Connection {
    client: Client,
    runtime: Runtime,
}

impl Database {
    /// Creates an empty database in the server of `TEST_DATABASE_URL`.
    pub fn create(name: &str) -> anyhow::Result<Self> {
        let variable = std::env::var("TEST_DATABASE_URL").context("TEST_DATABASE_URL is not set: use `make`")?;
        let server: Url = variable.parse()?;
        let administration = Connection::to(&server)?;
        administration.execute(&format!("DROP DATABASE IF EXISTS {name}"))?;
        administration.execute(&format!("CREATE DATABASE {name}"))?;
        let mut url = server;
        url.set_path(name);
        let connection = Connection::to(&url)?;
        Ok(Self { url, connection })
    }

    pub fn version(&self) -> anyhow::Result<String> {
        self.value("SHOW server_version")
    }

    /// Returns the number of rows; 0 if the server has not created the table yet.
    pub fn rows(&self) -> i64 {
        self.value("SELECT count(*) FROM state_vectors").unwrap_or(0)
    }

    /// Returns the first value of a query's only row.
    pub fn value<T: FromSqlOwned>(&self, query: &str) -> anyhow::Result<T> {
        let Connection { client, runtime } = &self.connection;
        Ok(runtime.block_on(client.query_one(query, &[]))?.try_get(0)?)
    }

    /// Returns every stored (icao24, last_contact), sorted.
    pub fn stored(&self) -> anyhow::Result<Vec<(u32, i64)>> {
        let Connection { client, runtime } = &self.connection;
        let query = "SELECT icao24, extract(epoch FROM last_contact)::bigint FROM state_vectors ORDER BY 1, 2";
        let rows = runtime.block_on(client.query(query, &[]))?;
        rows.iter().map(|row| Ok((u32::from_str_radix(row.get(0), 16)?, row.get(1)))).collect()
    }
}

impl Connection {
    pub fn to(url: &Url) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (client, connection) = runtime.block_on(tokio_postgres::connect(url.as_str(), NoTls))?;
        runtime.spawn(connection);
        Ok(Self { client, runtime })
    }

    pub fn prepare(&self, query: &str) -> anyhow::Result<Statement> {
        Ok(self.runtime.block_on(self.client.prepare(query))?)
    }

    /// Returns the first value of a statement's only row.
    pub fn value<T: FromSqlOwned>(
        &self,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> anyhow::Result<T> {
        Ok(self.runtime.block_on(self.client.query_one(statement, parameters))?.try_get(0)?)
    }

    fn execute(&self, sql: &str) -> anyhow::Result<()> {
        Ok(self.runtime.block_on(self.client.batch_execute(sql))?)
    }
}
