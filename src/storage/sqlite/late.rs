//! Records late rows, which are those stored behind the summaries' cursor, as part of the storing transaction.

use std::collections::{BTreeMap, BTreeSet};

use actors::batch::Batch;
use actors::domain::{Icao24, StateVector, UnixTime};
use actors::history::{LateRows, hour_of};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;

use crate::storage::schema::sqlite::derived_cursor;

const NOTE_AIRCRAFT: &str = "INSERT INTO derived_late_aircraft (icao24, oldest, newest) VALUES (?, ?, ?)
    ON CONFLICT (icao24) DO UPDATE SET oldest = min(oldest, excluded.oldest), newest = max(newest, excluded.newest)";
const NOTE_HOUR: &str = "INSERT INTO derived_late_hours (hour) VALUES (?) ON CONFLICT DO NOTHING";

/// The late rows of a transaction.
#[derive(Debug, Default)]
pub(super) struct Late {
    through: Option<UnixTime>,
    aircraft: BTreeMap<Icao24, LateRows>,
    hours: BTreeSet<UnixTime>,
}

impl Late {
    /// Reads the cursor, or places it before the first rows ever stored.
    pub(super) fn behind_cursor(connection: &mut SqliteConnection, batch: &Batch) -> QueryResult<Self> {
        let mut through = cursor(connection)?;
        if through.is_none()
            && let Some(oldest) = batch.iter().map(|state| state.last_contact).min()
        {
            move_cursor(connection, hour_of(oldest))?;
            through = Some(hour_of(oldest));
        }
        Ok(Self { through, ..Self::default() })
    }

    /// Records an inserted row if it is late.
    pub(super) fn inserted(&mut self, state: &StateVector) {
        let at = state.last_contact;
        if self.through.is_some_and(|through| at < through) {
            let rows = self.aircraft.entry(state.icao24).or_insert(LateRows { oldest: at, newest: at });
            rows.oldest = rows.oldest.min(at);
            rows.newest = rows.newest.max(at);
            self.hours.insert(hour_of(at));
        }
    }

    pub(super) fn write(&self, connection: &mut SqliteConnection) -> QueryResult<()> {
        for (icao24, LateRows { oldest, newest }) in &self.aircraft {
            diesel::sql_query(NOTE_AIRCRAFT)
                .bind::<Text, _>(icao24.to_string())
                .bind::<BigInt, _>(oldest.0)
                .bind::<BigInt, _>(newest.0)
                .execute(connection)?;
        }
        for hour in &self.hours {
            diesel::sql_query(NOTE_HOUR).bind::<BigInt, _>(hour.0).execute(connection)?;
        }
        Ok(())
    }
}

/// Implements [`actors::history::SummaryStore::cursor`].
pub(super) fn cursor(connection: &mut SqliteConnection) -> QueryResult<Option<UnixTime>> {
    let through = derived_cursor::table.select(derived_cursor::through).first::<Option<i64>>(connection).optional()?;
    Ok(through.flatten().map(UnixTime))
}

pub(super) fn move_cursor(connection: &mut SqliteConnection, through: UnixTime) -> QueryResult<()> {
    diesel::update(derived_cursor::table).set(derived_cursor::through.eq(through.0)).execute(connection).map(|_| ())
}
