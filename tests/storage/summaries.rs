//! Summaries of the stored rows: flights, and the traffic of each hour.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actors::domain::{Flight, Icao24, Sighting, StateVector, UnixTime, fields};
use actors::history::FlightLog;
use actors::ports::StateStore;
use flight_monitor::storage::{FlightQuery, Storage, StorageOptions, Writer};
use futures_util::future::join;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};

use crate::databases::TestDatabase;
use crate::sample::{START, batch, hints, part, state};
use crate::statistics::expected;

const HOUR: i64 = 60 * 60;
const ALL_FLIGHTS: FlightQuery = FlightQuery {
    from: UnixTime(0),
    to: UnixTime(i64::MAX),
    icao24: Vec::new(),
    callsign: None,
    after: None,
    limit: 100_000,
};
const GAP: Duration = Duration::from_secs(30 * 60);

/// Returns options with small steps and a retention that keeps old rows.
pub(crate) fn options() -> StorageOptions {
    StorageOptions {
        retention: Duration::from_secs(36_500 * 24 * 60 * 60),
        summary_retention: Duration::from_secs(36_500 * 24 * 60 * 60),
        maintenance_rows: 200,
        // Long enough that no step fails on an overloaded machine.
        maintenance_timeout: Duration::from_secs(60),
        ..StorageOptions::default()
    }
}

/// A partition that is stored by several writers in turn.
pub(crate) struct Sky<D> {
    database: D,
    storage: Storage,
    writers: Vec<Writer>,
    next_offset: Option<i64>,
    stored: BTreeMap<(Icao24, UnixTime), StateVector>,
}

impl<D: TestDatabase> Sky<D> {
    async fn new(options: StorageOptions, writers: usize) -> Self {
        let database = D::new().await;
        let storage = database.storage_with(options);
        storage.migrate().await.unwrap();
        let writers = (0..writers).map(|_| storage.writer()).collect();
        Self { database, storage, writers, next_offset: None, stored: BTreeMap::new() }
    }

    /// Takes over a database that another process has stored up to this offset.
    pub(crate) fn taken_over(database: D, next_offset: i64) -> Self {
        let storage = database.storage_with(options());
        let writers = vec![storage.writer()];
        Self { database, storage, writers, next_offset: Some(next_offset), stored: BTreeMap::new() }
    }

    pub(crate) async fn store(&mut self, writer: usize, states: Vec<StateVector>) {
        for state in &states {
            self.stored.entry((state.icao24, state.last_contact)).or_insert_with(|| state.clone());
        }
        let batch = batch(vec![part(0, self.next_offset, states)]);
        self.next_offset = Some(batch.parts[0].next_offset);
        // Wrong hints must not affect the result.
        let likely_new = hints(&batch, batch.states().is_multiple_of(2));
        assert_eq!(self.writers[writer].store(&batch, &likely_new).await.unwrap().fenced, []);
    }

    /// Stores a row so new that everything before it is settled, and runs maintenance until nothing is left to do.
    pub(crate) async fn settle(&mut self) {
        let newest = self.stored.keys().map(|(_, at)| at.0).max().unwrap();
        let ground = StateVector { on_ground: Some(true), ..state(0xff_ffff, newest + 2 * HOUR, "GROUND") };
        self.store(0, vec![ground]).await;
        self.work(0).await;
    }

    async fn work(&self, writer: usize) {
        for _ in 0..100_000 {
            if !self.writers[writer].maintain().await.unwrap().more {
                return;
            }
        }
        panic!("maintenance does not end");
    }

    async fn flights(&self) -> Vec<Flight> {
        self.storage.flights(&ALL_FLIGHTS).await.unwrap()
    }

