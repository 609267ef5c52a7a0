//! The behaviour that every database must have. Only the type of the database differs between the runs.

use std::sync::Arc;

use actors::batch::{Batch, Fenced, PartitionBatch, Position, Stored};
use actors::domain::{Icao24, StateVector, UnixTime, fields};
use actors::ports::{LikelyNew, StateStore, StoreError};
use flight_monitor::storage::{Converted, MigrateError, NewestQuery, PositionsQuery, Storage};
use futures_util::future::{join, join_all};

use crate::databases::{Postgres, Sqlite, TestDatabase, migrations};
use crate::sample::{START, batch, every_field_known, hints, log, part, poll, state};

on_each_database! {
    the_first_row_of_a_key_is_kept
    hints_never_change_what_is_stored
    extreme_values_are_read_back_unchanged
    a_part_with_an_unexpected_position_is_fenced
    a_batch_whose_response_was_lost_is_recognised_as_stored
    only_one_of_two_writers_of_a_partition_stores
    each_log_has_its_own_positions
    a_part_without_rows_advances_its_position
    a_rejected_row_is_named_and_nothing_is_stored
    a_writer_works_again_after_a_reset
    a_large_batch_is_stored_completely
    a_track_is_limited_by_time_and_count
    each_position_is_returned_once_at_its_own_time
    the_newest_state_of_each_aircraft_is_returned
    migrations_can_be_reverted_and_applied_again
    a_schema_newer_than_the_program_is_refused
    a_database_without_the_schema_is_not_ready
}

async fn callsigns(storage: &Storage, icao24: u32) -> Vec<(i64, String)> {
    let track = storage.track(Icao24::from_u32(icao24), UnixTime(i64::MIN), UnixTime(i64::MAX), 1000).await.unwrap();
    track.into_iter().map(|state| (state.last_contact.0, state.callsign.unwrap().into())).collect()
}

fn stored(inserted: u64, duplicates: u64) -> Stored {
    Stored { inserted, duplicates, fenced: Vec::new() }
}

fn position(partition: i32, next_offset: i64) -> Position {
    Position { partition, next_offset, last_timestamp: 1_000 * next_offset }
}

async fn the_first_row_of_a_key_is_kept<D: TestDatabase>() {
    let (_database, storage) = D::migrated().await;
    let writer = storage.writer();
    let first = batch(vec![
        part(0, None, vec![state(1, START, "A"), state(2, START, "B"), state(1, START, "LATE")]),
        part(1, None, vec![state(2, START, "LATE"), state(1, START + 1, "C")]),
    ]);
    assert_eq!(writer.store(&first, &hints(&first, true)).await.unwrap(), stored(3, 2));
    let second = batch(vec![part(0, Some(3), vec![state(1, START, "LATER"), state(1, START + 2, "D")])]);
    assert_eq!(writer.store(&second, &hints(&second, false)).await.unwrap(), stored(1, 1));

    let expected = [(START, "A"), (START + 1, "C"), (START + 2, "D")].map(|(time, name)| (time, name.to_owned()));
    assert_eq!(callsigns(&storage, 1).await, expected);
    assert_eq!(callsigns(&storage, 2).await, [(START, "B".to_owned())]);
    assert_eq!(writer.positions(&log("cluster"), &[0, 1, 7]).await.unwrap(), [position(0, 5), position(1, 2)]);
}

async fn hints_never_change_what_is_stored<D: TestDatabase>() {
    for hint in [|_: usize| true, |_: usize| false, |row: usize| row.is_multiple_of(2), |row: usize| row > 2] {
        let (database, storage) = D::migrated().await;
        let writer = storage.writer();
        let before = batch(vec![part(0, None, vec![state(3, START, "BEFORE")])]);
        writer.store(&before, &hints(&before, true)).await.unwrap();
        // A row that is already stored, in the middle of new rows, and one key twice in the same batch.
        let rows = ["A", "B", "AFTER", "C", "TWICE"].into_iter().zip([1, 2, 3, 4, 2]);
        let states: Vec<_> = rows.map(|(callsign, icao24)| state(icao24, START, callsign)).collect();
        let likely_new = LikelyNew(vec![(0..states.len()).map(hint).collect()]);
        let next = batch(vec![part(0, Some(1), states)]);
        assert_eq!(writer.store(&next, &likely_new).await.unwrap(), stored(3, 2));
        for (icao24, callsign) in [(1, "A"), (2, "B"), (3, "BEFORE"), (4, "C")] {
            assert_eq!(callsigns(&storage, icao24).await, [(START, callsign.to_owned())]);
        }
        assert_eq!(database.count("state_vectors").await, 4);
        assert_eq!(writer.positions(&next.log, &[0]).await.unwrap(), [position(0, 6)]);
    }
}

