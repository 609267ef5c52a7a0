use std::fmt;
use std::ops::Range;
use std::time::Instant;

use actors::domain::{Icao24, StateVector, UnixTime};
use diesel::dsl::min;
use diesel::prelude::*;
use diesel::sqlite::{Sqlite, SqliteConnection};

use super::query::{HistoryQuery, HistoryRow, ROWS};
use crate::storage::error::QueryError;
use crate::storage::rows::StoredRow;
use crate::storage::schema::sqlite::state_vectors;
use crate::storage::schema::upper;
use crate::storage::slices::Slices;
use crate::storage::sqlite::{ImmutableFile, SqliteDatabase};

/// Reads a history from SQLite page by page. No transaction stays open between pages, because it would keep the
/// write-ahead log from being checkpointed.
pub(super) struct SqliteHistory {
    connection: SqliteConnection,
    immutable_file: Option<ImmutableFile>,
    query: HistoryQuery,
    slices: Slices,
    /// The current slice, the number of rows read from it so far, and when it began.
    slice: Option<(Range<i64>, u64, Instant)>,
    /// The key of the last row passed to the caller.
    last: Option<(i64, Icao24)>,
    reached: i64,
}

impl SqliteHistory {
    pub(super) fn begin(database: &SqliteDatabase, query: &HistoryQuery) -> Result<Self, QueryError> {
        let unavailable = |error: &dyn fmt::Display| QueryError::Unavailable(error.to_string());
        let mut connection = database.connect().map_err(|error| unavailable(&error))?;
        // Fail early if the schema is missing.
        state_vectors::table.limit(0).load::<StoredRow>(&mut connection)?;
        let slices = Slices::new(query.from, query.to);
        let immutable_file = database.immutable_file.clone();
        Ok(Self {
            connection,
            immutable_file,
            query: query.clone(),
            slices,
            slice: None,
            last: None,
            reached: query.from.0,
        })
    }

    pub(super) fn reached(&self) -> UnixTime {
        UnixTime(self.reached)
    }

    pub(super) fn read(&mut self, mut each: impl FnMut(&HistoryRow<'_>)) -> Result<bool, QueryError> {
        let next = self.slice.take().or_else(|| Some((self.slices.next()?, 0, Instant::now())));
        let (span, row_count, began) = match next {
            Some(slice) => slice,
            None => return Ok(false),
        };
        let rows = page(&self.query, &span, self.last).load::<StoredRow>(&mut self.connection)?;
        self.immutable_file.as_ref().map_or(Ok(()), ImmutableFile::check)?;
        let count = rows.len();
        for row in rows {
            let state = StateVector::from(row);
            each(&state.borrowed());
            self.last = Some((state.last_contact.0, state.icao24));
        }
        let row_count = row_count + count as u64;
        if count == ROWS {
            self.slice = Some((span, row_count, began));
            return Ok(true);
        }
        self.slices.adapt(&span, row_count, began.elapsed());
        self.reached = span.end;
        if row_count == 0 && self.slices.is_at_max_length() {
            let later = state_vectors::table.filter(state_vectors::last_contact.ge(span.end));
            let next = later.select(min(state_vectors::last_contact)).first::<Option<i64>>(&mut self.connection)?;
            let Some(next) = next.filter(|next| self.slices.rest().contains(next)) else { return Ok(false) };
            self.slices.skip_to(next);
            self.reached = next;
        }
        Ok(true)
    }
}

type Page<'a> = state_vectors::BoxedQuery<'a, Sqlite>;

/// Queries the next rows of a slice, after `last`.
fn page<'a>(query: &'a HistoryQuery, span: &Range<i64>, last: Option<(i64, Icao24)>) -> Page<'a> {
    let mut page = state_vectors::table
        .filter(state_vectors::last_contact.ge(span.start).and(state_vectors::last_contact.lt(span.end)))
        .order((state_vectors::last_contact, state_vectors::icao24))
        .limit(ROWS as i64)
        .into_boxed();
    if let Some((time, icao24)) = last.filter(|(time, _)| span.contains(time)) {
        let after = state_vectors::last_contact.eq(time).and(state_vectors::icao24.gt(icao24.to_string()));
        page = page.filter(state_vectors::last_contact.ge(time)).filter(state_vectors::last_contact.gt(time).or(after));
    }
    if !query.icao24.is_empty() {
        let addresses: Vec<_> = query.icao24.iter().map(Icao24::to_string).collect();
        page = page.filter(state_vectors::icao24.eq_any(addresses));
    }
    if let Some(bounding_box) = &query.bounding_box {
        let [south, west, north, east] = bounding_box.edges();
        page = page.filter(state_vectors::lat.between(south, north));
        let (eastwards, westwards) = (state_vectors::lon.ge(west), state_vectors::lon.le(east));
        page = if bounding_box.crosses_antimeridian() {
            page.filter(eastwards.or(westwards))
        } else {
            page.filter(eastwards.and(westwards))
        };
    }
    if let Some(callsign) = &query.callsign {
        page = page.filter(upper(state_vectors::callsign).eq(upper(Some(callsign.as_str()))));
    }
    page
}

impl fmt::Debug for SqliteHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteHistory").field("slices", &self.slices).finish_non_exhaustive()
    }
}