    /// Asserts that flights and traffic match all the rows before the settling row.
    pub(crate) async fn assert_exact(&self) {
        let settled = |state: &&StateVector| state.icao24 != Icao24::from_u32(0xff_ffff);
        let states: Vec<_> = self.stored.values().filter(settled).cloned().collect();
        assert_eq!(self.flights().await, flights(&states));
        let (mut countries, mut cells) = expected(&states);
        let mut hours: BTreeMap<i64, i64> = BTreeMap::new();
        for ((hour, _), (count, _)) in &countries {
            *hours.entry(*hour).or_default() += count;
        }
        let everything = (UnixTime(0), UnixTime(START + 1000 * HOUR));
        let found = self.storage.traffic_by_hour(everything.0, everything.1, 100_000).await.unwrap();
        let found: BTreeMap<_, _> = found.iter().map(|found| (found.hour.0, found.states)).collect();
        assert!(hours.iter().all(|(hour, states)| found.get(hour) == Some(states)), "{found:?} {hours:?}");
        for found in self.storage.traffic_by_country(everything.0, everything.1, 100_000).await.unwrap() {
            let key = (found.hour.0, found.origin_country);
            if let Some(count) = countries.remove(&key) {
                assert_eq!((found.states, found.aircraft), count, "{key:?}");
            } else {
                // Comes from a settling row.
                assert_eq!((key.1, found.states, found.aircraft), (None, 1, 1), "{}", key.0);
            }
        }
        for found in self.storage.traffic_by_cell(everything.0, everything.1, 100_000).await.unwrap() {
            let key = (found.hour.0, found.lat, found.lon);
            assert_eq!(Some((found.states, found.aircraft)), cells.remove(&key), "{key:?}");
        }
        assert_eq!((countries, cells), Default::default());
    }
}

/// Computes the flights of these states in one pass.
fn flights(states: &[StateVector]) -> Vec<Flight> {
    let mut aircraft: BTreeMap<Icao24, Vec<Sighting>> = BTreeMap::new();
    for state in states {
        aircraft.entry(state.icao24).or_default().push(Sighting::from(state));
    }
    let mut flights = Vec::new();
    for sightings in aircraft.values() {
        let mut log = FlightLog::after(None, GAP);
        sightings.iter().for_each(|sighting| log.add(sighting));
        flights.extend(log.flights());
    }
    flights.sort_by_key(|flight| (flight.first_seen, flight.icao24));
    flights
}

/// Generates the states of some aircraft over some hours, ordered by time, with pauses, landings and changes of
/// callsign.
pub(crate) fn traffic(seed: u64, aircraft: u32, hours: i64) -> Vec<StateVector> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut states = Vec::new();
    for icao24 in 0..aircraft {
        let mut time = START + random.random_range(0..HOUR);
        let (mut lat, mut lon) = (random.random_range(-80.0..80.0), random.random_range(-180.0..180.0));
        let mut leg = 0;
        while time < START + hours * HOUR {
            let on_ground = random.random_bool(0.05);
            leg += u32::from(random.random_bool(0.03));
            lat = f64::clamp(lat + random.random_range(-0.5..0.5), -90.0, 90.0);
            lon = (lon + random.random_range(-0.5..0.9) + 540.0_f64).rem_euclid(360.0) - 180.0;
            let known = random.random_bool(0.9);
            states.push(StateVector {
                callsign: random.random_bool(0.8).then(|| format!("FM{icao24}{leg}").into()),
                origin_country: (icao24 % 5 > 0).then(|| format!("Country {}", icao24 % 5).into()),
                lat: known.then(|| fields::lat.rounded(lat)),
                lon: known.then(|| fields::lon.rounded(lon)),
                baro_altitude: random.random_bool(0.9).then(|| f64::from(random.random_range(0..1_200_000)) / 100.0),
                geo_altitude: Some(123.0),
                on_ground: Some(on_ground),
                ..state(icao24, time, "")
            });
            time +=
                if random.random_bool(0.03) { random.random_range(1700..6000) } else { random.random_range(10..200) };
        }
    }
    states.sort_by_key(|state| (state.last_contact, state.icao24));
    states
}

