//! The database as seen by another client.

use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};
use url::Url;

use crate::client::pause;
use crate::source::Answer;

/// A separate database for one trial.
pub(crate) struct Database {
    pub(crate) url: Url,
    connection: Connection,
}

struct Connection {
    client: Client,
    runtime: Runtime,
}

/// Polls the database to record when the rows of each poll become visible.
pub(crate) struct RowWatch {
    polls: Sender<Poll>,
    thread: JoinHandle<anyhow::Result<Vec<Duration>>>,
}

struct Poll {
    answer: Answer,
    rows: i64,
}

/// Pause between two queries, long enough that their cost does not distort the measurement.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

impl Database {
    pub(crate) fn create(name: &str) -> anyhow::Result<Self> {
        let variable = std::env::var("TEST_DATABASE_URL").context("TEST_DATABASE_URL is not set: use `make bench`")?;
        let server: Url = variable.parse()?;
        let administration = Connection::to(&server)?;
        administration.execute(&format!("DROP DATABASE IF EXISTS {name}"))?;
        administration.execute(&format!("CREATE DATABASE {name}"))?;
        let mut url = server;
        url.set_path(name);
        let connection = Connection::to(&url)?;
        Ok(Self { url, connection })
    }

    pub(crate) fn version(&self) -> anyhow::Result<String> {
        let Connection { client, runtime } = &self.connection;
        Ok(runtime.block_on(client.query_one("SHOW server_version", &[]))?.get(0))
    }

    /// Returns the number of rows; 0 if the server has not created the table yet.
    pub(crate) fn rows(&self) -> i64 {
        let Connection { client, runtime } = &self.connection;
        let count = runtime.block_on(client.query_one("SELECT count(*) FROM state_vectors", &[]));
        count.map_or(0, |row| row.get(0))
    }

    /// Returns every stored (icao24, last_contact), sorted.
    pub(crate) fn stored(&self) -> anyhow::Result<Vec<(u32, i64)>> {
        let Connection { client, runtime } = &self.connection;
        let query = "SELECT icao24, extract(epoch FROM last_contact)::bigint FROM state_vectors ORDER BY 1, 2";
        let rows = runtime.block_on(client.query(query, &[]))?;
        rows.iter().map(|row| Ok((u32::from_str_radix(row.get(0), 16)?, row.get(1)))).collect()
    }

    /// Starts watching on another connection.
    pub(crate) fn watch(&self) -> anyhow::Result<RowWatch> {
        let connection = Connection::to(&self.url)?;
        let (polls, to_watch) = mpsc::channel();
        let thread = thread::Builder::new().name("row-watch".to_owned()).spawn(move || {
            let mut visible = Vec::new();
            for poll in to_watch {
                connection.wait_for_rows(&poll, &mut visible)?;
            }
            Ok(visible)
        })?;
        Ok(RowWatch { polls, thread })
    }
}

impl Connection {
    fn to(url: &Url) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (client, connection) = runtime.block_on(tokio_postgres::connect(url.as_str(), NoTls))?;
        runtime.spawn(connection);
        Ok(Self { client, runtime })
    }

    fn execute(&self, sql: &str) -> anyhow::Result<()> {
        Ok(self.runtime.block_on(self.client.batch_execute(sql))?)
    }

    /// Records after what time each row was seen. Rows missing after four seconds are recorded with that delay.
    fn wait_for_rows(&self, poll: &Poll, visible: &mut Vec<Duration>) -> anyhow::Result<()> {
        const TIMEOUT: Duration = Duration::from_secs(4);
        let query = "SELECT count(*) FROM state_vectors WHERE last_contact = to_timestamp($1::bigint)";
        let statement = self.runtime.block_on(self.client.prepare(query))?;
        let mut seen = 0;
        while seen < poll.rows {
            let rows: i64 = self.runtime.block_on(self.client.query_one(&statement, &[&poll.answer.time]))?.get(0);
            let after = Instant::now().duration_since(poll.answer.at);
            let rows = if after > TIMEOUT { poll.rows } else { rows };
            visible.extend((seen..rows).map(|_| after));
            seen = seen.max(rows);
            pause(POLL_INTERVAL);
        }
        Ok(())
    }
}

impl RowWatch {
    /// Adds a response to watch, of which `rows` rows will be stored.
    pub(crate) fn expect(&self, answer: Answer, rows: usize) -> anyhow::Result<()> {
        let poll = Poll { answer, rows: i64::try_from(rows)? };
        self.polls.send(poll).ok().context("the row watch has ended")
    }

    /// Stops watching and returns the time from response to visibility for each row.
    pub(crate) fn end(self) -> anyhow::Result<Vec<Duration>> {
        drop(self.polls);
        self.thread.join().map_err(|_| anyhow::anyhow!("the row watch panicked"))?
    }
}
