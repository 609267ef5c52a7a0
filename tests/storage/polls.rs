//! Records of polls.

use std::time::Duration;

use actors::batch::{Batch, Fenced, LogId, PartitionBatch, Position, Stored};
use actors::domain::{PollOutcome, PollRecord, UnixMillis};
use actors::ports::{LikelyNew, StateStore};
use flight_monitor::storage::{PollQuery, Storage};

use crate::databases::TestDatabase;
use crate::sample::{START, part};

on_each_database! {
    each_poll_is_stored_once_and_read_back
    polls_of_a_part_with_an_unexpected_position_are_not_stored
    polls_are_read_in_pages_if_their_plan_reaches_the_period
    polls_expire_with_the_summaries
}

const HOUR: i64 = 3_600_000;

fn poll(source: &str, process: &str, started: i64, next: Option<i64>) -> PollRecord {
    PollRecord {
        source: source.into(),
        kind: "opensky".into(),
        process: process.into(),
        outcome: PollOutcome::Live,
        started: UnixMillis(started),
        ended: UnixMillis(started + 617),
        polls: 1,
        states: 7_012,
        changed: 6_120,
        bad_rows: 3,
        seconds: 0.617,
        credits_left: Some(3_212),
        interval: 86.4,
        next_poll_at: next.map(UnixMillis),
        area: Some("45.8,5.9,47.9,10.6".into()),
    }
}

fn polls(expected: Option<i64>, polls: Vec<PollRecord>) -> Batch {
    let next_offset = expected.unwrap_or(0) + polls.len() as i64;
    let part = PartitionBatch { next_offset, last_timestamp: next_offset, polls, ..part(0, expected, Vec::new()) };
    Batch { log: LogId { cluster: "cluster".into(), topic: "telemetry.polls".into() }, parts: vec![part] }
}

fn query(source: &str, from: i64, to: i64) -> PollQuery {
    PollQuery { source: source.into(), from: UnixMillis(from), to: UnixMillis(to), after: None, limit: 1_000 }
}

fn stored(inserted: u64, duplicates: u64) -> Stored {
    Stored { inserted, duplicates, fenced: Vec::new() }
}

async fn started(storage: &Storage, query: &PollQuery) -> Vec<(i64, String)> {
    let polls = storage.polls(query).await.unwrap();
    polls.into_iter().map(|poll| (poll.started.0, poll.process)).collect()
}

async fn each_poll_is_stored_once_and_read_back<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let writer = storage.writer();
    assert_eq!(storage.polled_sources().await.unwrap(), []);
    let at = START * 1_000 + 123;
    let outcomes = PollOutcome::ALL.iter().enumerate();
    let mut records: Vec<_> = outcomes
        .map(|(i, outcome)| PollRecord { outcome: *outcome, ..poll("opensky", "a", at + i as i64, Some(at + 86_400)) })
        .collect();
    let bare = PollRecord { credits_left: None, area: None, polls: 0, ..poll("roof", "a", at, None) };
    let extreme = PollRecord {
        states: u64::try_from(i64::MAX).unwrap(),
        polls: u32::MAX,
        credits_left: Some(u32::MAX),
        ended: UnixMillis(253_402_300_799_999),
        next_poll_at: None,
        ..poll("roof", "b", -62_135_596_800_000, None)
    };
    records.extend([bare.clone(), extreme.clone()]);
    let mut twice = records.clone();
    twice.push(records[0].clone());
    let batch = polls(None, twice);
    assert_eq!(writer.store(&batch, &LikelyNew::default()).await.unwrap(), stored(10, 1));
    // Published twice: another offset, the same records.
    let again = polls(Some(11), records.clone());
    assert_eq!(writer.store(&again, &LikelyNew::default()).await.unwrap(), stored(0, 10));
    assert_eq!(database.count("source_polls").await, 10);

    let sources = storage.polled_sources().await.unwrap();
    let sources: Vec<_> = sources.iter().map(|source| (source.source.as_str(), source.since().0)).collect();
    assert_eq!(sources, [("opensky", at), ("roof", -62_135_596_800_000)]);
    let read = storage.polls(&query("opensky", at, at + 1_000)).await.unwrap();
    assert_eq!(read, records[..8]);
    assert_eq!(storage.polls(&query("roof", at, at + 1_000)).await.unwrap(), [bare]);
    let everything = query("roof", i64::MIN, i64::MAX);
    assert_eq!(storage.polls(&everything).await.unwrap()[0], extreme);
    let position = Position { partition: 0, next_offset: 21, last_timestamp: 21 };
    assert_eq!(writer.positions(&batch.log, &[0]).await.unwrap(), [position]);
}

async fn polls_of_a_part_with_an_unexpected_position_are_not_stored<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let writer = storage.writer();
    let first = polls(None, vec![poll("opensky", "a", HOUR, None)]);
    assert_eq!(writer.store(&first, &LikelyNew::default()).await.unwrap(), stored(1, 0));
    let other = polls(None, vec![poll("opensky", "a", 2 * HOUR, None)]);
    let found = Some(Position { partition: 0, next_offset: 1, last_timestamp: 1 });
    let fenced = Stored { fenced: vec![Fenced { partition: 0, found }], ..Stored::default() };
    assert_eq!(storage.writer().store(&other, &LikelyNew::default()).await.unwrap(), fenced);
    assert_eq!(database.count("source_polls").await, 1);
}

async fn polls_are_read_in_pages_if_their_plan_reaches_the_period<D: TestDatabase>() {
    let (_database, storage) = D::migrated().await;
    let from = 1_000 * HOUR;
    let records = vec![
        poll("opensky", "a", from - 26 * HOUR, Some(from + HOUR)),
        poll("opensky", "a", from - 24 * HOUR, Some(from + HOUR)),
        poll("opensky", "a", from - HOUR, Some(from - HOUR / 2)),
        poll("opensky", "a", from - 1_000, None),
        poll("opensky", "a", from, Some(from + HOUR)),
        poll("opensky", "b", from, Some(from + HOUR)),
        poll("opensky", "a", from + HOUR, None),
        poll("other", "a", from, None),
    ];
    storage.writer().store(&polls(None, records), &LikelyNew::default()).await.unwrap();
    let expected = [(from - 24 * HOUR, "a"), (from - 1_000, "a"), (from, "a"), (from, "b")];
    let expected = expected.map(|(started, process)| (started, process.to_owned()));
    let whole = query("opensky", from, from + HOUR);
    assert_eq!(started(&storage, &whole).await, expected);
    let (mut page, mut pages) = (PollQuery { limit: 1, ..whole }, Vec::new());
    while let [(at, process)] = started(&storage, &page).await.as_slice() {
        pages.push((*at, process.clone()));
        page.after = Some((UnixMillis(*at), process.clone()));
    }
    assert_eq!(pages, expected);
}

async fn polls_expire_with_the_summaries<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let writer = storage.writer();
    let day = Duration::from_secs(24 * 60 * 60);
    let old = UnixMillis::now().minus(366 * day).0;
    let young = UnixMillis::now().minus(364 * day).0;
    let records = (0..5).map(|i| poll("opensky", "a", old - i, None)).chain([poll("opensky", "a", young, None)]);
    writer.store(&polls(None, records.collect()), &LikelyNew::default()).await.unwrap();
    while writer.maintain().await.unwrap().more {}
    assert_eq!(database.count("source_polls").await, 1);
}
