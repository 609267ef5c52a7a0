//! The history, compared row by row with what was stored.

use std::collections::BTreeMap;
use std::time::Duration;

use actors::domain::{BoundingBox, Icao24, StateVector, UnixTime, fields};
use actors::ports::{LikelyNew, StateStore};
use flight_monitor::storage::{HistoryQuery, QueryError, Storage, StorageOptions};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::databases::{Postgres, TestDatabase};
use crate::sample::{START, batch, every_field_known, part, poll, state};

on_each_database! {
    history_is_filtered_and_in_order
    values_are_read_unchanged
    a_history_is_read_while_it_grows
    concurrent_histories_are_limited
    history_is_unavailable_without_the_schema
}

pub(crate) const EVERYTHING: HistoryQuery = HistoryQuery {
    from: UnixTime(i64::MIN / 4),
    to: UnixTime(253_402_300_799),
    bounding_box: None,
    icao24: Vec::new(),
    callsign: None,
};

pub(crate) async fn read(storage: &Storage, query: &HistoryQuery) -> Vec<StateVector> {
    let mut reader = storage.history(query).await.unwrap();
    let mut rows = Vec::new();
    while reader.read(|row| rows.push(row.clone().into_owned())).await.unwrap() {}
    rows
}

async fn store(storage: &Storage, states: Vec<StateVector>) {
    let batch = batch(vec![part(0, None, states)]);
    storage.writer().store(&batch, &LikelyNew::default()).await.unwrap();
}

/// Generates bursts of rows, some of them dense, with minutes, days and decades between them.
fn scattered() -> Vec<StateVector> {
    let random = &mut StdRng::seed_from_u64(7);
    let callsigns = ["SWR123", "fM1", "O'HARE", "BACK\\SLASH", "RA 593A", "\"Q\",\u{e9}"];
    let mut states = Vec::new();
    let mut time = -90_000;
    for gap in [0, 59, 60, 3_600, 3_601, 90_000, 700_000_000, 5, 900_000_000, 1] {
        time += gap;
        for _ in 0..random.random_range(1..700) {
            time += random.random_range(0..3);
            let position =
                random.random_bool(0.8).then(|| (random.random_range(-90.0..90.0), random.random_range(-180.0..180.0)));
            states.push(StateVector {
                lat: position.map(|position| fields::lat.rounded(position.0)),
                lon: position.map(|position| fields::lon.rounded(position.1)),
                ..state(random.random_range(0..30), time, callsigns.choose(random).unwrap())
            });
        }
    }
    states
}

async fn history_is_filtered_and_in_order<D: TestDatabase>() {
    let (_database, storage) = D::migrated().await;
    let states = scattered();
    store(&storage, states.clone()).await;
    let mut kept = BTreeMap::new();
    for state in states {
        kept.entry((state.last_contact, state.icao24)).or_insert(state);
    }
    let times: Vec<_> = kept.keys().map(|key| key.0).collect();
    let some = vec![Icao24::from_u32(3), Icao24::from_u32(7), Icao24::from_u32(0xff_ffff)];
    let bounding_box = |text: &str| Some(text.parse::<BoundingBox>().unwrap());
    for query in [
        EVERYTHING,
        HistoryQuery { from: times[10], to: times[times.len() - 10], ..EVERYTHING },
        HistoryQuery { from: times[50], to: times[50], ..EVERYTHING },
        HistoryQuery { from: UnixTime(1_000_000), to: UnixTime(2_000_000), ..EVERYTHING },
        HistoryQuery { icao24: some.clone(), ..EVERYTHING },
        HistoryQuery { bounding_box: bounding_box("-30,-60,45.5,70"), ..EVERYTHING },
        HistoryQuery { bounding_box: bounding_box("-90,170,90,-120.25"), ..EVERYTHING },
        HistoryQuery { callsign: Some("O'HARE".to_owned()), ..EVERYTHING },
        HistoryQuery { callsign: Some("BACK\\SLASH".to_owned()), ..EVERYTHING },
        HistoryQuery { callsign: Some("swr123".to_owned()), ..EVERYTHING },
        HistoryQuery { callsign: Some("Fm1".to_owned()), ..EVERYTHING },
        HistoryQuery { callsign: Some("' OR ''='".to_owned()), ..EVERYTHING },
        HistoryQuery {
            from: times[100],
            icao24: some,
            bounding_box: bounding_box("-80,-170,80,170"),
            callsign: Some("RA 593A".to_owned()),
            ..EVERYTHING
        },
    ] {
        let asked_for = |state: &&StateVector| {
            (query.from..=query.to).contains(&state.last_contact)
                && (query.icao24.is_empty() || query.icao24.contains(&state.icao24))
                && query.callsign.as_deref().is_none_or(|callsign| {
                    state.callsign.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(callsign))
                })
                && query.bounding_box.is_none_or(|bounding_box| {
                    state.lat.zip(state.lon).is_some_and(|(lat, lon)| bounding_box.contains(lat, lon))
                })
        };
        let expected: Vec<_> = kept.values().filter(asked_for).cloned().collect();
        let found = read(&storage, &query).await;
        assert_eq!(found.len(), expected.len(), "{query:?}");
        assert_eq!(found, expected, "{query:?}");
    }
}

