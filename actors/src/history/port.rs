use std::future::Future;

use super::rebuild::LateRows;
use crate::domain::{Flight, Icao24, Sighting, UnixTime};

/// An open transaction on the summaries and on the rows that they are made of. PostgreSQL and SQLite implement it.
///
/// From its start to its end no other transaction moves the cursor or stores rows behind it. It takes effect with its
/// commit, which is up to its owner, or not at all.
///
/// The summaries are the tables `flights`, `traffic_by_country` and `traffic_by_cell`. The tables that keep their progress
/// are still named `derived_*`: renaming a table needs a migration of its own.
pub trait SummaryStore {
    /// Why a call failed.
    type Error;

    /// The cursor: rows with an earlier `last_contact` are in the summaries, except for the noted late ones. `None` before
    /// the first row is stored.
    ///
    /// # Errors
    /// As the database reports; so for all calls.
    fn cursor(&mut self) -> impl Future<Output = Result<Option<UnixTime>, Self::Error>>;

    /// Moves the cursor.
    fn move_cursor(&mut self, to: UnixTime) -> impl Future<Output = Result<(), Self::Error>>;

    /// At most `limit` of the rows from `from` until before `to`, in any order.
    fn sightings(
        &mut self,
        from: UnixTime,
        to: UnixTime,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Sighting>, Self::Error>>;

    /// The first rows of one aircraft from `from` until before `to`, at most `limit`, in the order of time.
    fn track(
        &mut self,
        icao24: Icao24,
        from: UnixTime,
        to: UnixTime,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Sighting>, Self::Error>>;

    /// For each of these aircraft the last flight that started at or before `until`, where there is one.
    fn last_flights(
        &mut self,
        aircraft: &[Icao24],
        until: UnixTime,
    ) -> impl Future<Output = Result<Vec<Flight>, Self::Error>>;

    /// When the flights of an aircraft started that started after `after`.
    fn flight_starts(
        &mut self,
        icao24: Icao24,
        after: UnixTime,
    ) -> impl Future<Output = Result<Vec<UnixTime>, Self::Error>>;

    /// Deletes the flights of an aircraft that started from `from` until before `until`, or without an end.
    fn delete_flights(
        &mut self,
        icao24: Icao24,
        from: UnixTime,
        until: Option<UnixTime>,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    /// Inserts flights, or replaces those with the same aircraft and start.
    fn write_flights(&mut self, flights: &[Flight]) -> impl Future<Output = Result<(), Self::Error>>;

    /// At most `limit` of the aircraft whose late rows are noted.
    fn late_aircraft(&mut self, limit: usize) -> impl Future<Output = Result<Vec<(Icao24, LateRows)>, Self::Error>>;

    /// Replaces the note of an aircraft's late rows, or deletes it.
    fn note_late_aircraft(
        &mut self,
        icao24: Icao24,
        rest: Option<LateRows>,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    /// Deletes the note of the oldest hour with late rows and returns the hour, and whether there are more. `None` also
    /// where the database counts the hours by itself, as continuous aggregates do.
    fn take_late_hour(&mut self) -> impl Future<Output = Result<Option<(UnixTime, bool)>, Self::Error>>;

    /// Counts the rows of an hour before `until` and replaces its counts; whether there were any rows. Does nothing where the
    /// database counts the hours by itself.
    fn count_hour(&mut self, hour: UnixTime, until: UnixTime) -> impl Future<Output = Result<bool, Self::Error>>;

    /// Deletes some of the flights and hourly counts from before `oldest`, about `limit` of each table; whether there may
    /// be more.
    fn expire(&mut self, oldest: UnixTime, limit: usize) -> impl Future<Output = Result<bool, Self::Error>>;
}
