//! What is made of the rows behind the store: one step of it is one transaction, in which nobody stores.

use std::time::Instant;

use actors::domain::UnixTime;
use actors::history::Following;
use tokio_postgres::{Client, Transaction};

use super::connection::Failure;
use super::maintenance::postgres_seconds;
use super::writer::begin;
use super::{flights, traffic};
use crate::storage::options::StorageOptions;

/// How many pieces without rows a step passes over.
const MOST_PIECES: usize = 200;

const READ: &str = "SELECT extract(epoch FROM through)::bigint FROM derived_cursor";
const MOVE: &str = "UPDATE derived_cursor SET through = to_timestamp($1::bigint)";

/// What a step knows.
pub(super) struct Step<'a> {
    pub(super) transaction: &'a Transaction<'a>,
    pub(super) options: &'a StorageOptions,
    clock: UnixTime,
    /// The rows before it may be gone.
    pub(super) horizon: UnixTime,
    /// How many rows it may take on.
    pub(super) limit: usize,
}

/// Follows the store a little further, and says whether there is more to do. `following` goes on only with its success.
pub(super) async fn derive(
    client: &mut Client,
    options: &StorageOptions,
    rows: u32,
    following: &mut Following,
) -> Result<bool, Failure> {
    let transaction = begin(client).await?;
    let limit = options.maintenance_timeout.as_millis();
    transaction
        .batch_execute(&format!("SET LOCAL statement_timeout = {limit}; LOCK TABLE derived_cursor IN EXCLUSIVE MODE"))
        .await?;
    let clock = UnixTime::now();
    let horizon = clock.minus(options.retention);
    let step = Step { transaction: &transaction, options, clock, horizon, limit: rows as usize };
    let mut more = step.expire().await?;
    if let Some(through) = step.cursor().await? {
        let mut learned = following.clone();
        let (through, behind) = step.follow(through, &mut learned).await?;
        more |= behind;
        more |= step.retrace(through).await?;
        more |= step.count_late_hour(through).await?;
        fail::fail_point!("derived", |_| crate::fault::kill_self());
        transaction.commit().await?;
        fail::fail_point!("derived-committed", |_| crate::fault::kill_self());
        *following = learned;
    } else {
        transaction.commit().await?;
    }
    Ok(more)
}

impl Step<'_> {
    async fn cursor(&self) -> Result<Option<UnixTime>, Failure> {
        let row = self.transaction.query_opt(READ, &[]).await?;
        Ok(row.map(|row| row.try_get::<_, Option<i64>>(0)).transpose()?.flatten().map(UnixTime))
    }

    /// Makes flights of the rows ahead of the cursor, and counts the hours that it passes. Where it is now, and whether
    /// there is more.
    async fn follow(&self, through: UnixTime, following: &mut Following) -> Result<(UnixTime, bool), Failure> {
        let Some(settled) = following.settled(self.clock, Instant::now()) else { return Ok((through, false)) };
        let keeps_traffic = traffic::is_kept(self.transaction).await?;
        let start = through;
        let mut through = through.max(self.horizon);
        let (mut rows, mut pieces) = (0, 0);
        while let Some(piece) = following.next(through, settled, self.clock) {
            if rows >= self.limit || pieces == MOST_PIECES {
                break;
            }
            let sightings = flights::sightings(self.transaction, piece, Following::most(piece, self.limit)).await?;
            if !following.learn(piece, sightings.len(), self.limit) {
                continue;
            }
            self.follow_flights(piece.from, &sightings).await?;
            rows += sightings.len();
            pieces += 1;
            through = piece.to;
            if let Some(hour) = piece.hour.filter(|hour| keeps_traffic && *hour >= self.horizon)
                && traffic::count(self.transaction, hour, through).await? > 0
            {
                // One hour's rows are work enough.
                break;
            }
        }
        if through > start {
            self.transaction.execute(MOVE, &[&postgres_seconds(through)]).await?;
        }
        Ok((through, through < settled))
    }

    /// Counts an hour anew that got rows behind the cursor. One a step; whether there are more.
    async fn count_late_hour(&self, through: UnixTime) -> Result<bool, Failure> {
        let kept = traffic::is_kept(self.transaction).await?;
        let Some((hour, more)) = traffic::take_late_hour(self.transaction, kept).await? else { return Ok(false) };
        if hour >= self.horizon.max(self.clock.minus(self.options.summary_retention)) {
            traffic::count(self.transaction, hour, through).await?;
        }
        Ok(more)
    }

    /// Deletes some of the flights and hours that are older than their own retention; whether there are more.
    async fn expire(&self) -> Result<bool, Failure> {
        let oldest = self.clock.minus(self.options.summary_retention);
        let mut more = flights::expire(self.transaction, oldest, self.limit).await?;
        if traffic::is_kept(self.transaction).await? {
            more |= traffic::expire(self.transaction, oldest, self.limit).await?;
        }
        Ok(more)
    }
}
