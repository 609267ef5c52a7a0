//! The hourly statistics, and the newest state of each aircraft.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use actors::domain::{StateVector, UnixTime};
use actors::ports::StateStore;
use flight_monitor::storage::{Hypertable, Statistics, Storage, StorageOptions};

use crate::databases::{Postgres, Sqlite, TestDatabase, Timescale};
use crate::sample::{START, batch, hints, part, poll, state};

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;
const TABLES: [&str; 2] = ["traffic_by_country", "traffic_by_cell"];

/// States and aircraft, by hour and country.
pub(crate) type ByCountry = BTreeMap<(i64, Option<String>), (i64, i64)>;
/// States and aircraft, by hour and cell.
pub(crate) type ByCell = BTreeMap<(i64, i16, i16), (i64, i64)>;

/// Computes the statistics of these states independently of the databases.
pub(crate) fn expected(states: &[StateVector]) -> (ByCountry, ByCell) {
    let mut countries: BTreeMap<_, (i64, BTreeSet<_>)> = BTreeMap::new();
    let mut cells: BTreeMap<_, (i64, BTreeSet<_>)> = BTreeMap::new();
    for state in states {
        let hour = state.last_contact.0.div_euclid(HOUR) * HOUR;
        let country = countries.entry((hour, state.origin_country.as_ref().map(ToString::to_string))).or_default();
        country.0 += 1;
        country.1.insert(state.icao24);
        if let (Some(lat), Some(lon)) = (state.lat, state.lon) {
            let edge = |degrees: f64| (degrees / 5.0).floor() as i16 * 5;
            let lon = if lon == 180.0 { -180 } else { edge(lon) };
            let cell = cells.entry((hour, edge(lat).min(85), lon)).or_default();
            cell.0 += 1;
            cell.1.insert(state.icao24);
        }
    }
    fn counts<K: Ord, A>(groups: BTreeMap<K, (i64, BTreeSet<A>)>) -> BTreeMap<K, (i64, i64)> {
        groups.into_iter().map(|(key, (states, aircraft))| (key, (states, aircraft.len() as i64))).collect()
    }
    (counts(countries), counts(cells))
}

/// Reads the statistics from PostgreSQL.
pub(crate) async fn found(database: &Postgres) -> (ByCountry, ByCell) {
    let client = database.client().await;
    let hour = "extract(epoch FROM hour)::bigint";
    let countries = format!("SELECT {hour}, origin_country, states, aircraft FROM traffic_by_country");
    let cells = format!("SELECT {hour}, lat, lon, states, aircraft FROM traffic_by_cell");
    let countries = client.query(&countries, &[]).await.unwrap();
    let cells = client.query(&cells, &[]).await.unwrap();
    (
        countries.iter().map(|row| ((row.get(0), row.get(1)), (row.get(2), row.get(3)))).collect(),
        cells.iter().map(|row| ((row.get(0), row.get(1), row.get(2)), (row.get(3), row.get(4)))).collect(),
    )
}

/// Generates aircraft around the world over three hours, including its edges and some without a position or country.
pub(crate) fn around_the_world() -> Vec<StateVector> {
    let places = [
        Some((47.4, 8.5)),
        Some((45.0, 5.0)),
        Some((44.999_999, 5.0)),
        Some((90.0, 180.0)),
        Some((-90.0, -180.0)),
        Some((-0.1, -0.1)),
        Some((0.0, 179.999)),
        None,
    ];
    let countries = [Some("Switzerland"), Some("Côte d'Ivoire"), None];
    (0..240)
        .map(|i| {
            let place = places[i % places.len()];
            StateVector {
                origin_country: countries[i / 7 % countries.len()].map(Into::into),
                lat: place.map(|place| place.0),
                lon: place.map(|place| place.1),
                ..state(i as u32 % 11, START + i as i64 * 40, "WORLD")
            }
        })
        .collect()
}

async fn store(storage: &Storage, expected: Option<i64>, states: Vec<StateVector>) {
    let batch = batch(vec![part(0, expected, states)]);
    storage.writer().store(&batch, &hints(&batch, false)).await.unwrap();
}