async fn values_are_read_unchanged<D: TestDatabase>() {
    let (_database, storage) = D::migrated().await;
    let full = StateVector {
        origin_country: Some("Côte d'Ivoire \\N \"\t\r\n;--🛩".into()),
        time_position: Some(UnixTime(-1)),
        lat: Some(-89.999_999),
        lon: Some(0.3),
        baro_altitude: Some(*fields::baro_altitude.range.end()),
        geo_altitude: Some(*fields::geo_altitude.range.start()),
        on_ground: Some(false),
        velocity: Some(0.01),
        true_track: Some(359.99),
        vertical_rate: Some(-604.0),
        squawk: Some("0021".into()),
        spi: Some(true),
        position_source: Some(i16::MAX),
        category: Some(-1),
        observed_at: Some(UnixTime(0)),
        ..state(0xab_cdef, -86_401, "RA 593A")
    };
    let empty = StateVector { callsign: None, ..state(0xab_cdef, START, "") };
    let known = every_field_known(0xab_cdef, START + 1);
    store(&storage, vec![empty.clone(), full.clone(), known.clone()]).await;
    assert_eq!(read(&storage, &EVERYTHING).await, [full, empty, known]);
}

async fn a_history_is_read_while_it_grows<D: TestDatabase>() {
    let (_database, storage) = D::migrated().await;
    store(&storage, poll(600, START)).await;
    let query = HistoryQuery { from: UnixTime(START), to: UnixTime(START + 86_400), ..EVERYTHING };
    let mut reader = storage.history(&query).await.unwrap();
    let mut rows = Vec::new();
    assert!(reader.read(|row| rows.push(row.last_contact.0)).await.unwrap());
    assert!((1..=256).contains(&rows.len()), "{}", rows.len());
    let later = batch(vec![part(1, None, poll(5, START + 80_000))]);
    storage.writer().store(&later, &LikelyNew::default()).await.unwrap();
    while reader.read(|row| rows.push(row.last_contact.0)).await.unwrap() {}
    assert_eq!(rows.len(), 605);
    assert_eq!((rows[599], rows[600]), (START, START + 80_000));
    assert!(reader.reached() > UnixTime(START + 80_000));
}

async fn concurrent_histories_are_limited<D: TestDatabase>() {
    let (database, _) = D::migrated().await;
    let storage = database.storage_with(StorageOptions { histories: 1, ..StorageOptions::default() });
    let first = storage.history(&EVERYTHING).await.unwrap();
    assert_eq!(storage.history(&EVERYTHING).await.unwrap_err(), QueryError::Busy);
    drop(first);
    assert_eq!(read(&storage, &EVERYTHING).await, []);
}

async fn history_is_unavailable_without_the_schema<D: TestDatabase>() {
    let database = D::new().await;
    let error = database.storage().history(&EVERYTHING).await.unwrap_err();
    assert!(matches!(error, QueryError::Unavailable(_)), "{error}");
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn an_abandoned_history_ends_on_the_server() {
    let (database, storage) = Postgres::migrated().await;
    let fill = "INSERT INTO state_vectors_scaled (icao24, last_contact, origin_country)
        SELECT lpad(to_hex(i), 6, '0'), to_timestamp(1750000000 + i / 2000), repeat('x', 500)
        FROM generate_series(1, 100000) AS i";
    database.execute(fill).await;
    let mut reader = storage.history(&EVERYTHING).await.unwrap();
    let mut rows = 0;
    while rows == 0 {
        assert!(reader.read(|_| rows += 1).await.unwrap());
    }
    let copies = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND query LIKE 'COPY %'";
    let client = database.client().await;
    let running = async || client.query_one(copies, &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!(running().await, 1, "50 MB do not fit into the buffers");
    drop(reader);
    let ended = async {
        while running().await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap();
}