async fn flights_and_traffic_match_the_rows<D: TestDatabase>() {
    let mut sky = Sky::<D>::new(options(), 1).await;
    for states in traffic(1, 20, 5).chunks(150) {
        sky.store(0, states.to_vec()).await;
        sky.work(0).await;
    }
    assert_eq!(sky.database.count("derived_late_aircraft").await, 0);
    sky.settle().await;
    sky.assert_exact().await;
    assert!(sky.flights().await.len() > 100);
}

async fn late_rows_and_duplicates_give_the_same_summaries<D: TestDatabase>() {
    let mut random = StdRng::seed_from_u64(2);
    let mut sky = Sky::<D>::new(options(), 1).await;
    let all = traffic(3, 12, 6);
    let (late, in_time): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|_| random.random_bool(0.15));
    sky.store(0, in_time).await;
    sky.settle().await;
    sky.assert_exact().await;
    // Stored in three batches, in random order and mixed with rows that are already stored. Duplicates change nothing.
    let mut late: Vec<_> = late.into_iter().chain(all.choose_multiple(&mut random, 100).cloned()).collect();
    late.shuffle(&mut random);
    for states in late.chunks(late.len() / 3 + 1) {
        sky.store(0, states.to_vec()).await;
        sky.work(0).await;
        sky.assert_exact().await;
    }
    sky.store(0, late).await;
    assert_eq!(sky.database.count("derived_late_aircraft").await, 0);
    assert_eq!(sky.database.count("derived_late_hours").await, 0);
    // Rows that are much older than all others, like those of an import.
    let import = traffic(4, 12, 5).into_iter();
    let import = import.map(|state| StateVector { last_contact: UnixTime(state.last_contact.0 - 48 * HOUR), ..state });
    sky.store(0, import.collect()).await;
    sky.work(0).await;
    sky.assert_exact().await;
}

async fn two_replicas_summarize_each_row_once<D: TestDatabase>() {
    let mut sky = Sky::<D>::new(options(), 2).await;
    let mut random = StdRng::seed_from_u64(5);
    for (i, states) in traffic(6, 15, 4).chunks(120).enumerate() {
        let mut states = states.to_vec();
        states.shuffle(&mut random);
        sky.store(i % 2, states).await;
        let [one, two] = [&sky.writers[0], &sky.writers[1]];
        let both = Box::pin(join(one.maintain(), two.maintain())).await;
        both.0.unwrap();
        both.1.unwrap();
    }
    sky.settle().await;
    sky.work(1).await;
    sky.assert_exact().await;
}

async fn expired_rows_and_summaries_are_deleted<D: TestDatabase>() {
    let day = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    let mut sky = Sky::<D>::new(options(), 1).await;
    let now = UnixTime::now().0;
    let ages = [40, 20, 5];
    for age in ages {
        let at = now - age * 24 * HOUR;
        sky.store(
            0,
            (0..3)
                .map(|i| StateVector { lat: Some(1.0), lon: Some(1.0), ..state(age as u32, at + i, "OLD") })
                .collect(),
        )
        .await;
    }
    sky.store(0, vec![state(0xff_ffff, now, "NOW")]).await;
    sky.work(0).await;
    assert_eq!(sky.flights().await.len(), 3);
    // The flights outlive their rows.
    for (retention, summary_retention, rows, flights) in
        [(day(10), day(60), 4, 3), (day(10), day(30), 4, 2), (day(1), day(10), 1, 1)]
    {
        let storage = sky.database.storage_with(StorageOptions { retention, summary_retention, ..options() });
        sky.writers[0] = storage.writer();
        sky.work(0).await;
        assert_eq!(sky.flights().await.len(), flights);
        if D::KEEPS_TRAFFIC {
            assert_eq!(sky.database.count("state_vectors").await, rows);
            assert_eq!(sky.database.count("traffic_by_cell").await, flights as i64);
        }
    }
}