async fn refresh(database: &Timescale) {
    for name in TABLES {
        database.execute(&format!("CALL refresh_continuous_aggregate('{name}', NULL, NULL)")).await;
    }
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn continuous_aggregates_count_each_hour_and_late_rows_with_the_next_refresh() {
    let database = Timescale::new().await;
    let storage = database.storage();
    assert_eq!(storage.migrate().await.unwrap().statistics, Statistics::Changed);
    assert_eq!(storage.migrate().await.unwrap().statistics, Statistics::Present);
    let mut states = around_the_world();
    store(&storage, None, states.clone()).await;
    // Hours that were never refreshed are counted at query time.
    assert_eq!(found(&database.0).await, expected(&states));
    refresh(&database).await;
    assert_eq!(found(&database.0).await, expected(&states));
    let late = StateVector { origin_country: Some("Chad".into()), ..state(99, START + 1, "LATE") };
    store(&storage, Some(240), vec![late.clone(), states[0].clone()]).await;
    states.push(late);
    refresh(&database).await;
    assert_eq!(found(&database.0).await, expected(&states));
}

const JOBS: &str = "
SELECT hypertable_name::text, extract(epoch FROM (config ->> 'start_offset')::interval)::bigint,
    extract(epoch FROM (config ->> 'drop_after')::interval)::bigint
FROM timescaledb_information.jobs
WHERE hypertable_schema = current_schema() AND hypertable_name LIKE 'traffic%' ORDER BY 1, 2";

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn aggregates_are_refreshed_back_to_the_first_row_and_kept_as_configured() {
    let database = Timescale::new().await;
    for (retention, kept, reach, statistics) in [
        (30 * DAY, 365 * DAY, 30 * DAY - 2 * HOUR, Statistics::Changed),
        (30 * DAY, 365 * DAY, 30 * DAY - 2 * HOUR, Statistics::Present),
        (30 * DAY, 90 * DAY, 30 * DAY - 2 * HOUR, Statistics::Changed),
        (2 * HOUR, 90 * DAY, 3 * HOUR, Statistics::Changed),
    ] {
        let [retention, summary_retention] = [retention, kept].map(|seconds| Duration::from_secs(seconds as u64));
        let options = StorageOptions { retention, summary_retention, ..StorageOptions::default() };
        let storage = database.storage_with(options);
        assert_eq!(storage.migrate().await.unwrap().statistics, statistics, "{reach} {kept}");
        let jobs = database.0.client().await.query(JOBS, &[]).await.unwrap();
        let jobs: Vec<(String, Option<i64>, Option<i64>)> =
            jobs.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        let both = |name: &str| [(name.to_owned(), Some(reach), None), (name.to_owned(), None, Some(kept))];
        assert_eq!(jobs, [both("traffic_by_cell"), both("traffic_by_country")].concat());
    }
    // Runs the jobs as the background workers would.
    store(&database.storage(), None, poll(5, UnixTime::now().0 - 3 * HOUR)).await;
    let ids = "SELECT job_id FROM timescaledb_information.jobs
        WHERE hypertable_schema = current_schema() AND hypertable_name LIKE 'traffic%'";
    for row in database.0.client().await.query(ids, &[]).await.unwrap() {
        database.execute(&format!("CALL run_job({})", row.get::<_, i32>(0))).await;
    }
    assert_eq!(database.count("traffic_by_country").await, 1);
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn tables_become_continuous_aggregates_and_keep_hours_whose_rows_have_expired() {
    let database = Timescale::new().await;
    database.0.make_tables().await;
    let states = around_the_world();
    store(&database.storage(), None, states.clone()).await;
    // One hour has lost all its rows, one has lost some, and one was counted incorrectly.
    database
        .execute(&format!(
            "INSERT INTO traffic_by_country VALUES
                (to_timestamp({START}) - INTERVAL '2 days', 'Chad', 7, 3), (to_timestamp({START}), NULL, 1000, 12),
                (to_timestamp({START}) + INTERVAL '1 hour', 'Nowhere', 1, 1);
             INSERT INTO traffic_by_cell VALUES (to_timestamp({START}) - INTERVAL '2 days', 10, 15, 7, 3)"
        ))
        .await;
    let migrated = database.storage().migrate().await.unwrap();
    assert_eq!((migrated.hypertable, migrated.statistics), (Hypertable::Created, Statistics::Changed));
    let (mut countries, mut cells) = expected(&states);
    countries.retain(|(hour, _), _| *hour > START);
    countries.insert((START - 2 * DAY, Some("Chad".into())), (7, 3));
    countries.insert((START, None), (1000, 12));
    cells.retain(|(hour, ..), _| *hour > START);
    cells.insert((START - 2 * DAY, 10, 15), (7, 3));
    let (found_countries, mut found_cells) = found(&database.0).await;
    // The hour of the oldest row has no counts by cell.
    found_cells.retain(|(hour, ..), _| *hour != START);
    assert_eq!((found_countries, found_cells), (countries, cells));
    let uncommented = "SELECT count(*) FROM pg_attribute
        WHERE attrelid IN ('traffic_by_country'::regclass, 'traffic_by_cell'::regclass) AND attnum > 0
        AND coalesce(col_description(attrelid, attnum), '') = ''";
    assert_eq!(database.0.client().await.query_one(uncommented, &[]).await.unwrap().get::<_, i64>(0), 0);
}

async fn the_latest_states_are_one_per_recently_heard_aircraft<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let now = UnixTime::now().0;
    let states = [poll(20, now - 2000), poll(10, now - 600), poll(5, now - 60)].concat();
    store(&storage, None, states).await;
    assert_eq!(database.count("latest_states").await, 10);
    // The older states of the five aircraft that were heard again are not included.
    assert_eq!(database.count("(SELECT DISTINCT icao24 FROM latest_states) AS aircraft").await, 10);
    let newest = "(SELECT 1 FROM latest_states GROUP BY last_contact HAVING count(*) = 5) AS times";
    assert_eq!(database.count(newest).await, 2);
    // An aircraft that has left a box is no longer found in it.
    let moving =
        |seconds_ago, lat| StateVector { lat: Some(lat), lon: Some(1.0), ..poll(1, now - seconds_ago).remove(0) };
    store(&storage, Some(35), vec![moving(30, -70.0), moving(20, -80.0)]).await;
    for (south, found) in [(-75, 0), (-85, 1)] {
        let inside = format!("(SELECT 1 FROM latest_states WHERE lat BETWEEN {south} AND {south} + 10) AS inside");
        assert_eq!(database.count(&inside).await, found);
    }
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn the_latest_states_are_one_per_recently_heard_aircraft_on_postgresql() {
    the_latest_states_are_one_per_recently_heard_aircraft::<Postgres>().await;
}

#[actix_rt::test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
async fn the_latest_states_are_one_per_recently_heard_aircraft_on_timescaledb() {
    the_latest_states_are_one_per_recently_heard_aircraft::<Timescale>().await;
}

#[actix_rt::test]
async fn the_latest_states_are_one_per_recently_heard_aircraft_on_sqlite() {
    the_latest_states_are_one_per_recently_heard_aircraft::<Sqlite>().await;
}