async fn extreme_values_are_read_back_unchanged<D: TestDatabase>() {
    let (_database, storage) = D::migrated().await;
    let full = StateVector {
        callsign: Some("RA 593A".into()),
        origin_country: Some("Côte d'Ivoire \\N \"\t\r\n;--🛩".into()),
        time_position: Some(UnixTime(-86_401 - (1 << 31))),
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
        observed_at: Some(UnixTime(-86_401 + (1 << 31) - 1)),
        ..StateVector::new(Icao24::parse("abcdef").unwrap(), UnixTime(-86_401))
    };
    let empty = StateVector { callsign: None, ..state(0xabcdef, START, "") };
    let first_year =
        StateVector { observed_at: Some(UnixTime(-62_135_596_799)), ..state(0xabcdef, -62_135_596_800, "0001") };
    let last_year = state(0xabcdef, 253_402_300_799, "9999");
    let long = state(0xabcdef, START + 1, &"ü".repeat(100_000));
    let known = every_field_known(0xabcdef, START + 2);
    let states = vec![first_year, full, empty, long, known, last_year];
    for (partition, likely_new) in [(0, true), (1, false)] {
        let offset = partition;
        let mut moved = states.clone();
        // The second round uses other addresses and the other insert path.
        moved.iter_mut().for_each(|state| state.icao24 = Icao24::from_u32(state.icao24.to_u32() - offset as u32));
        let batch = batch(vec![part(partition, None, moved.clone())]);
        assert_eq!(storage.writer().store(&batch, &hints(&batch, likely_new)).await.unwrap(), stored(6, 0));
        let track = storage.track(moved[0].icao24, UnixTime(i64::MIN), UnixTime(i64::MAX), 10).await.unwrap();
        assert_eq!(track, moved);
    }
}

async fn a_part_with_an_unexpected_position_is_fenced<D: TestDatabase>() {
    for (before, expected, passes) in [
        (None, None, true),
        (None, Some(0), false),
        (None, Some(5), false),
        (Some(5), None, false),
        (Some(5), Some(4), false),
        (Some(5), Some(6), false),
        (Some(5), Some(5), true),
    ] {
        let (database, storage) = D::migrated().await;
        let writer = storage.writer();
        if let Some(next_offset) = before {
            let before = PartitionBatch { next_offset, last_timestamp: 5_000, ..part(3, None, Vec::new()) };
            writer.store(&batch(vec![before]), &LikelyNew::default()).await.unwrap();
        }
        let other = part(4, None, vec![state(2, START, "OTHER")]);
        let tried = batch(vec![part(3, expected, vec![state(1, START, "TRIED")]), other]);
        let answer = writer.store(&tried, &hints(&tried, true)).await.unwrap();
        let fenced = Fenced { partition: 3, found: before.map(|next_offset| position(3, next_offset)) };
        let left_out = if passes { Vec::new() } else { vec![fenced] };
        assert_eq!(answer.fenced, left_out, "{before:?} {expected:?}");
        assert_eq!(answer.inserted, 1 + u64::from(passes));
        assert_eq!(answer.duplicates, 0);
        assert_eq!(database.count("state_vectors").await, 1 + i64::from(passes));
        let after = if passes { Some(expected.unwrap_or(0) + 1) } else { before };
        let found = writer.positions(&tried.log, &[3]).await.unwrap();
        assert_eq!(found, after.map(|next_offset| position(3, next_offset)).into_iter().collect::<Vec<_>>());
    }
}

async fn a_batch_whose_response_was_lost_is_recognised_as_stored<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let batch = batch(vec![part(0, None, poll(10, START)), part(1, None, Vec::new())]);
    storage.writer().store(&batch, &hints(&batch, true)).await.unwrap();
    let again = storage.writer().store(&batch, &hints(&batch, true)).await.unwrap();
    let fenced =
        [position(0, 10), position(1, 1)].map(|found| Fenced { partition: found.partition, found: Some(found) });
    assert_eq!(again, Stored { fenced: fenced.to_vec(), ..Stored::default() });
    assert_eq!(database.count("state_vectors").await, 10);
}

