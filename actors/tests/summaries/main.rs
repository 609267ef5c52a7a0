//! Summaries of stored rows, computed over an in-memory database. They are the same whatever the batches, the steps and
//! the crashes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod store;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use actors::domain::{Flight, Icao24, Point, Sighting, UnixTime};
use actors::history::{FlightLog, HOUR, Summarizer, SummaryOptions, hour_of};
use proptest::collection::vec;
use proptest::prelude::*;

use store::{Crash, Tables, count};

const START: i64 = 1_750_000_000;
const GAP: Duration = Duration::from_secs(30 * 60);
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

fn options(max_rows: u32) -> SummaryOptions {
    SummaryOptions { flight_gap: GAP, retention: CENTURY, summary_retention: CENTURY, max_rows }
}

/// A row, and whether it arrives late.
#[derive(Clone, Debug)]
struct Arrival {
    row: Sighting,
    late: bool,
}

/// Generates rows of a few aircraft in order of time, with pauses, landings and changes of callsign.
fn traffic() -> impl Strategy<Value = Vec<Arrival>> {
    let pause = prop_oneof![12 => 0i64..300, 2 => 1700i64..1900, 1 => 2000i64..20_000];
    let callsign = prop_oneof![6 => Just(1u8), 3 => Just(0u8), 1 => Just(2u8)];
    let part = (pause, 0u32..3, callsign, prop::bool::weighted(0.2), prop::bool::weighted(0.2), any::<u8>());
    vec(part, 1..100).prop_map(|parts| {
        let mut now = START;
        let mut rows: BTreeMap<(Icao24, i64), Arrival> = BTreeMap::new();
        for (pause, aircraft, callsign, on_ground, late, number) in parts {
            now += pause;
            let row = Sighting {
                icao24: Icao24::from_u32(aircraft),
                at: UnixTime(now),
                callsign: (callsign > 0).then(|| format!("SWR{callsign}").into()),
                position: (number % 4 > 0).then(|| Point { lat: 47.0, lon: f64::from(number) / 7.0 }),
                altitude: (number % 3 > 0).then(|| f64::from(number) * 40.0),
                on_ground,
            };
            rows.insert((row.icao24, now), Arrival { row, late });
        }
        let mut rows: Vec<_> = rows.into_values().collect();
        rows.sort_by_key(|arrival| (arrival.row.at, arrival.row.icao24));
        rows
    })
}

/// An event of a schedule.
#[derive(Clone, Debug)]
enum Event {
    /// Stores this many rows that are on time.
    Store(usize),
    /// Stores this many late rows.
    StoreLate(usize),
    /// Stores this many rows again.
    Repeat(usize),
    /// A replica takes a step, which may crash.
    Step(usize, Option<Crash>),
    /// A replica's process restarts.
    Restart(usize),
    /// Nothing arrives for longer than rows need to settle, so the cursor follows the clock.
    Silence,
}

fn event(crash: impl Strategy<Value = Option<Crash>> + 'static) -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1usize..30).prop_map(Event::Store),
        2 => (1usize..6).prop_map(Event::StoreLate),
        1 => (1usize..10).prop_map(Event::Repeat),
        8 => (0usize..2, crash).prop_map(|(replica, crash)| Event::Step(replica, crash)),
        1 => (0usize..2).prop_map(Event::Restart),
        1 => Just(Event::Silence),
    ]
}

fn crash() -> impl Strategy<Value = Option<Crash>> {
    prop_oneof![
        2 => Just(None),
        2 => (0usize..60).prop_map(|call| Some(Crash::AtCall(call))),
        1 => Just(Some(Crash::AfterCommit)),
    ]
}

/// Two storing replicas on one database.
struct World {
    tables: Tables,
    replicas: [Summarizer; 2],
    options: SummaryOptions,
    now: Instant,
    /// How far the wall clock is ahead of the newest row. A backlog is stored long after its time.
    ahead: Duration,
}

impl World {
    fn new(max_rows: u32, ahead: Duration) -> Self {
        let (options, now) = (options(max_rows), Instant::now());
        let replicas = [Summarizer::new(options.clone(), now), Summarizer::new(options.clone(), now)];
        Self { tables: Tables::default(), replicas, options, now, ahead }
    }

    fn clock(&self) -> UnixTime {
        self.tables.rows.iter().map(|row| row.at).max().unwrap_or(UnixTime(START)).plus(self.ahead)
    }

