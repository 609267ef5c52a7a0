//! An in-memory database whose transactions can fail at any call.

use std::time::Instant;

use actors::domain::{Flight, Icao24, Sighting, UnixTime};
use actors::history::{HOUR, LateRows, Summarizer, SummaryStore, hour_of};
use futures_util::FutureExt;

/// Where a step crashes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Crash {
    /// At this call of the store, if the step gets that far. The transaction is rolled back.
    AtCall(usize),
    /// After the commit, before the process learns of it.
    AfterCommit,
}

/// The committed data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    pub(crate) rows: Vec<Sighting>,
    pub(crate) flights: Vec<Flight>,
    /// Each hour with its number of states and of different aircraft.
    pub(crate) hours: Vec<(UnixTime, usize, usize)>,
    pub(crate) cursor: Option<UnixTime>,
    pub(crate) late_aircraft: Vec<(Icao24, LateRows)>,
    pub(crate) late_hours: Vec<UnixTime>,
}

impl Tables {
    /// Stores rows like a real database: the first row of a key is kept, and rows before the cursor are noted as late.
    pub(crate) fn store(&mut self, rows: &[Sighting]) {
        let Some(oldest) = rows.iter().map(|row| row.at).min() else { return };
        let cursor = *self.cursor.get_or_insert(hour_of(oldest));
        for row in rows {
            if self.rows.iter().any(|known| (known.icao24, known.at) == (row.icao24, row.at)) {
                continue;
            }
            self.rows.push(row.clone());
            if row.at < cursor {
                let noted = self.late_aircraft.iter_mut().find(|(icao24, _)| *icao24 == row.icao24);
                match noted {
                    Some((_, late)) => {
                        *late = LateRows { oldest: late.oldest.min(row.at), newest: late.newest.max(row.at) };
                    }
                    None => self.late_aircraft.push((row.icao24, LateRows { oldest: row.at, newest: row.at })),
                }
                if !self.late_hours.contains(&hour_of(row.at)) {
                    self.late_hours.push(hour_of(row.at));
                }
            }
        }
    }

    /// Takes a step in a transaction. Returns `None` if it crashed.
    pub(crate) fn step(
        &mut self,
        summarizer: &mut Summarizer,
        (clock, now): (UnixTime, Instant),
        crash: Option<Crash>,
    ) -> Option<bool> {
        let calls_left = if let Some(Crash::AtCall(call)) = crash { call } else { usize::MAX };
        let mut transaction = Transaction { tables: self.clone(), calls_left };
        let mut attempt = summarizer.clone();
        let more = attempt.step(&mut transaction, clock, now).now_or_never().expect("the store never waits");
        let Ok(more) = more else {
            summarizer.failed();
            return None;
        };
        *self = transaction.tables;
        if let Some(Crash::AfterCommit) = crash {
            return None;
        }
        *summarizer = attempt;
        Some(more)
    }
}

struct Transaction {
    tables: Tables,
    calls_left: usize,
}

/// An injected failure of the store.
#[derive(Debug)]
struct Failed;

impl Transaction {
    fn call(&mut self) -> Result<&mut Tables, Failed> {
        self.calls_left = self.calls_left.checked_sub(1).ok_or(Failed)?;
        Ok(&mut self.tables)
    }
}

impl SummaryStore for Transaction {
    type Error = Failed;

    async fn cursor(&mut self) -> Result<Option<UnixTime>, Failed> {
        Ok(self.call()?.cursor)
    }

    async fn move_cursor(&mut self, to: UnixTime) -> Result<(), Failed> {
        self.call()?.cursor = Some(to);
        Ok(())
    }

    async fn sightings(&mut self, from: UnixTime, to: UnixTime, limit: usize) -> Result<Vec<Sighting>, Failed> {
        let rows = self.call()?.rows.iter().filter(|row| (from..to).contains(&row.at));
        Ok(rows.take(limit).cloned().collect())
    }