async fn only_one_of_two_writers_of_a_partition_stores<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let (one, two) = (storage.writer(), storage.writer());
    let mut expected = None;
    for round in 0..10 {
        let parts =
            |callsign| vec![part(0, expected, vec![state(1, START + round, callsign)]), part(1, expected, vec![])];
        let (first, second) = (batch(parts("ONE")), batch(parts("TWO")));
        let hints = LikelyNew(vec![vec![round % 2 == 0], vec![]]);
        let (first, second) = Box::pin(join(one.store(&first, &hints), two.store(&second, &hints))).await;
        let answers = [first.unwrap(), second.unwrap()];
        assert_eq!(answers.iter().map(|answer| answer.inserted).sum::<u64>(), 1, "{answers:?}");
        assert_eq!(answers.iter().map(|answer| answer.fenced.len()).sum::<usize>(), 2, "{answers:?}");
        expected = Some(expected.unwrap_or(0) + 1);
        let fenced = answers.iter().flat_map(|answer| &answer.fenced);
        assert!(fenced.copied().all(|fenced| fenced.found.map(|found| found.next_offset) == expected), "{answers:?}");
    }
    assert_eq!(database.count("state_vectors").await, 10);
}

async fn each_log_has_its_own_positions<D: TestDatabase>() {
    let (_database, storage) = D::migrated().await;
    let writer = storage.writer();
    for cluster in ["one", "two"] {
        let batch = Batch { log: log(cluster), parts: vec![part(0, None, vec![state(1, START, cluster)])] };
        let answer = writer.store(&batch, &LikelyNew::default()).await.unwrap();
        assert_eq!(answer.fenced, []);
    }
    assert_eq!(callsigns(&storage, 1).await, [(START, "one".to_owned())]);
    assert_eq!(writer.positions(&log("one"), &[0]).await.unwrap(), [position(0, 1)]);
    assert_eq!(writer.positions(&log("three"), &[0]).await.unwrap(), []);
}

async fn a_part_without_rows_advances_its_position<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let writer = storage.writer();
    assert_eq!(writer.store(&batch(Vec::new()), &LikelyNew::default()).await.unwrap(), Stored::default());
    let only_dead_letters = batch(vec![part(0, None, Vec::new())]);
    assert_eq!(writer.store(&only_dead_letters, &LikelyNew::default()).await.unwrap(), stored(0, 0));
    assert_eq!(writer.positions(&only_dead_letters.log, &[0]).await.unwrap(), [position(0, 1)]);
    assert_eq!(database.count("state_vectors").await, 0);
}

async fn a_rejected_row_is_named_and_nothing_is_stored<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    database.refuse_callsign("REFUSED").await;
    let before = database.count("state_vectors").await;
    let writer = storage.writer();
    // Enough rows for more than one COPY message.
    let mut states = poll(3000, START);
    states[63].callsign = Some("REFUSED".into());
    for likely_new in [true, false] {
        let batch = batch(vec![part(0, None, states.clone()), part(1, Some(9), poll(3, START + 9))]);
        let error = writer.store(&batch, &hints(&batch, likely_new)).await.unwrap_err();
        let StoreError::Rejected { icao24, last_contact, reason } = error else { panic!("{error}") };
        assert_eq!((icao24, last_contact), (Icao24::from_u32(63), UnixTime(START)));
        assert!(reason.contains("no_such_callsign") || reason.contains("state_vectors_scaled.callsign"), "{reason}");
        assert_eq!(writer.positions(&batch.log, &[0]).await.unwrap(), []);
        assert_eq!(database.count("state_vectors").await, before);
    }
    states.remove(63);
    let batch = batch(vec![part(0, None, states)]);
    assert_eq!(writer.store(&batch, &hints(&batch, true)).await.unwrap(), stored(2999, 0));
}

