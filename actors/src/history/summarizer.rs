use std::time::{Duration, Instant};

use super::cursor::Cursor;
use super::flight_log::extend_flights;
use super::port::SummaryStore;
use super::rebuild::{LateRows, Rebuild, Rebuilt};
use super::step_size::StepSize;
use crate::domain::{Icao24, Sighting, UnixTime};

/// The maximum number of windows per step. Across a gap in the data, most windows are empty.
const MAX_WINDOWS: usize = 200;
/// The maximum number of aircraft with late rows per step.
const MAX_LATE_AIRCRAFT: usize = 100;
/// The number of an aircraft's rows that are read at once.
const TRACK_PAGE: usize = 5_000;

/// Settings of the summaries.
#[derive(Clone, Debug)]
pub struct SummaryOptions {
    /// The longest pause between two states of the same flight.
    pub flight_gap: Duration,
    /// How long rows are kept.
    pub retention: Duration,
    /// How long flights and hourly counts are kept.
    pub summary_retention: Duration,
    /// The maximum number of rows per step.
    pub max_rows: u32,
}

/// Derives flights and hourly counts from the stored rows, in steps of one transaction each.
///
/// Its own state only makes the steps efficient. The progress is stored in the database, so a step that is lost with
/// its process is simply repeated. A step also changes the summarizer: run it on a clone, keep the clone after the
/// commit, and otherwise call [`Summarizer::failed`] on the original.
#[derive(Clone, Debug)]
pub struct Summarizer {
    options: SummaryOptions,
    cursor: Cursor,
    step_size: StepSize,
}

impl Summarizer {
    /// Creates a summarizer for a process that starts now.
    pub fn new(options: SummaryOptions, now: Instant) -> Self {
        let step_size = StepSize::new(options.max_rows);
        Self { options, cursor: Cursor::new(now), step_size }
    }

    /// Records the newest row of a stored batch.
    pub fn stored(&mut self, newest: UnixTime, now: Instant) {
        self.cursor.stored(newest, now);
    }

    /// Makes the next step smaller. Must be called after a step that failed or was not committed.
    pub fn failed(&mut self) {
        self.step_size.adapt(false);
    }

    /// Performs one step in an open transaction: deletes expired summaries, processes the rows ahead of the cursor, and
    /// rebuilds the summaries of late rows. Returns whether there is more to do.
    ///
    /// # Errors
    /// Returns the store's error; the transaction must then be rolled back.
    pub async fn step<S: SummaryStore>(
        &mut self,
        store: &mut S,
        clock: UnixTime,
        now: Instant,
    ) -> Result<bool, S::Error> {
        let horizon = clock.minus(self.options.retention);
        let limit = self.step_size.rows() as usize;
        let mut step = Step { store, options: &self.options, clock, horizon, limit };
        let mut more = step.store.expire(step.oldest_summary(), limit).await?;
        if let Some(mut through) = step.store.cursor().await? {
            if let Some(settled) = self.cursor.settled(clock, now) {
                through = step.advance(through, settled, &mut self.cursor).await?;
                more |= through < settled;
            }
            more |= step.rebuild_flights(through).await?;
            more |= step.count_late_hour(through).await?;
        }
        self.step_size.adapt(true);
        Ok(more)
    }
}

struct Step<'a, S> {
    store: &'a mut S,
    options: &'a SummaryOptions,
    clock: UnixTime,
    /// Rows before this time may have been deleted.
    horizon: UnixTime,
    /// The maximum number of rows to read.
    limit: usize,
}

