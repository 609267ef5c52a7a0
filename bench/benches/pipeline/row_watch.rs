//! Records when the rows of each poll become visible.

use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use bench::client::pause;
use bench::database::{Connection, Database};

use crate::source::Answer;

/// Polls the database, on a connection of its own.
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

/// Rows missing after this time are recorded with that delay.
const TIMEOUT: Duration = Duration::from_secs(4);

impl RowWatch {
    pub(crate) fn start(database: &Database) -> anyhow::Result<Self> {
        let connection = Connection::to(&database.url)?;
        let (polls, to_watch) = mpsc::channel();
        let thread = thread::Builder::new().name("row-watch".to_owned()).spawn(move || {
            let mut visible = Vec::new();
            for poll in to_watch {
                wait_for_rows(&connection, &poll, &mut visible)?;
            }
            Ok(visible)
        })?;
        Ok(Self { polls, thread })
    }

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

/// Records after what time each row was seen.
fn wait_for_rows(connection: &Connection, poll: &Poll, visible: &mut Vec<Duration>) -> anyhow::Result<()> {
    let query = "SELECT count(*) FROM state_vectors WHERE last_contact = to_timestamp($1::bigint)";
    let statement = connection.prepare(query)?;
    let mut seen = 0;
    while seen < poll.rows {
        let rows: i64 = connection.value(&statement, &[&poll.answer.time])?;
        let after = Instant::now().duration_since(poll.answer.at);
        let rows = if after > TIMEOUT { poll.rows } else { rows };
        visible.extend((seen..rows).map(|_| after));
        seen = seen.max(rows);
        pause(POLL_INTERVAL);
    }
    Ok(())
}
