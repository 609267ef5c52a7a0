//! What is made of the rows behind the store: one step of it is one transaction.

use std::time::Instant;

use actors::domain::UnixTime;
use actors::history::Following;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;

use super::flights;
use super::late::{cursor, move_cursor};
use super::traffic;
use crate::storage::options::StorageOptions;

/// How many pieces without rows a step passes over.
const MOST_PIECES: usize = 200;

/// What a step knows.
pub(super) struct Step<'a> {
    pub(super) options: &'a StorageOptions,
    clock: UnixTime,
    /// The rows before it may be gone.
    pub(super) horizon: UnixTime,
    /// How many rows it may take on.
    pub(super) limit: usize,
}

/// Follows the store a little further, and says whether there is more to do. `following` goes on only with its success.
pub(super) fn derive(
    connection: &mut SqliteConnection,
    options: &StorageOptions,
    rows: u32,
    following: &mut Following,
) -> QueryResult<bool> {
    let clock = UnixTime::now();
    let step = Step { options, clock, horizon: clock.minus(options.retention), limit: rows as usize };
    let mut learned = following.clone();
    let more = connection.immediate_transaction(|connection| {
        let mut more = step.expire(connection)?;
        if let Some(through) = cursor(connection)? {
            let (through, behind) = step.follow(connection, through, &mut learned)?;
            more |= behind;
            more |= step.retrace(connection, through)?;
            more |= step.count_late_hour(connection, through)?;
        }
        fail::fail_point!("derived", |_| crate::fault::kill_self());
        Ok::<_, diesel::result::Error>(more)
    })?;
    fail::fail_point!("derived-committed", |_| crate::fault::kill_self());
    *following = learned;
    Ok(more)
}

impl Step<'_> {
    /// Makes flights of the rows ahead of the cursor, and counts the hours that it passes. Where it is now, and whether
    /// there is more.
    fn follow(
        &self,
        connection: &mut SqliteConnection,
        start: UnixTime,
        following: &mut Following,
    ) -> QueryResult<(UnixTime, bool)> {
        let Some(settled) = following.settled(self.clock, Instant::now()) else { return Ok((start, false)) };
        let mut through = start.max(self.horizon);
        let (mut rows, mut pieces) = (0, 0);
        while let Some(piece) = following.next(through, settled, self.clock) {
            if rows >= self.limit || pieces == MOST_PIECES {
                break;
            }
            let sightings = flights::sightings(connection, piece, Following::most(piece, self.limit))?;
            if !following.learn(piece, sightings.len(), self.limit) {
                continue;
            }
            self.follow_flights(connection, &sightings)?;
            rows += sightings.len();
            pieces += 1;
            through = piece.to;
            if let Some(hour) = piece.hour.filter(|hour| *hour >= self.horizon)
                && traffic::count(connection, hour, through)?
            {
                // One hour's rows are work enough.
                break;
            }
        }
        if through > start {
            move_cursor(connection, through)?;
        }
        Ok((through, through < settled))
    }

    /// Counts an hour anew that got rows behind the cursor. One a step; whether there are more.
    fn count_late_hour(&self, connection: &mut SqliteConnection, through: UnixTime) -> QueryResult<bool> {
        let Some((hour, more)) = traffic::take_late_hour(connection)? else { return Ok(false) };
        if hour >= self.horizon.max(self.clock.minus(self.options.summary_retention)) {
            traffic::count(connection, hour, through)?;
        }
        Ok(more)
    }

    /// Deletes some of the flights and hours that are older than their own retention; whether there may be more.
    fn expire(&self, connection: &mut SqliteConnection) -> QueryResult<bool> {
        let oldest = self.clock.minus(self.options.summary_retention);
        let flights = flights::expire(connection, oldest, self.limit)?;
        Ok(traffic::expire(connection, oldest)? || flights)
    }
}
