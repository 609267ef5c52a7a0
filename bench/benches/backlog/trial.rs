//! Runs a server that stores the whole topic.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;

use crate::database::Postgres;
use crate::figures::{Figures, Way};
use crate::topic::Topic;
use crate::ways_in;
use bench::server::Server;

/// The figures of a server that has stored the topic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    /// Number of messages stored after the first check that found any stored.
    pub(crate) messages: i64,
    /// The time that storing these messages took.
    pub(crate) elapsed: Duration,
    /// User and system time of the server during that time.
    pub(crate) cpu: Duration,
    /// Time from process start until everything was stored.
    pub(crate) since_start: Duration,
    /// Resident memory in KiB: the peak here, and below the value when half of the messages were stored.
    pub(crate) peak: u64,
    pub(crate) halfway: u64,
}

const STORED: &str = "SELECT coalesce(sum(next_offset), 0)::bigint AS value FROM ingest_position";
const ROWS: &str = "SELECT count(*) FROM state_vectors_scaled";
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Maximum time to store the topic; a slower server is not worth measuring.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Measures the backlog on PostgreSQL, with new and with duplicate rows, and the other ways to insert them.
pub(crate) fn on_postgres(topic: &Topic, figures: &mut Figures) -> anyhow::Result<()> {
    let mut database = Postgres::create()?;
    figures.server = Some(format!("PostgreSQL {}", database.version()?));
    let url = database.url.to_string();
    let stored = store(topic, &url, &mut || database.number(STORED))?;
    ensure!(
        database.number(ROWS)? == i64::try_from(topic.messages)?,
        "the number of rows differs from the number of messages"
    );
    figures.add(Way::Backlog, stored);

    let pieces = ways_in::encoded(&database)?;
    database.execute("DELETE FROM ingest_position; CHECKPOINT")?;
    let stored = store(topic, &url, &mut || database.number(STORED))?;
    ensure!(database.number(ROWS)? == i64::try_from(topic.messages)?, "a duplicate was stored");
    figures.add(Way::Duplicates, stored);

    database.execute("TRUNCATE state_vectors_scaled; CHECKPOINT")?;
    let elapsed = ways_in::copy(&mut database, &pieces)?;
    figures.add_other(Way::Copy, topic.messages, elapsed);

    database.execute("TRUNCATE state_vectors_scaled; CHECKPOINT")?;
    let (rows, elapsed) = ways_in::insert(&mut database, topic.messages / 4)?;
    figures.add_other(Way::Insert, rows, elapsed);
    Ok(())
}

/// Measures the backlog on SQLite, into a new file.
pub(crate) fn on_sqlite(topic: &Topic, figures: &mut Figures) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("flights.db");
    let mut connection = None;
    let mut look = || look_into(&file, &mut connection);
    let stored = store(topic, &format!("sqlite://{}", file.display()), &mut look)?;
    figures.add(Way::Sqlite, stored);
    Ok(())
}

#[derive(QueryableByName)]
struct Scalar {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

/// Returns the number of messages stored in the file; 0 if the server has not created its tables yet.
fn look_into(file: &Path, connection: &mut Option<SqliteConnection>) -> anyhow::Result<i64> {
    if !file.exists() {
        return Ok(0);
    }
    if connection.is_none() {
        let mut opened = SqliteConnection::establish(file.to_str().context("the path is not UTF-8")?)?;
        opened.batch_execute("PRAGMA busy_timeout = 5000")?;
        *connection = Some(opened);
    }
    let connection = connection.as_mut().context("no connection")?;
    let sql = "SELECT coalesce(sum(next_offset), 0) AS value FROM ingest_position";
    Ok(diesel::sql_query(sql).get_result::<Scalar>(connection).map_or(0, |row| row.value))
}

/// Makes a server store the topic, checking its progress with `look`.
fn store(topic: &Topic, url: &str, look: &mut dyn FnMut() -> anyhow::Result<i64>) -> anyhow::Result<Stored> {
    let all = i64::try_from(topic.messages)?;
    let server = Server::start(&[], &topic.settings(url))?;
    let mut first = None;
    let mut halfway = 0;
    loop {
        let (stored, now) = (look()?, Instant::now());
        let cpu = server.cpu()?;
        if stored > 0 && first.is_none() {
            first = Some((stored, now, cpu));
        }
        if stored >= all / 2 && halfway == 0 {
            halfway = server.memory()?.resident;
        }
        if stored >= all {
            let (before, began, cpu_before) = first.context("everything was stored before the second measurement")?;
            let outcome = Stored {
                messages: all - before,
                elapsed: now - began,
                cpu: cpu - cpu_before,
                since_start: now - server.started,
                peak: server.peak_memory()?,
                halfway,
            };
            server.stop()?;
            return Ok(outcome);
        }
        if server.started.elapsed() > TIMEOUT {
            bail!("{stored} of {all} messages were stored; end of the server's log:\n{}", server.log());
        }
        crate::figures::pause(POLL_INTERVAL);
    }
}
