use std::collections::BTreeSet;
use std::time::Duration;

use super::flight_log::FlightLog;
use crate::domain::{Flight, Sighting, UnixTime};

/// The range of one aircraft's rows that were stored behind the cursor. The flights in this range are rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LateRows {
    /// The time of the oldest late row.
    pub oldest: UnixTime,
    /// The time of the newest late row.
    pub newest: UnixTime,
}

impl LateRows {
    /// Returns the part of the range that is not older than `horizon`.
    pub(super) fn since(self, horizon: UnixTime) -> Option<Self> {
        (self.newest >= horizon).then(|| Self { oldest: self.oldest.max(horizon), ..self })
    }
}

/// Rebuilds one aircraft's flights, from just before its late rows to the start of the first unchanged flight.
#[derive(Debug)]
pub(super) struct Rebuild {
    log: FlightLog,
    late: LateRows,
    from: UnixTime,
    /// The start times of the known flights after the late rows.
    later: BTreeSet<UnixTime>,
    /// The number of sightings to process, rounded up to whole flights.
    limit: usize,
    taken: usize,
    until: Option<UnixTime>,
    finished: bool,
}

/// The replacement of an aircraft's flights.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rebuilt {
    /// Flights that started at or after this time are replaced.
    pub(super) from: UnixTime,
    /// Flights that started at or after this time, if set, are kept.
    pub(super) until: Option<UnixTime>,
    /// The new flights. The first one may have started before `from` and continues.
    pub(super) flights: Vec<Flight>,
    /// The late rows left for a later step.
    pub(super) rest: Option<LateRows>,
}

impl Rebuild {
    /// Creates a rebuild. `before` is the aircraft's last known flight that started at or before the oldest late row;
    /// no late row is older than `horizon`. Returns `None` if the flight needs rows before `horizon`, since those may
    /// have been deleted.
    pub(super) fn new(late: LateRows, before: Option<Flight>, horizon: UnixTime, gap: Duration) -> Option<Self> {
        let (from, last) = match before {
            // The flight ended before the late rows, so it can be continued without being rebuilt.
            Some(flight) if flight.last_seen < late.oldest => (UnixTime(flight.last_seen.0 + 1), Some(flight)),
            Some(flight) => (flight.first_seen, None),
            None => (late.oldest, None),
        };
        (last.is_some() || from >= horizon).then(|| Self {
            log: FlightLog::after(last, gap),
            late,
            from,
            later: BTreeSet::new(),
            limit: usize::MAX,
            taken: 0,
            until: None,
            finished: false,
        })
    }

    /// Stops at the start of one of these known flights. They must start after the newest late row.
    #[must_use]
    pub(super) fn stopping_at(self, later: BTreeSet<UnixTime>) -> Self {
        Self { later, ..self }
    }

    /// Stops at the first flight that starts after `limit` sightings. The rest is left for a later step.
    #[must_use]
    pub(super) fn with_limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// The time of the first sighting to add.
    pub(super) fn from(&self) -> UnixTime {
        self.from
    }

    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Adds the next sighting. Returns `false` if no more sightings are needed.
    pub(super) fn add(&mut self, sighting: &Sighting) -> bool {
        if self.log.starts_with(sighting) {
            // A flight does not depend on anything before its start.
            let unchanged = sighting.at > self.late.newest && self.later.contains(&sighting.at);
            let enough = self.taken >= self.limit && sighting.at > self.late.oldest;
            if unchanged || enough {
                self.until = Some(sighting.at);
                self.finished = unchanged;
                return false;
            }
        }
        self.taken += 1;
        self.log.add(sighting);
        true
    }

