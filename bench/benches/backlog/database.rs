//! The database as seen by another client.

use std::str::FromStr;

use anyhow::Context;
use flight_monitor::storage::{DatabaseUrl, Storage, StorageOptions};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};
use url::Url;

/// A temporary PostgreSQL database with the server's tables. Dropping it drops the database.
pub(crate) struct Postgres {
    pub(crate) url: Url,
    pub(crate) client: Client,
    pub(crate) runtime: Runtime,
    server: Url,
    name: String,
}

impl Postgres {
    /// Creates the database on the server in `BENCH_DATABASE_URL`, or else in `TEST_DATABASE_URL`.
    pub(crate) fn create() -> anyhow::Result<Self> {
        let variable = std::env::var("BENCH_DATABASE_URL").or_else(|_| std::env::var("TEST_DATABASE_URL"));
        let server: Url = variable.context("TEST_DATABASE_URL is not set: use `make bench-backlog`")?.parse()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let name = format!("fm_bench_{}", std::process::id());
        let administrator = connect(&runtime, &server)?;
        runtime.block_on(administrator.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")))?;
        runtime.block_on(administrator.batch_execute(&format!("CREATE DATABASE {name}")))?;
        let mut url = server.clone();
        url.set_path(&name);
        migrate(&runtime, &url)?;
        let client = connect(&runtime, &url)?;
        Ok(Self { url, client, runtime, server, name })
    }

    pub(crate) fn execute(&self, sql: &str) -> anyhow::Result<()> {
        Ok(self.runtime.block_on(self.client.batch_execute(sql))?)
    }

    /// Returns the only value of a query.
    pub(crate) fn number(&self, sql: &str) -> anyhow::Result<i64> {
        Ok(self.runtime.block_on(self.client.query_one(sql, &[]))?.try_get(0)?)
    }

    pub(crate) fn version(&self) -> anyhow::Result<String> {
        Ok(self.runtime.block_on(self.client.query_one("SHOW server_version", &[]))?.try_get(0)?)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        if let Ok(administrator) = connect(&self.runtime, &self.server) {
            // If the server is gone, so is the database.
            let _ = self.runtime.block_on(administrator.batch_execute(&drop));
        }
    }
}

pub(crate) fn connect(runtime: &Runtime, url: &Url) -> anyhow::Result<Client> {
    let (client, connection) = runtime.block_on(tokio_postgres::connect(url.as_str(), NoTls))?;
    runtime.spawn(connection);
    Ok(client)
}

/// Creates the server's tables and returns the storage.
pub(crate) fn migrate(runtime: &Runtime, url: &Url) -> anyhow::Result<Storage> {
    let storage = Storage::open(&DatabaseUrl::from_str(url.as_str())?, StorageOptions::default())?;
    runtime.block_on(storage.migrate())?;
    Ok(storage)
}
