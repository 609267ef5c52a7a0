use std::collections::BTreeSet;
use std::time::Duration;

use super::flight_log::FlightLog;
use crate::domain::{Flight, Sighting, UnixTime};

/// Rows of one aircraft that were stored behind the cursor: the flights that they touch are rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LateRows {
    /// The oldest of them.
    pub oldest: UnixTime,
    /// The newest of them.
    pub newest: UnixTime,
}

impl LateRows {
    /// The part of them that is not older than `horizon`.
    pub(super) fn since(self, horizon: UnixTime) -> Option<Self> {
        (self.newest >= horizon).then(|| Self { oldest: self.oldest.max(horizon), ..self })
    }
}

/// Rebuilds one aircraft's flights, from just before its late rows until a known flight starts unchanged.
#[derive(Debug)]
pub(super) struct Rebuild {
    log: FlightLog,
    late: LateRows,
    from: UnixTime,
    /// When the known flights after the late rows start.
    later: BTreeSet<UnixTime>,
    /// How many sightings to take, rounded up to whole flights.
    limit: usize,
    taken: usize,
    until: Option<UnixTime>,
    finished: bool,
}

/// What replaces an aircraft's flights.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rebuilt {
    /// The flights that started from here …
    pub(super) from: UnixTime,
    /// … until before here, where there is an end, are replaced …
    pub(super) until: Option<UnixTime>,
    /// … by these. The first of them may have started before `from` and continues.
    pub(super) flights: Vec<Flight>,
    /// What a later step has to rebuild.
    pub(super) rest: Option<LateRows>,
}

impl Rebuild {
    /// `before` is the aircraft's last known flight that started at or before the oldest of the late rows, which are not
    /// older than `horizon`. `None`: rows before `horizon` may be deleted, and the flight cannot be rebuilt without them.
    pub(super) fn new(late: LateRows, before: Option<Flight>, horizon: UnixTime, gap: Duration) -> Option<Self> {
        let (from, last) = match before {
            // It continues after its last state as if nothing were known after it.
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

    /// Ends early where one of these known flights starts, which start after the newest of the late rows.
    #[must_use]
    pub(super) fn until_one_of(self, later: BTreeSet<UnixTime>) -> Self {
        Self { later, ..self }
    }

    /// Leaves the rest for a later step once `limit` sightings are taken and the next flight starts.
    #[must_use]
    pub(super) fn at_most(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// The time of the first sighting to take.
    pub(super) fn from(&self) -> UnixTime {
        self.from
    }

    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Takes the next sighting; `false` once it needs no more.
    pub(super) fn add(&mut self, sighting: &Sighting) -> bool {
        if self.log.starts_with(sighting) {
            // A flight depends on nothing before its start.
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

    /// Brings the flights up to date in steps and returns how many sightings that took.
    fn rebuild(known: &mut Vec<Flight>, late: LateRows, seen: &[Sighting], limit: usize) -> usize {
        let mut taken = 0;
        let mut left = Some(late);
        let mut rounds = 0;
        while let Some(late) = left {
            rounds += 1;
            assert!(rounds <= seen.len() + 1, "no progress");
            let before = known.iter().rfind(|flight| flight.first_seen <= late.oldest).cloned();
            let later = known.iter().map(|flight| flight.first_seen).filter(|first| *first > late.newest).collect();
            let mut rebuild = Rebuild::new(late, before, UnixTime(0), GAP).unwrap().until_one_of(later).at_most(limit);
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
        fn late_rows_give_the_flights_that_rows_in_time_give(
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
        // Later rows continue the flight without its rows.
        let after = UnixTime(flight.last_seen.0 + 60);
        assert!(rebuild(LateRows { oldest: after, newest: after }, Some(flight.clone()), after.0).is_some());
    }
}
