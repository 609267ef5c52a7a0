//! Whether a connection keeps its PostgreSQL session.
//!
//! A pooler in transaction mode, such as PgBouncer's `pool_mode=transaction`, gives each transaction whichever server
//! connection is free. Prepared statements, the temporary table of the writer, the migrations' lock and the time-outs
//! all belong to a session, so nothing here works behind one, and some of it works by luck. It is found out at once.

use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::advice::is_lost_session;
use super::connection::{Failure, PostgresDatabase, within};
use super::session_check::Verdict;

/// After a bad verdict, nobody asks again for this long: each look costs two connections.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The order in which the two connections read their marks, chosen so that a pooler which deals out its server connections
/// in turns is out of step with it.
const READS: [usize; 12] = [0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1];

impl PostgresDatabase {
    /// Checks it once for the whole life of the process, unless something looks wrong later.
    ///
    /// # Errors
    /// [`Failure::Pooled`], or the connection's.
    pub(super) async fn check_sessions(&self) -> Result<(), Failure> {
        let mut verdict = self.sessions.0.lock().await;
        match *verdict {
            Verdict::Kept => return Ok(()),
            Verdict::Lost { at } if at.elapsed() < LOOK_AGAIN => return Err(Failure::Pooled),
            Verdict::Lost { .. } | Verdict::Unknown => {}
        }
        let limit = self.options.connect_timeout;
        let (one, other) = (self.open_session(limit).await?, self.open_session(limit).await?);
        if within(limit, keep_their_marks([&one.client, &other.client])).await? {
            *verdict = Verdict::Kept;
            return Ok(());
        }
        *verdict = Verdict::Lost { at: Instant::now() };
        Err(Failure::Pooled)
    }

    /// Looks again before the next use, if this error is one of a session that was lost.
    pub(super) async fn doubt_sessions(&self, code: Option<&SqlState>) {
        if code.is_some_and(is_lost_session) {
            *self.sessions.0.lock().await = Verdict::Unknown;
        }
    }
}

/// Gives each session a mark and reads it again, a transaction each time. The mark is a setting that matters only to queries
/// of more than a dozen joins: whatever is left of it behind a pooler changes nothing.
async fn keep_their_marks(clients: [&Client; 2]) -> Result<bool, tokio_postgres::Error> {
    // PostgreSQL shows six digits.
    let one = rand::random_range(1..500_000);
    let marks = [one, one + rand::random_range(1..500_000)].map(|mark| f64::from(mark) / 1e6);
    for (client, mark) in clients.iter().zip(marks) {
        client.batch_execute(&format!("SELECT set_config('geqo_seed', '{mark}', false)")).await?;
    }
    for index in READS {
        let (Some(client), Some(mark)) = (clients.get(index), marks.get(index)) else { continue };
        let answer = client.simple_query("SELECT current_setting('geqo_seed')").await?;
        let read = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse::<f64>().ok(),
            _ => None,
        });
        if read.is_none_or(|read| (read - mark).abs() > 1e-9) {
            return Ok(false);
        }
    }
    Ok(true)
}
