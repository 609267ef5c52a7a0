//! The filled databases. PostgreSQL and TimescaleDB keep the rows between runs, since filling takes minutes.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bench::server;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};
use url::Url;

use crate::rows::{Rows, Table};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Postgres,
    Timescale,
    Sqlite,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Postgres, Self::Timescale, Self::Sqlite];

    pub(crate) fn argument(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Timescale => "timescale",
            Self::Sqlite => "sqlite",
        }
    }

    pub(crate) fn arguments() -> String {
        Self::ALL.map(Self::argument).join(", ")
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Timescale => "TimescaleDB, compressed",
            Self::Sqlite => "SQLite",
        }
    }

    /// Returns the number of rows, the hours that they are spread over, and the seconds between two polls. The test
    /// services' TimescaleDB is a WebAssembly build that keeps everything in memory.
    pub(crate) fn size(self) -> (i64, i64, i64) {
        match self {
            Self::Postgres => (100_000_000, 30 * 24, 45),
            Self::Timescale => (1_000_000, 24, 45),
            Self::Sqlite => (5_000_000, 24, 45),
        }
    }
}

/// A database with all rows.
pub(crate) struct Filled {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    pub(crate) rows: Rows,
    /// The size of a row, in words.
    pub(crate) size: String,
    /// The server's version.
    pub(crate) version: String,
    /// How long filling took; `None` if the rows were there.
    pub(crate) took: Option<Duration>,
    /// SQLite's folder, which is deleted at the end.
    _folder: Option<TempDir>,
}

/// The name of the database on PostgreSQL and of the schema on TimescaleDB. The rows for another build of the server
/// are kept apart, since it may have another schema.
fn name() -> String {
    let other = std::env::var_os("BENCH_SERVER").map_or("", |_| "_other");
    format!("flight_monitor_bench_history{other}")
}

/// Fills a database, unless it has the rows already.
pub(crate) fn fill(kind: Kind, rows: Rows) -> anyhow::Result<Filled> {
    match kind {
        Kind::Sqlite => fill_sqlite(rows),
        Kind::Postgres | Kind::Timescale => fill_postgres(kind, rows),
    }
}

/// Creates the tables of the measured build of the server.
fn migrate(url: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(server::program()?);
    command.arg("migrate").current_dir(&folder).env_clear().env("DATABASE_URL", url).stdin(Stdio::null());
    let output = command.output()?;
    ensure!(output.status.success(), "migrate failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Prints progress about every ten percent.
fn execute_all(
    inserts: impl Iterator<Item = String>,
    rows: Rows,
    mut execute: impl FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let inserts: Vec<_> = inserts.collect();
    for (i, insert) in inserts.iter().enumerate() {
        execute(insert)?;
        if (i + 1) % inserts.len().div_ceil(10) == 0 {
            let part = (i + 1) as f64 / inserts.len() as f64;
            eprintln!("  {:.0} million rows after {:.0?}", rows.count() as f64 * part / 1e6, began.elapsed());
        }
    }
    Ok(())
}

struct Postgres {
    client: Client,
    runtime: Runtime,
}

impl Postgres {
    fn connect(url: &Url) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (client, connection) = runtime.block_on(tokio_postgres::connect(url.as_str(), NoTls))?;
        runtime.spawn(connection);
        Ok(Self { client, runtime })
    }

    fn execute(&self, sql: &str) -> anyhow::Result<()> {
        Ok(self.runtime.block_on(self.client.batch_execute(sql))?)
    }

    fn one<T: for<'a> tokio_postgres::types::FromSql<'a>>(&self, sql: &str) -> anyhow::Result<T> {
        Ok(self.runtime.block_on(self.client.query_one(sql, &[]))?.try_get(0)?)
    }

    /// Returns the rows that an earlier run left; `None` if they are others.
    fn kept(&self, wanted: Rows) -> Option<Rows> {
        let found = self.runtime.block_on(self.client.query_one("SELECT * FROM bench_rows", &[])).ok()?;
        let [aircraft, polls, every, start] = [0, 1, 2, 3].map(|column| found.try_get(column).ok());
        let kept = Rows { aircraft: aircraft?, polls: polls?, every: every?, start: start? };
        (Rows { start: wanted.start, ..kept } == wanted).then_some(kept)
    }
}

fn fill_postgres(kind: Kind, wanted: Rows) -> anyhow::Result<Filled> {
    let (own, test) = match kind {
        Kind::Timescale => ("BENCH_TIMESCALE_URL", "TEST_TIMESCALE_URL"),
        _ => ("BENCH_DATABASE_URL", "TEST_DATABASE_URL"),
    };
    let server = std::env::var(own).or_else(|_| std::env::var(test));
    let server: Url = server.with_context(|| format!("{test} is not set: use `make bench-history`"))?.parse()?;
    let (mut url, name) = (server.clone(), name());
    match kind {
        // `CREATE DATABASE` does not work on the WebAssembly build.
        Kind::Timescale => url.set_query(Some(&format!("options=-csearch_path%3D{name},public"))),
        _ => url.set_path(&name),
    }
    let kept = Postgres::connect(&url).ok().and_then(|postgres| postgres.kept(wanted));
    let (rows, took) = match kept {
        Some(rows) => (rows, None),
        None => {
            let administrator = Postgres::connect(&server)?;
            let object = if kind == Kind::Timescale { "SCHEMA" } else { "DATABASE" };
            let cascade = if kind == Kind::Timescale { "CASCADE" } else { "WITH (FORCE)" };
            administrator.execute(&format!("DROP {object} IF EXISTS {name} {cascade}"))?;
            administrator.execute(&format!("CREATE {object} {name}"))?;
            let began = Instant::now();
            migrate(url.as_str())?;
            fill_tables(&Postgres::connect(&url)?, kind, wanted)?;
            (wanted, Some(began.elapsed()))
        }
    };
    let postgres = Postgres::connect(&url)?;
    let size = if kind == Kind::Timescale { hypertable_size(&postgres, rows)? } else { table_size(&postgres, rows)? };
    let version = postgres.one("SELECT 'PostgreSQL ' || current_setting('server_version')")?;
    Ok(Filled { kind, url: url.into(), rows, size, version, took, _folder: None })
}

fn is_scaled(postgres: &Postgres) -> anyhow::Result<bool> {
    postgres.one("SELECT to_regclass('state_vectors_scaled') IS NOT NULL")
}

fn fill_tables(postgres: &Postgres, kind: Kind, rows: Rows) -> anyhow::Result<()> {
    eprintln!("filling {} with {} rows …", kind.name(), rows.count());
    let table = if is_scaled(postgres)? { Table::ScaledPostgres } else { Table::Postgres };
    let name = if table == Table::ScaledPostgres { "state_vectors_scaled" } else { "state_vectors" };
    if kind == Kind::Timescale {
        // As the server does, without a policy, whose jobs would compress or drop chunks during the measurement.
        postgres.execute(&format!(
            "ALTER TABLE {name} SET (timescaledb.compress, timescaledb.compress_segmentby = '',
                timescaledb.compress_orderby = 'icao24, last_contact')"
        ))?;
    } else {
        postgres.execute(&format!("ALTER TABLE {name} DROP CONSTRAINT {name}_pkey"))?;
    }
    postgres.execute(&rows.aircraft())?;
    execute_all(rows.inserts(table), rows, |insert| postgres.execute(insert))?;
    if kind == Kind::Timescale {
        postgres.execute(&format!("SELECT compress_chunk(chunk) FROM show_chunks('{name}') AS chunk"))?;
    } else {
        postgres.execute("SET maintenance_work_mem = '1GB'")?;
        postgres.execute(&format!("ALTER TABLE {name} ADD PRIMARY KEY (icao24, last_contact)"))?;
    }
    if postgres.one("SELECT relkind = 'r' FROM pg_class WHERE oid = 'traffic_by_cell'::regclass")? {
        for statement in table.summarize() {
            postgres.execute(&statement)?;
        }
        postgres.execute("DROP TABLE bench_traffic")?;
    } else {
        for aggregate in ["traffic_by_cell", "traffic_by_country"] {
            postgres.execute(&format!("CALL refresh_continuous_aggregate('{aggregate}', NULL, NULL)"))?;
        }
    }
    postgres.execute(if kind == Kind::Timescale { "ANALYZE" } else { "VACUUM ANALYZE" })?;
    let Rows { aircraft, polls, every, start } = rows;
    postgres.execute(&format!(
        "CREATE TABLE bench_rows AS
        SELECT {aircraft}::bigint AS aircraft, {polls}::bigint AS polls, {every}::bigint AS every, {start}::bigint AS start"
    ))
}