async fn late_rows_do_not_change_flights_whose_start_is_deleted<D: TestDatabase>() {
    let mut sky = Sky::<D>::new(options(), 1).await;
    let now = UnixTime::now().0;
    sky.store(0, (0..20).map(|i| state(1, now - 3 * HOUR + i * 360, "FLIGHT")).collect()).await;
    sky.store(0, vec![state(0xff_ffff, now, "NOW")]).await;
    sky.work(0).await;
    let before = sky.flights().await;
    assert_eq!(before[0].states, 20);
    let retention = Duration::from_secs(2 * 60 * 60);
    sky.writers[0] = sky.database.storage_with(StorageOptions { retention, ..options() }).writer();
    sky.store(0, vec![state(1, now - 5000, "FLIGHT"), state(1, now - 10_000, "FLIGHT")]).await;
    sky.work(0).await;
    assert_eq!(sky.flights().await, before);
    assert_eq!(sky.database.count("derived_late_aircraft").await, 0);
}

async fn the_cursor_starts_where_the_rows_do<D: TestDatabase>() {
    // These rows are older than the migration that adds flights.
    let mut sky = Sky::<D>::new(options(), 1).await;
    sky.store(0, traffic(7, 5, 3)).await;
    while sky.storage.flights(&ALL_FLIGHTS).await.is_ok() {
        sky.database.revert(false).await;
    }
    sky.storage.migrate_and_convert(Arc::new(|_| ())).await.unwrap();
    sky.writers = vec![sky.storage.writer()];
    sky.settle().await;
    sky.assert_exact().await;
}

async fn flights_are_found_by_time_aircraft_and_callsign<D: TestDatabase>() {
    let mut sky = Sky::<D>::new(options(), 1).await;
    sky.store(0, traffic(8, 10, 4)).await;
    sky.settle().await;
    let all = sky.flights().await;
    let query = FlightQuery {
        from: UnixTime(START + HOUR),
        to: UnixTime(START + 2 * HOUR),
        icao24: Vec::new(),
        callsign: None,
        after: None,
        limit: 1000,
    };
    let check = async |query: &FlightQuery, keep: &dyn Fn(&Flight) -> bool| {
        let expected: Vec<_> = all
            .iter()
            .filter(|flight| flight.last_seen >= query.from && flight.first_seen <= query.to && keep(flight))
            .cloned()
            .collect();
        assert!(!expected.is_empty());
        assert_eq!(sky.storage.flights(query).await.unwrap(), expected);
        // The same query page by page.
        let mut paged = Vec::new();
        let mut query = FlightQuery { limit: 3, ..query.clone() };
        loop {
            let page = sky.storage.flights(&query).await.unwrap();
            let Some(last) = page.last() else { break };
            query.after = Some((last.first_seen, last.icao24));
            paged.extend(page);
        }
        assert_eq!(paged, expected);
    };
    check(&query, &|_| true).await;
    let aircraft = [3, 4].map(Icao24::from_u32);
    check(&FlightQuery { icao24: aircraft.to_vec(), ..query.clone() }, &|flight| aircraft.contains(&flight.icao24))
        .await;
    let callsign = all.iter().find_map(|flight| flight.callsign.clone()).unwrap();
    let everything = FlightQuery { from: UnixTime(i64::MIN), to: UnixTime(i64::MAX), ..query.clone() };
    let called = FlightQuery { callsign: Some(callsign.to_string()), ..everything };
    check(&called, &|flight| flight.callsign.as_ref() == Some(&callsign)).await;
    let lower = FlightQuery { callsign: Some(callsign.to_lowercase().to_string()), ..called };
    check(&lower, &|flight| flight.callsign.as_ref() == Some(&callsign)).await;
    assert_eq!(sky.storage.flights(&FlightQuery { callsign: Some("NOBODY".into()), ..query }).await.unwrap(), []);
    assert_eq!(sky.storage.traffic_by_country(UnixTime(START), UnixTime(START + 1), 2).await.unwrap().len(), 2);
}

on_each_database! {
    flights_and_traffic_match_the_rows
    late_rows_and_duplicates_give_the_same_summaries
    two_replicas_summarize_each_row_once
    expired_rows_and_summaries_are_deleted
    late_rows_do_not_change_flights_whose_start_is_deleted
    the_cursor_starts_where_the_rows_do
    flights_are_found_by_time_aircraft_and_callsign
}