async fn a_writer_works_again_after_a_reset<D: TestDatabase>() {
    let (_database, storage) = D::migrated().await;
    let writer = storage.writer();
    for round in 0..3 {
        let expected = (round > 0).then_some(round);
        let batch = batch(vec![part(0, expected, vec![state(1, START + round, "A")])]);
        assert_eq!(writer.store(&batch, &hints(&batch, false)).await.unwrap(), stored(1, 0));
        writer.reset();
    }
}

async fn a_large_batch_is_stored_completely<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let writer = storage.writer();
    let batch =
        batch((0..6).map(|partition| part(partition, None, poll(2000, START + i64::from(partition)))).collect());
    let mut likely_new = hints(&batch, true);
    likely_new.0[2].fill(false);
    assert_eq!(writer.store(&batch, &likely_new).await.unwrap(), stored(12_000, 0));
    assert_eq!(database.count("state_vectors").await, 12_000);
    assert_eq!(storage.observe().await.unwrap().newest_record, Some(2_000_000));
}

async fn a_track_is_limited_by_time_and_count<D: TestDatabase>() {
    let (_database, storage) = D::migrated().await;
    let states =
        (0..5).rev().flat_map(|second| [state(1, START + second, "A"), state(2, START + second, "B")]).collect();
    let batch = batch(vec![part(0, None, states)]);
    storage.writer().store(&batch, &LikelyNew::default()).await.unwrap();
    for (from, to, limit, expected) in
        [(1, 3, 10, vec![1, 2, 3]), (0, 9, 2, vec![0, 1]), (5, 9, 10, vec![]), (3, 1, 10, vec![]), (0, 9, 0, vec![])]
    {
        let (from, to) = (UnixTime(START + from), UnixTime(START + to));
        let track = storage.track(Icao24::from_u32(1), from, to, limit).await.unwrap();
        let seconds: Vec<_> = track.iter().map(|state| state.last_contact.0 - START).collect();
        assert_eq!(seconds, expected);
    }
}

async fn each_position_is_returned_once_at_its_own_time<D: TestDatabase>() {
    let (_database, storage) = D::migrated().await;
    let heard = |last_contact: i64, position: Option<i64>, name: &str| StateVector {
        time_position: position.map(|time| UnixTime(START + time)),
        lat: position.map(|_| 1.0),
        lon: position.map(|_| 2.0),
        ..state(1, START + last_contact, name)
    };
    let states = vec![
        heard(0, Some(-7000), "OLD"),
        heard(10, Some(8), "A"),
        heard(20, Some(8), "A AGAIN"),
        heard(30, None, "NOWHERE"),
        heard(40, Some(5), "LATE"),
        heard(50, Some(50), "B"),
        StateVector { lon: None, ..heard(55, Some(55), "HALF") },
        heard(60, Some(60), "AFTER"),
        StateVector { icao24: Icao24::from_u32(2), ..heard(50, Some(50), "OTHER") },
    ];
    let batch = batch(vec![part(0, None, states)]);
    storage.writer().store(&batch, &LikelyNew::default()).await.unwrap();
    let everything = PositionsQuery {
        icao24: Icao24::from_u32(1),
        from: UnixTime(START),
        to: UnixTime(START + 59),
        after: None,
        limit: 10,
    };
    for (query, expected) in [
        (everything, &["OLD", "LATE", "A", "B"][..]),
        (PositionsQuery { from: UnixTime(START + 11), ..everything }, &["LATE", "A AGAIN", "B"]),
        (PositionsQuery { limit: 2, ..everything }, &["OLD", "LATE"]),
        (PositionsQuery { after: Some(UnixTime(START + 5)), ..everything }, &["A", "B"]),
        (PositionsQuery { after: Some(UnixTime(i64::MAX)), ..everything }, &[]),
        (
            PositionsQuery { from: UnixTime(i64::MIN), to: UnixTime(i64::MAX), ..everything },
            &["OLD", "LATE", "A", "B", "AFTER"],
        ),
    ] {
        let positions = storage.positions(&query).await.unwrap();
        let names: Vec<_> = positions.iter().map(|state| state.callsign.as_deref().unwrap()).collect();
        assert_eq!(names, expected, "{query:?}");
        assert!(positions.iter().all(|state| state.lat == Some(1.0) && state.lon == Some(2.0)));
    }
}