fn table_size(postgres: &Postgres, rows: Rows) -> anyhow::Result<String> {
    let name = if is_scaled(postgres)? { "state_vectors_scaled" } else { "state_vectors" };
    let bytes = |what: &str| {
        let bytes: i64 = postgres.one(&format!("SELECT pg_relation_size('{name}{what}')"))?;
        Ok::<_, anyhow::Error>(bytes as f64 / rows.count() as f64)
    };
    let (table, key) = (bytes("")?, bytes("_pkey")?);
    Ok(format!("{:.1} B: {table:.1} and its primary key, built at the end, {key:.1}", table + key))
}

fn hypertable_size(postgres: &Postgres, rows: Rows) -> anyhow::Result<String> {
    let name = if is_scaled(postgres)? { "state_vectors_scaled" } else { "state_vectors" };
    let bytes = |column: &str| {
        let sum = format!("SELECT sum({column})::bigint FROM hypertable_compression_stats('{name}')");
        Ok::<_, anyhow::Error>(postgres.one::<i64>(&sum)? as f64 / rows.count() as f64)
    };
    let (before, after) = (bytes("before_compression_total_bytes")?, bytes("after_compression_total_bytes")?);
    Ok(format!("{after:.1} B, {before:.1} before compression"))
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

fn fill_sqlite(rows: Rows) -> anyhow::Result<Filled> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("history.db");
    let url = format!("sqlite://{}", path.display());
    eprintln!("filling SQLite with {} rows …", rows.count());
    let began = Instant::now();
    migrate(&url)?;
    let mut connection = SqliteConnection::establish(&path.display().to_string())?;
    connection.batch_execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144")?;
    let number = |connection: &mut SqliteConnection, sql: &str| {
        Ok::<_, anyhow::Error>(diesel::sql_query(sql).get_result::<Number>(connection)?.value)
    };
    let scaled = "SELECT count(*) AS value FROM sqlite_schema WHERE name = 'state_vectors_scaled'";
    let table = if number(&mut connection, scaled)? > 0 { Table::ScaledSqlite } else { Table::Sqlite };
    connection.batch_execute(&rows.aircraft())?;
    execute_all(rows.inserts(table), rows, |insert| Ok(connection.batch_execute(insert)?))?;
    let size = "SELECT page_count * page_size AS value FROM pragma_page_count(), pragma_page_size()";
    let size = number(&mut connection, size)? as f64 / rows.count() as f64;
    for statement in table.summarize() {
        connection.batch_execute(&statement)?;
    }
    connection.batch_execute("DROP TABLE bench_traffic; ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")?;
    let took = Some(began.elapsed());
    let (size, version) = (format!("{size:.1} B with its indexes"), "SQLite".to_owned());
    Ok(Filled { kind: Kind::Sqlite, url, rows, size, version, took, _folder: Some(folder) })
}
