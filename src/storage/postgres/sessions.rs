//! Checks whether a connection keeps its PostgreSQL session.
//!
//! A pooler in transaction mode, such as PgBouncer with `pool_mode=transaction`, assigns any free server connection to
//! each transaction. Prepared statements, the writer's temporary table, the migration lock and the timeouts all belong
//! to a session, so none of them work reliably behind such a pooler. The check detects it before the first use.

use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::advice::is_lost_session;
use super::connection::{PostgresDatabase, PostgresError, within};
use super::session_check::SessionState;

/// The time until a failed check is repeated. Each check costs two connections.
const RECHECK_INTERVAL: Duration = Duration::from_secs(5);

/// The order in which the two connections read their marks. It is irregular, so that a pooler that assigns its server
/// connections in turn gets out of step with it.
const READS: [usize; 12] = [0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1];

impl PostgresDatabase {
    /// Checks that connections keep their session. A successful check is not repeated unless
    /// [`invalidate_session_check`](Self::invalidate_session_check) resets it.
    ///
    /// # Errors
    /// [`PostgresError::Pooled`], or the connection failed.
    pub(super) async fn check_sessions(&self) -> Result<(), PostgresError> {
        let mut state = self.sessions.0.lock().await;
        match *state {
            SessionState::Kept => return Ok(()),
            SessionState::Lost { at } if at.elapsed() < RECHECK_INTERVAL => return Err(PostgresError::Pooled),
            SessionState::Lost { .. } | SessionState::Unknown => {}
        }
        let limit = self.options.connect_timeout;
        let (one, other) = (self.open_session(limit).await?, self.open_session(limit).await?);
        if within(limit, marks_are_kept([&one.client, &other.client])).await? {
            *state = SessionState::Kept;
            return Ok(());
        }
        *state = SessionState::Lost { at: Instant::now() };
        Err(PostgresError::Pooled)
    }

    /// Repeats the check before the next use if this error indicates a lost session.
    pub(super) async fn invalidate_session_check(&self, code: Option<&SqlState>) {
        if code.is_some_and(is_lost_session) {
            *self.sessions.0.lock().await = SessionState::Unknown;
        }
    }
}

/// Sets a mark in each session and reads it back, each time in its own transaction. Returns whether all marks matched.
/// The mark is `geqo_seed`, which only affects queries with a dozen joins or more, so a value left behind a pooler is
/// harmless.
async fn marks_are_kept(clients: [&Client; 2]) -> Result<bool, tokio_postgres::Error> {
    // PostgreSQL prints six digits.
    let one = rand::random_range(1..500_000);
    let marks = [one, one + rand::random_range(1..500_000)].map(|mark| f64::from(mark) / 1e6);
    for (client, mark) in clients.iter().zip(marks) {
        client.batch_execute(&format!("SELECT set_config('geqo_seed', '{mark}', false)")).await?;
    }
    for index in READS {
        let (Some(client), Some(mark)) = (clients.get(index), marks.get(index)) else { continue };
        let messages = client.simple_query("SELECT current_setting('geqo_seed')").await?;
        let read = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse::<f64>().ok(),
            _ => None,
        });
        if read.is_none_or(|read| (read - mark).abs() > 1e-9) {
            return Ok(false);
        }
    }
    Ok(true)
}