    fn store(&mut self, rows: &[Sighting]) {
        self.tables.store(rows);
        if let Some(newest) = rows.iter().map(|row| row.at).max() {
            self.replicas.iter_mut().for_each(|replica| replica.stored(newest, self.now));
        }
    }

    fn step(&mut self, replica: usize, crash: Option<Crash>) -> Option<bool> {
        let time = (self.clock(), self.now);
        let more = self.tables.step(&mut self.replicas[replica], time, crash);
        self.assert_consistent();
        more
    }

    fn restart(&mut self, replica: usize) {
        self.replicas[replica] = Summarizer::new(self.options.clone(), self.now);
    }

    /// Stores a row so new that everything before it is settled, and takes steps until nothing is left to do.
    fn settle(&mut self) {
        let newest = self.tables.rows.iter().map(|row| row.at).max().unwrap();
        let at = UnixTime(newest.0 + 2 * HOUR);
        let settling = Sighting {
            icao24: Icao24::from_u32(0xff_ffff),
            at,
            callsign: None,
            position: None,
            altitude: None,
            on_ground: true,
        };
        self.store(&[settling]);
        for _ in 0..100_000 {
            if self.step(0, None) == Some(false) {
                return;
            }
        }
        panic!("the steps never end");
    }

    /// Asserts that the summaries match the rows before the cursor, unless late rows still have to be processed.
    fn assert_consistent(&self) {
        let Some(cursor) = self.tables.cursor else { return };
        let behind = self.tables.rows.iter().filter(|row| row.at < cursor);
        if self.tables.late_aircraft.is_empty() {
            let mut flights = self.tables.flights.clone();
            flights.sort_by_key(|flight| (flight.icao24, flight.first_seen));
            assert_eq!(flights, flights_of(behind.clone()));
        }
        if self.tables.late_hours.is_empty() {
            let over = |hour: UnixTime| hour.0 + HOUR <= cursor.0;
            let mut hours: Vec<_> = self.tables.hours.iter().filter(|(hour, ..)| over(*hour)).copied().collect();
            hours.sort_unstable();
            assert_eq!(hours, hours_of(behind.filter(|row| over(hour_of(row.at)))));
        }
    }
}

/// Returns the flights of these rows, by aircraft and time.
fn flights_of<'a>(rows: impl Iterator<Item = &'a Sighting>) -> Vec<Flight> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|row| (row.icao24, row.at));
    let of_aircraft = |rows: &[&Sighting]| {
        let mut log = FlightLog::after(None, GAP);
        rows.iter().for_each(|row| log.add(row));
        log.flights()
    };
    rows.chunk_by(|one, next| one.icao24 == next.icao24).flat_map(of_aircraft).collect()
}

/// Returns the hours of these rows, each with the number of states and of different aircraft.
fn hours_of<'a>(rows: impl Iterator<Item = &'a Sighting>) -> Vec<(UnixTime, usize, usize)> {
    let mut hours: BTreeMap<UnixTime, Vec<&Sighting>> = BTreeMap::new();
    for row in rows {
        hours.entry(hour_of(row.at)).or_default().push(row);
    }
    let counts = hours.into_iter().filter_map(|(hour, rows)| Some((hour, count(rows.into_iter())?)));
    counts.map(|(hour, (states, aircraft))| (hour, states, aircraft)).collect()
}

/// Plays the events, stores the remaining rows, and settles.
fn play(traffic: &[Arrival], events: &[Event], max_rows: u32, ahead: Duration) -> Tables {
    let (late, in_time): (Vec<_>, Vec<_>) = traffic.iter().cloned().partition(|arrival| arrival.late);
    let rows = |arrivals: Vec<Arrival>| arrivals.into_iter().map(|arrival| arrival.row).collect::<Vec<_>>();
    let (mut late, mut in_time) = (rows(late), rows(in_time));
    let mut world = World::new(max_rows, ahead);
    for event in events {
        match *event {
            Event::Store(rows) => {
                let rows: Vec<_> = in_time.drain(..rows.min(in_time.len())).collect();
                world.store(&rows);
            }
            Event::StoreLate(rows) => {
                let rows: Vec<_> = late.drain(..rows.min(late.len())).collect();
                world.store(&rows);
            }
            Event::Repeat(rows) => {
                let rows: Vec<_> = world.tables.rows.iter().rev().take(rows).cloned().collect();
                world.store(&rows);
            }
            Event::Step(replica, crash) => {
                if world.step(replica, crash).is_none() && matches!(crash, Some(Crash::AfterCommit)) {
                    world.restart(replica);
                }
            }
            Event::Restart(replica) => world.restart(replica),
            Event::Silence => world.now += Duration::from_secs(10 * 60),
        }
    }
    world.store(&in_time);
    world.store(&late);
    world.settle();
    assert_eq!((&world.tables.late_aircraft[..], &world.tables.late_hours[..]), (&[][..], &[][..]));
    world.tables
}