    pub(super) fn finish(self) -> Rebuilt {
        let oldest = self.until.filter(|_| !self.finished);
        let newest = self.late.newest;
        let rest = oldest.map(|oldest| LateRows { oldest, newest: newest.max(oldest) });
        Rebuilt { from: self.from, until: self.until, flights: self.log.flights(), rest }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::history::test_support::{GAP, SightingParts, sightings};

    fn flights(sightings: &[Sighting]) -> Vec<Flight> {
        let mut log = FlightLog::after(None, GAP);
        sightings.iter().for_each(|sighting| log.add(sighting));
        log.flights()
    }

    /// Rebuilds the flights in steps, and returns the number of processed sightings.
    fn rebuild(known: &mut Vec<Flight>, late: LateRows, seen: &[Sighting], limit: usize) -> usize {
        let mut taken = 0;
        let mut left = Some(late);
        let mut rounds = 0;
        while let Some(late) = left {
            rounds += 1;
            assert!(rounds <= seen.len() + 1, "no progress");
            let before = known.iter().rfind(|flight| flight.first_seen <= late.oldest).cloned();
            let later = known.iter().map(|flight| flight.first_seen).filter(|first| *first > late.newest).collect();
            let mut rebuild =
                Rebuild::new(late, before, UnixTime(0), GAP).unwrap().stopping_at(later).with_limit(limit);
            let from = rebuild.from();
            let _ = seen.iter().filter(|sighting| sighting.at >= from).all(|sighting| rebuild.add(sighting));
            taken += rebuild.taken();
            let Rebuilt { from, until, flights, rest } = rebuild.finish();
            known.retain(|flight| flight.first_seen < from || until.is_some_and(|until| flight.first_seen >= until));
            for flight in flights {
                known.retain(|before| before.first_seen != flight.first_seen);
                known.push(flight);
            }
            known.sort_by_key(|flight| flight.first_seen);
            left = rest;
        }
        taken
    }

    proptest! {
        #[test]
        fn late_rows_produce_the_same_flights_as_punctual_ones(
            parts in vec((any::<SightingParts>(), prop::bool::weighted(0.2)), 1..120), limit in 1usize..60,
        ) {
            let all = sightings(&parts.iter().map(|(parts, _)| parts.clone()).collect::<Vec<_>>());
            let (late, in_time): (Vec<_>, Vec<_>) =
                all.iter().cloned().zip(&parts).partition(|(_, (_, is_late))| *is_late);
            let of = |rows: Vec<(Sighting, _)>| rows.into_iter().map(|(sighting, _)| sighting).collect::<Vec<_>>();
            let (late, in_time) = (of(late), of(in_time));
            let (Some(oldest), Some(newest)) = (late.first(), late.last()) else { return Ok(()) };
            let rows = LateRows { oldest: oldest.at, newest: newest.at };
            for limit in [limit, usize::MAX] {
                let mut known = flights(&in_time);
                rebuild(&mut known, rows, &all, limit);
                prop_assert_eq!(&known, &flights(&all));
            }
        }
    }

    #[test]
    fn a_rebuild_ends_at_the_first_unchanged_flight() {
        let parts: Vec<_> = (0..50).flat_map(|_| [(3600, 1), (60, 1), (60, 1)]).collect();
        let all =
            sightings(&parts.iter().map(|&(pause, name)| SightingParts::airborne(pause, name)).collect::<Vec<_>>());
        let mut in_time = all.clone();
        let late = in_time.remove(31);
        let mut known = flights(&in_time);
        let taken = rebuild(&mut known, LateRows { oldest: late.at, newest: late.at }, &all, usize::MAX);
        assert_eq!(known, flights(&all));
        assert_eq!(taken, 3);
    }

    #[test]
    fn flights_whose_rows_may_be_deleted_are_not_rebuilt() {
        let all = sightings(&[SightingParts::airborne(60, 1), SightingParts::airborne(60, 1)]);
        let flight = flights(&all).remove(0);
        let late = LateRows { oldest: flight.last_seen, newest: flight.last_seen };
        let rebuild = |late, before, horizon| Rebuild::new(late, before, UnixTime(horizon), GAP);
        assert!(rebuild(late, Some(flight.clone()), flight.first_seen.0).is_some());
        assert!(rebuild(late, Some(flight.clone()), flight.first_seen.0 + 1).is_none());
        assert_eq!(late.since(UnixTime(late.newest.0 + 1)), None);
        // The late rows continue the flight, which can be extended without its rows.
        let after = UnixTime(flight.last_seen.0 + 60);
        assert!(rebuild(LateRows { oldest: after, newest: after }, Some(flight.clone()), after.0).is_some());
    }
}