async fn the_newest_state_of_each_aircraft_is_returned<D: TestDatabase>() {
    let (_database, storage) = D::migrated().await;
    let rows = [(9, 0, "A"), (2, 0, "B"), (9, 40, "C"), (5, 40, "D"), (2, 100, "E"), (9, 101, "F")];
    let states = rows.map(|(icao24, after, callsign)| state(icao24, START + after, callsign)).into();
    let batch = batch(vec![part(0, None, states)]);
    storage.writer().store(&batch, &hints(&batch, true)).await.unwrap();
    let check = async |from: i64, to: i64, icao24: &[u32], expected: &[(u32, i64, &str)]| {
        let icao24 = icao24.iter().map(|icao24| Icao24::from_u32(*icao24)).collect();
        let query = NewestQuery { from: UnixTime(START + from), to: UnixTime(START + to), icao24 };
        let newest = storage.newest(&query).await.unwrap();
        let expected: Vec<_> =
            expected.iter().map(|(icao24, after, callsign)| state(*icao24, START + after, callsign)).collect();
        assert_eq!(newest, expected, "{query:?}");
    };
    check(0, 100, &[], &[(2, 100, "E"), (5, 40, "D"), (9, 40, "C")]).await;
    check(0, 101, &[], &[(2, 100, "E"), (5, 40, "D"), (9, 101, "F")]).await;
    check(0, 99, &[], &[(2, 0, "B"), (5, 40, "D"), (9, 40, "C")]).await;
    check(41, 100, &[], &[(2, 100, "E")]).await;
    check(0, 100, &[9, 5, 7], &[(5, 40, "D"), (9, 40, "C")]).await;
    check(-100, -1, &[], &[]).await;
}

async fn migrations_can_be_reverted_and_applied_again<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let writer = storage.writer();
    let first = batch(vec![part(0, None, poll(10, START))]);
    writer.store(&first, &hints(&first, true)).await.unwrap();
    assert_eq!(storage.migrate().await.unwrap().applied, Vec::<String>::new());

    // Reverts one migration after another, back to the schema without positions.
    for _ in 1..migrations().len() {
        database.revert(false).await;
    }
    assert!(matches!(storage.writer().store(&first, &hints(&first, true)).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(storage.migrate().await, Err(MigrateError::Unconverted)));
    let migrated = storage.migrate_and_convert(Arc::new(|_| ())).await.unwrap();
    assert_eq!(migrated.applied, migrations()[1..]);
    assert_eq!(migrated.converted, Some(Converted { rows: 10, unconvertible: 0 }));
    // The positions were lost with their table, but the rows stayed. When they are read again, every row is a
    // duplicate.
    assert_eq!(storage.writer().store(&first, &hints(&first, true)).await.unwrap(), stored(0, 10));

    database.revert(true).await;
    assert_eq!(storage.migrate().await.unwrap().applied, migrations());
    assert_eq!(database.count("state_vectors").await, 0);
    assert_eq!(storage.writer().store(&first, &hints(&first, true)).await.unwrap(), stored(10, 0));
}

// Does not run on TimescaleDB, because the test server has a single backend, which already holds every lock it asks
// for.
#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn processes_that_start_together_migrate_postgresql_once() {
    start_together::<Postgres>().await;
}

#[actix_rt::test]
async fn processes_that_start_together_migrate_sqlite_once() {
    start_together::<Sqlite>().await;
}

async fn start_together<D: TestDatabase>() {
    let database = D::new().await;
    let storages: Vec<_> = (0..4).map(|_| database.storage()).collect();
    let migrated = join_all(storages.iter().map(Storage::migrate)).await;
    let applied: Vec<_> = migrated.into_iter().flat_map(|migrated| migrated.unwrap().applied).collect();
    assert_eq!(applied, migrations());
}

async fn a_schema_newer_than_the_program_is_refused<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')").await;
    let error = storage.migrate().await.unwrap_err();
    assert!(matches!(&error, MigrateError::NewerSchema { version } if version == "20990101000000"), "{error}");
}

async fn a_database_without_the_schema_is_not_ready<D: TestDatabase>() {
    let database = D::new().await;
    let storage = database.storage();
    let error = storage.ping().await.unwrap_err();
    assert!(error.to_string().starts_with("database unavailable"), "{error}");
    storage.migrate().await.unwrap();
    storage.ping().await.unwrap();
    assert_eq!(storage.observe().await.unwrap().newest_record, None);
}