type Summaries = (Vec<Flight>, Vec<(UnixTime, usize, usize)>);

/// Returns the summaries in the tables, sorted and without the hour of the settling row.
fn summaries(mut tables: Tables) -> Summaries {
    let settling = tables.rows.iter().map(|row| hour_of(row.at)).max();
    tables.flights.sort_by_key(|flight| (flight.icao24, flight.first_seen));
    tables.hours.sort_unstable();
    tables.hours.retain(|(hour, ..)| Some(*hour) != settling);
    (tables.flights, tables.hours)
}

fn expected(traffic: &[Arrival]) -> Summaries {
    let rows = || traffic.iter().map(|arrival| &arrival.row);
    (flights_of(rows()), hours_of(rows()))
}

fn ahead() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0), Just(4 * 60), Just(48 * 60 * 60)].prop_map(Duration::from_secs)
}

proptest! {
    #[test]
    fn summaries_do_not_depend_on_the_boundaries_of_batches_and_steps(
        traffic in traffic(), events in vec(event(Just(None)), 0..60), max_rows in 1u32..80, ahead in ahead(),
    ) {
        prop_assert_eq!(summaries(play(&traffic, &events, max_rows, ahead)), expected(&traffic));
    }

    #[test]
    fn summaries_do_not_depend_on_where_steps_crash(
        traffic in traffic(), events in vec(event(crash()), 0..80), max_rows in 1u32..80, ahead in ahead(),
    ) {
        prop_assert_eq!(summaries(play(&traffic, &events, max_rows, ahead)), expected(&traffic));
    }
}

fn airborne(seconds: i64) -> Sighting {
    Sighting {
        icao24: Icao24::from_u32(1),
        at: UnixTime(START + seconds),
        callsign: None,
        position: None,
        altitude: None,
        on_ground: false,
    }
}

#[test]
fn a_failed_step_is_followed_by_a_smaller_one() {
    let mut world = World::new(100, Duration::ZERO);
    world.store(&(0..400).map(airborne).collect::<Vec<_>>());
    world.store(&[airborne(10_000)]);
    let cursor = world.tables.cursor;
    assert_eq!(world.step(0, Some(Crash::AtCall(5))), None);
    assert_eq!(world.tables.cursor, cursor);
    let rows_of_a_step = |world: &mut World| {
        let rows = |world: &World| world.tables.flights.iter().map(|flight| flight.states).sum::<u64>();
        let before = rows(world);
        assert_eq!(world.step(0, None), Some(true));
        rows(world) - before
    };
    assert!(rows_of_a_step(&mut world) <= 2 * 25);
    while rows_of_a_step(&mut world) < 100 {}
}

#[test]
fn summaries_outlive_their_rows_until_their_own_retention_ends() {
    let day = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    let mut world = World::new(100, Duration::ZERO);
    world.store(&[airborne(0), airborne(60)]);
    world.settle();
    let before = summaries(world.tables.clone());
    assert_eq!((before.0.len(), before.1.len()), (1, 1));
    // From now on, the rows may be deleted, so a late row changes nothing.
    let mut run = |retention, summary_retention, rows: &[Sighting]| {
        world.tables.store(rows);
        let options = SummaryOptions { retention, summary_retention, ..options(100) };
        let clock = UnixTime(START).plus(day(20));
        while world.tables.step(&mut Summarizer::new(options.clone(), world.now), (clock, world.now), None).unwrap() {}
        assert_eq!((world.tables.late_aircraft.len(), world.tables.late_hours.len()), (0, 0));
        summaries(world.tables.clone())
    };
    assert_eq!(run(day(10), day(30), &[airborne(30)]), before);
    assert_eq!(run(day(10), day(15), &[]), Default::default());
}
