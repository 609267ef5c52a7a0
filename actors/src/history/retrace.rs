use std::collections::BTreeSet;
use std::time::Duration;

use super::flight_log::FlightLog;
use crate::domain::{Flight, Sighting, UnixTime};

/// Rows of one aircraft that came behind the cursor: the flights that they touch are made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LateRows {
    /// The oldest of them.
    pub oldest: UnixTime,
    /// The newest of them.
    pub newest: UnixTime,
}

impl LateRows {
    /// Those of them that are not older than `horizon`.
    pub fn since(self, horizon: UnixTime) -> Option<Self> {
        (self.newest >= horizon).then(|| Self { oldest: self.oldest.max(horizon), ..self })
    }
}

/// Makes one aircraft's flights anew, from before its late rows on until they are as they were.
#[derive(Debug)]
pub struct Retrace {
    log: FlightLog,
    late: LateRows,
    from: UnixTime,
    /// When the known flights after the late rows begin.
    later: BTreeSet<UnixTime>,
    /// How many sightings are to be taken at most, give or take a flight.
    limit: usize,
    taken: usize,
    until: Option<UnixTime>,
    finished: bool,
}

/// What takes the place of an aircraft's flights.
#[derive(Clone, Debug, PartialEq)]
pub struct Retraced {
    /// Flights that begin from here on …
    pub from: UnixTime,
    /// … and before here, where there is an end, are no longer true.
    pub until: Option<UnixTime>,
    /// The true ones; the first of them may have begun before, and then went on.
    pub flights: Vec<Flight>,
    /// What is left for later.
    pub rest: Option<LateRows>,
}

impl Retrace {
    /// `before` is the aircraft's last known flight that begins at or before the oldest of the late rows, which are not
    /// older than `horizon`. `None`: rows before it may be gone, and without them nothing better can be known.
    pub fn new(late: LateRows, before: Option<Flight>, horizon: UnixTime, gap: Duration) -> Option<Self> {
        let (from, last) = match before {
            // It goes on after its last state as if nothing had been known after it.
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

    /// When the known flights begin that begin after the newest of the late rows: at one of these it may end early.
    #[must_use]
    pub fn knowing(self, later: BTreeSet<UnixTime>) -> Self {
        Self { later, ..self }
    }

    /// Leaves the rest for later after so many sightings, when the next flight begins.
    #[must_use]
    pub fn at_most(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Where the sightings are to start.
    pub fn from(&self) -> UnixTime {
        self.from
    }

    /// How many sightings it took.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// Takes the next sighting, and says whether more are wanted.
    pub fn add(&mut self, sighting: &Sighting) -> bool {
        if self.log.begins_with(sighting) {
            // From a beginning on, flights depend on nothing before it.
            let as_before = sighting.at > self.late.newest && self.later.contains(&sighting.at);
            let enough = self.taken >= self.limit && sighting.at > self.late.oldest;
            if as_before || enough {
                self.until = Some(sighting.at);
                self.finished = as_before;
                return false;
            }
        }
        self.taken += 1;
        self.log.add(sighting);
        true
    }

    /// What came of it.
    pub fn end(self) -> Retraced {
        let oldest = self.until.filter(|_| !self.finished);
        let newest = self.late.newest;
        let rest = oldest.map(|oldest| LateRows { oldest, newest: newest.max(oldest) });
        Retraced { from: self.from, until: self.until, flights: self.log.flights(), rest }
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

    /// Brings the flights up to date as a store does, and says how many sightings that took.
    fn retrace(known: &mut Vec<Flight>, late: LateRows, seen: &[Sighting], limit: usize) -> usize {
        let mut taken = 0;
        let mut left = Some(late);
        let mut rounds = 0;
        while let Some(late) = left {
            rounds += 1;
            assert!(rounds <= seen.len() + 1, "it does not get on");
            let before = known.iter().rfind(|flight| flight.first_seen <= late.oldest).cloned();
            let later = known.iter().map(|flight| flight.first_seen).filter(|first| *first > late.newest).collect();
            let mut retrace = Retrace::new(late, before, UnixTime(0), GAP).unwrap().knowing(later).at_most(limit);
            let from = retrace.from();
            let _ = seen.iter().filter(|sighting| sighting.at >= from).all(|sighting| retrace.add(sighting));
            taken += retrace.taken();
            let Retraced { from, until, flights, rest } = retrace.end();
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
        fn late_rows_lead_to_the_flights_that_they_would_have_led_to_in_time(
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
                retrace(&mut known, rows, &all, limit);
                prop_assert_eq!(&known, &flights(&all));
            }
        }
    }

    #[test]
    fn it_ends_where_the_flights_are_as_they_were() {
        let parts: Vec<_> = (0..50).flat_map(|_| [(3600, 1), (60, 1), (60, 1)]).collect();
        let all =
            sightings(&parts.iter().map(|&(pause, name)| SightingParts::airborne(pause, name)).collect::<Vec<_>>());
        let mut in_time = all.clone();
        let late = in_time.remove(31);
        let mut known = flights(&in_time);
        let taken = retrace(&mut known, LateRows { oldest: late.at, newest: late.at }, &all, usize::MAX);
        assert_eq!(known, flights(&all));
        assert_eq!(taken, 3);
    }

    #[test]
    fn what_may_be_gone_in_part_is_left_as_it_is() {
        let all = sightings(&[SightingParts::airborne(60, 1), SightingParts::airborne(60, 1)]);
        let flight = flights(&all).remove(0);
        let late = LateRows { oldest: flight.last_seen, newest: flight.last_seen };
        let retrace = |late, before, horizon| Retrace::new(late, before, UnixTime(horizon), GAP);
        assert!(retrace(late, Some(flight.clone()), flight.first_seen.0).is_some());
        assert!(retrace(late, Some(flight.clone()), flight.first_seen.0 + 1).is_none());
        assert_eq!(late.since(UnixTime(late.newest.0 + 1)), None);
        // What comes after it needs no row of it.
        let after = UnixTime(flight.last_seen.0 + 60);
        assert!(retrace(LateRows { oldest: after, newest: after }, Some(flight.clone()), after.0).is_some());
    }
}
