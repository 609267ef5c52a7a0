use std::future::Future;

use super::rebuild::LateRows;
use crate::domain::{Flight, Icao24, Sighting, UnixTime};

/// An open transaction on the summaries and on the rows from which they are derived. PostgreSQL and SQLite implement
/// it.
///
/// While it is open, no other transaction moves the cursor or stores rows behind it. Its owner commits it or rolls it
/// back.
///
/// The summaries are the tables `flights`, `traffic_by_country` and `traffic_by_cell`. The tables with their progress
/// are still named `derived_*`, since renaming a table needs a migration.
pub trait SummaryStore {
    /// The error of a failed call.
    type Error;

    /// Returns the cursor: the summaries cover all rows with an earlier `last_contact`, except for noted late rows.
    /// `None` before the first row is stored.
    ///
    /// # Errors
    /// All methods return the database's errors.
    fn cursor(&mut self) -> impl Future<Output = Result<Option<UnixTime>, Self::Error>>;

    /// Moves the cursor.
    fn move_cursor(&mut self, to: UnixTime) -> impl Future<Output = Result<(), Self::Error>>;

    /// Returns at most `limit` rows from `from` (inclusive) to `to` (exclusive), in any order.
    fn sightings(
        &mut self,
        from: UnixTime,
        to: UnixTime,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Sighting>, Self::Error>>;

    /// Returns the first rows of one aircraft from `from` (inclusive) to `to` (exclusive), at most `limit`, in
    /// chronological order.
    fn track(
        &mut self,
        icao24: Icao24,
        from: UnixTime,
        to: UnixTime,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Sighting>, Self::Error>>;

    /// Returns the last flight of each of these aircraft that started at or before `until`, if there is one.
    fn last_flights(
        &mut self,
        aircraft: &[Icao24],
        until: UnixTime,
    ) -> impl Future<Output = Result<Vec<Flight>, Self::Error>>;

    /// Returns the start times of an aircraft's flights that started after `after`.
    fn flight_starts(
        &mut self,
        icao24: Icao24,
        after: UnixTime,
    ) -> impl Future<Output = Result<Vec<UnixTime>, Self::Error>>;

    /// Deletes the flights of an aircraft that started from `from` (inclusive) to `until` (exclusive); `None` means no
    /// end.
    fn delete_flights(
        &mut self,
        icao24: Icao24,
        from: UnixTime,
        until: Option<UnixTime>,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    /// Inserts flights, replacing those with the same aircraft and start.
    fn write_flights(&mut self, flights: &[Flight]) -> impl Future<Output = Result<(), Self::Error>>;

    /// Returns at most `limit` aircraft with noted late rows.
    fn late_aircraft(&mut self, limit: usize) -> impl Future<Output = Result<Vec<(Icao24, LateRows)>, Self::Error>>;

    /// Replaces or deletes the note of an aircraft's late rows.
    fn note_late_aircraft(
        &mut self,
        icao24: Icao24,
        rest: Option<LateRows>,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    /// Deletes the note of the oldest hour with late rows, and returns the hour and whether there are more. Always
    /// `None` if the database counts the hours by itself, as continuous aggregates do.
    fn take_late_hour(&mut self) -> impl Future<Output = Result<Option<(UnixTime, bool)>, Self::Error>>;

    /// Counts the rows of an hour before `until`, and replaces the hour's counts. Returns whether there were any rows.
    /// Does nothing if the database counts the hours by itself.
    fn count_hour(&mut self, hour: UnixTime, until: UnixTime) -> impl Future<Output = Result<bool, Self::Error>>;

    /// Deletes flights and hourly counts from before `oldest`, about `limit` per table. Returns whether there may be
    /// more.
    fn expire(&mut self, oldest: UnixTime, limit: usize) -> impl Future<Output = Result<bool, Self::Error>>;
}
