//! A server that stores the whole topic.

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

/// What a server did with the topic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    /// Messages from the first look that found any of them stored to the last.
    pub(crate) messages: i64,
    /// The time that they took.
    pub(crate) elapsed: Duration,
    /// User and system time of the server meanwhile.
    pub(crate) cpu: Duration,
    /// From the start of the process until everything was stored.
    pub(crate) since_start: Duration,
    /// The most memory that it had, and what it had when a half was stored, in KiB.
    pub(crate) peak: u64,
    pub(crate) halfway: u64,
}

const STORED: &str = "SELECT coalesce(sum(next_offset), 0)::bigint AS value FROM ingest_position";
const ROWS: &str = "SELECT count(*) FROM state_vectors";
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A server that stores slower than this is of no use to measure.
const PATIENCE: Duration = Duration::from_secs(300);

/// The backlog, new and known, beside the other ways in.
pub(crate) fn on_postgres(topic: &Topic, figures: &mut Figures) -> anyhow::Result<()> {
    let mut database = Postgres::create()?;
    figures.server = Some(format!("PostgreSQL {}", database.version()?));
    let url = database.url.to_string();
    let stored = store(topic, &url, &mut || database.number(STORED))?;
    ensure!(database.number(ROWS)? == i64::try_from(topic.messages)?, "not every message is a row");
    figures.add(Way::Backlog, stored);

    let pieces = ways_in::encoded(&database)?;
    database.execute("DELETE FROM ingest_position; CHECKPOINT")?;
    let stored = store(topic, &url, &mut || database.number(STORED))?;
    ensure!(database.number(ROWS)? == i64::try_from(topic.messages)?, "a duplicate was stored");
    figures.add(Way::Duplicates, stored);

    database.execute("TRUNCATE state_vectors; CHECKPOINT")?;
    let elapsed = ways_in::copy(&mut database, &pieces)?;
    figures.add_other(Way::Copy, topic.messages, elapsed);

    database.execute("TRUNCATE state_vectors; CHECKPOINT")?;
    let (rows, elapsed) = ways_in::insert(&mut database, topic.messages / 4)?;
    figures.add_other(Way::Insert, rows, elapsed);
    Ok(())
}

/// The backlog into a new file.
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

/// How far the file is; nothing before the server has made its tables.
fn look_into(file: &Path, connection: &mut Option<SqliteConnection>) -> anyhow::Result<i64> {
    if !file.exists() {
        return Ok(0);
    }
    if connection.is_none() {
        let mut opened = SqliteConnection::establish(file.to_str().context("a path that is no text")?)?;
        opened.batch_execute("PRAGMA busy_timeout = 5000")?;
        *connection = Some(opened);
    }
    let connection = connection.as_mut().context("no connection")?;
    let sql = "SELECT coalesce(sum(next_offset), 0) AS value FROM ingest_position";
    Ok(diesel::sql_query(sql).get_result::<Scalar>(connection).map_or(0, |row| row.value))
}

/// Has a server store the topic, and looks how far it is.
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
            let (before, began, cpu_before) = first.context("everything at one look")?;
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
        if server.started.elapsed() > PATIENCE {
            bail!("{stored} of {all} messages were stored; the server's log ends\n{}", server.log());
        }
        crate::figures::pause(LOOK_EVERY);
    }
}