impl<S: SummaryStore> Step<'_, S> {
    fn oldest_summary(&self) -> UnixTime {
        self.clock.minus(self.options.summary_retention)
    }

    /// Adds the rows ahead of the cursor to the flights, counts the hours that it passes, and returns the new cursor.
    async fn advance(&mut self, start: UnixTime, settled: UnixTime, cursor: &mut Cursor) -> Result<UnixTime, S::Error> {
        let mut through = start.max(self.horizon);
        let (mut rows, mut windows) = (0, 0);
        while let Some(window) = cursor.next_window(through, settled, self.clock) {
            if rows >= self.limit || windows == MAX_WINDOWS {
                break;
            }
            let sightings = self.store.sightings(window.from, window.to, window.read_limit(self.limit)).await?;
            if !cursor.adapt(window, sightings.len(), self.limit) {
                continue;
            }
            rows += sightings.len();
            windows += 1;
            self.continue_flights(window.from, sightings).await?;
            through = window.to;
            if let Some(hour) = window.hour.filter(|hour| *hour >= self.horizon)
                && self.store.count_hour(hour, through).await?
            {
                // One counted hour is enough work for a step.
                break;
            }
        }
        if through > start {
            self.store.move_cursor(through).await?;
        }
        Ok(through)
    }

    /// Continues the flights known at `from`, or starts new ones.
    async fn continue_flights(&mut self, from: UnixTime, mut sightings: Vec<Sighting>) -> Result<(), S::Error> {
        sightings.sort_unstable_by_key(|sighting| (sighting.icao24, sighting.at));
        let mut aircraft: Vec<Icao24> = sightings.iter().map(|sighting| sighting.icao24).collect();
        aircraft.dedup();
        if aircraft.is_empty() {
            return Ok(());
        }
        let last = self.store.last_flights(&aircraft, from).await?;
        let flights = extend_flights(&sightings, last, self.options.flight_gap);
        self.store.write_flights(&flights).await
    }

    /// Rebuilds flights with late rows, for a limited number of aircraft. Returns whether there may be more.
    async fn rebuild_flights(&mut self, through: UnixTime) -> Result<bool, S::Error> {
        let noted = self.store.late_aircraft(MAX_LATE_AIRCRAFT).await?;
        let mut taken = 0;
        for (index, (icao24, rows)) in noted.iter().enumerate() {
            let limit = self.limit.saturating_sub(taken);
            let (rest, sightings) = self.rebuild_aircraft(*icao24, *rows, through, limit).await?;
            self.store.note_late_aircraft(*icao24, rest).await?;
            taken += sightings;
            if taken >= self.limit && (rest.is_some() || index + 1 < noted.len()) {
                return Ok(true);
            }
        }
        Ok(noted.len() == MAX_LATE_AIRCRAFT)
    }

    /// Returns the remaining late rows of the aircraft, and the number of processed rows.
    async fn rebuild_aircraft(
        &mut self,
        icao24: Icao24,
        rows: LateRows,
        through: UnixTime,
        limit: usize,
    ) -> Result<(Option<LateRows>, usize), S::Error> {
        let Some(rows) = rows.since(self.horizon) else { return Ok((None, 0)) };
        let before = self.store.last_flights(&[icao24], rows.oldest).await?.pop();
        let Some(rebuild) = Rebuild::new(rows, before, self.horizon, self.options.flight_gap) else {
            return Ok((None, 0));
        };
        let later = self.store.flight_starts(icao24, rows.newest).await?;
        let mut rebuild = rebuild.stopping_at(later.into_iter().collect()).with_limit(limit);
        let mut from = rebuild.from();
        loop {
            let page = self.store.track(icao24, from, through, TRACK_PAGE).await?;
            let needs_more = page.iter().all(|sighting| rebuild.add(sighting));
            match page.last() {
                Some(last) if needs_more && page.len() == TRACK_PAGE => from = UnixTime(last.at.0 + 1),
                _ => break,
            }
        }
        let taken = rebuild.taken();
        let Rebuilt { from, until, flights, rest } = rebuild.finish();
        self.store.delete_flights(icao24, from, until).await?;
        self.store.write_flights(&flights).await?;
        Ok((rest, taken))
    }

    /// Recounts one hour with late rows. Returns whether there are more.
    async fn count_late_hour(&mut self, through: UnixTime) -> Result<bool, S::Error> {
        let Some((hour, more)) = self.store.take_late_hour().await? else { return Ok(false) };
        if hour >= self.horizon.max(self.oldest_summary()) {
            self.store.count_hour(hour, through).await?;
        }
        Ok(more)
    }
}