    async fn track(
        &mut self,
        icao24: Icao24,
        from: UnixTime,
        to: UnixTime,
        limit: usize,
    ) -> Result<Vec<Sighting>, Failed> {
        let of_aircraft = |row: &&Sighting| row.icao24 == icao24 && (from..to).contains(&row.at);
        let mut rows: Vec<_> = self.call()?.rows.iter().filter(of_aircraft).cloned().collect();
        rows.sort_by_key(|row| row.at);
        rows.truncate(limit);
        Ok(rows)
    }

    async fn last_flights(&mut self, aircraft: &[Icao24], until: UnixTime) -> Result<Vec<Flight>, Failed> {
        let flights = &self.call()?.flights;
        let last = |icao24: &Icao24| {
            let started = flights.iter().filter(|flight| flight.icao24 == *icao24 && flight.first_seen <= until);
            started.max_by_key(|flight| flight.first_seen).cloned()
        };
        Ok(aircraft.iter().filter_map(last).collect())
    }

    async fn flight_starts(&mut self, icao24: Icao24, after: UnixTime) -> Result<Vec<UnixTime>, Failed> {
        let flights = self.call()?.flights.iter().filter(|flight| flight.icao24 == icao24);
        Ok(flights.map(|flight| flight.first_seen).filter(|start| *start > after).collect())
    }

    async fn delete_flights(&mut self, icao24: Icao24, from: UnixTime, until: Option<UnixTime>) -> Result<(), Failed> {
        let deleted = |start: UnixTime| start >= from && until.is_none_or(|until| start < until);
        self.call()?.flights.retain(|flight| flight.icao24 != icao24 || !deleted(flight.first_seen));
        Ok(())
    }

    async fn write_flights(&mut self, flights: &[Flight]) -> Result<(), Failed> {
        let known = &mut self.call()?.flights;
        for flight in flights {
            known.retain(|known| (known.icao24, known.first_seen) != (flight.icao24, flight.first_seen));
            known.push(flight.clone());
        }
        Ok(())
    }

    async fn late_aircraft(&mut self, limit: usize) -> Result<Vec<(Icao24, LateRows)>, Failed> {
        Ok(self.call()?.late_aircraft.iter().take(limit).copied().collect())
    }

    async fn note_late_aircraft(&mut self, icao24: Icao24, rest: Option<LateRows>) -> Result<(), Failed> {
        let noted = &mut self.call()?.late_aircraft;
        noted.retain(|(known, _)| *known != icao24);
        noted.extend(rest.map(|rest| (icao24, rest)));
        Ok(())
    }

    async fn take_late_hour(&mut self) -> Result<Option<(UnixTime, bool)>, Failed> {
        let hours = &mut self.call()?.late_hours;
        let Some(oldest) = hours.iter().min().copied() else { return Ok(None) };
        hours.retain(|hour| *hour != oldest);
        Ok(Some((oldest, !hours.is_empty())))
    }

    async fn count_hour(&mut self, hour: UnixTime, until: UnixTime) -> Result<bool, Failed> {
        let tables = self.call()?;
        let until = until.min(UnixTime(hour.0 + HOUR));
        let count = count(tables.rows.iter().filter(|row| (hour..until).contains(&row.at)));
        tables.hours.retain(|(known, ..)| *known != hour);
        tables.hours.extend(count.map(|(states, aircraft)| (hour, states, aircraft)));
        Ok(count.is_some())
    }

    async fn expire(&mut self, oldest: UnixTime, limit: usize) -> Result<bool, Failed> {
        let tables = self.call()?;
        let mut left = limit;
        tables.flights.retain(|flight| {
            let expires = flight.first_seen < oldest && left > 0;
            left -= usize::from(expires);
            !expires
        });
        tables.hours.retain(|(hour, ..)| *hour >= oldest);
        Ok(left == 0)
    }
}

/// Returns the number of states and of different aircraft, or `None` if there are no rows.
pub(crate) fn count<'a>(rows: impl Iterator<Item = &'a Sighting>) -> Option<(usize, usize)> {
    let mut aircraft: Vec<_> = rows.map(|row| row.icao24).collect();
    let states = aircraft.len();
    aircraft.sort_unstable();
    aircraft.dedup();
    (states > 0).then_some((states, aircraft.len()))
}
