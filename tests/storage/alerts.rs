//! Alerts.

use std::sync::Arc;
use std::time::Duration;

use actors::batch::{Batch, Fenced, LogId, PartitionBatch, Position, SideRecord, Stored};
use actors::detect::Alert;
use actors::domain::{BoundingBox, Icao24, StateVector, UnixTime};
use actors::ports::{LikelyNew, StateStore, StoreError};
use flight_monitor::storage::{AlertQuery, Storage};

use crate::databases::TestDatabase;
use crate::sample::{START, every_field_known, part, state};

on_each_database! {
    each_alert_is_stored_once_and_completed_by_its_end
    alerts_of_a_part_with_an_unexpected_position_are_not_stored
    a_rejected_alert_is_named_and_nothing_is_stored
    alerts_are_selected_by_rule_aircraft_time_box_and_state
    alerts_are_read_in_pages_with_the_newest_first
    alerts_expire_with_the_summaries
}

fn alert(rule: &str, icao24: u32, since: i64, ended: Option<i64>) -> Alert {
    alert_of(rule, state(icao24, since, "SWR123"), ended)
}

fn alert_of(rule: &str, state: StateVector, ended: Option<i64>) -> Alert {
    Alert { ended: ended.map(UnixTime), ..Alert::starting(rule, "in words", Arc::new(state)) }
}

fn alerts(expected: Option<i64>, alerts: Vec<Alert>) -> Batch {
    let next_offset = expected.unwrap_or(0) + alerts.len() as i64;
    let part = PartitionBatch { next_offset, last_timestamp: next_offset, alerts, ..part(0, expected, Vec::new()) };
    Batch { log: LogId { cluster: "cluster".into(), topic: "telemetry.alerts".into() }, parts: vec![part] }
}

fn everything() -> AlertQuery {
    AlertQuery {
        from: UnixTime(i64::MIN),
        to: UnixTime(i64::MAX),
        rule: None,
        icao24: Vec::new(),
        bounding_box: None,
        active: None,
        after: None,
        limit: 1_000,
    }
}

fn stored(inserted: u64, duplicates: u64) -> Stored {
    Stored { inserted, duplicates, fenced: Vec::new() }
}

async fn keys(storage: &Storage, query: &AlertQuery) -> Vec<(String, u32, i64)> {
    let alerts = storage.alerts(query).await.unwrap();
    let address = |icao24: Icao24| u32::from_str_radix(&icao24.to_string(), 16).unwrap();
    alerts.iter().map(|alert| (alert.rule.to_string(), address(alert.icao24), alert.since.0)).collect()
}

async fn each_alert_is_stored_once_and_completed_by_its_end<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let writer = storage.writer();
    let store = async |batch: &Batch| writer.store(batch, &LikelyNew::default()).await.unwrap();
    let full = alert_of("a", every_field_known(1, START), None);
    let ended = Alert { ended: Some(UnixTime(START + 9)), ..full.clone() };
    let (other, only_end) = (alert("a", 2, START, None), alert("b", 1, START, Some(START + 5)));

    // The last record is a repetition.
    let batch = alerts(None, vec![full.clone(), other.clone(), full.clone()]);
    assert_eq!(store(&batch).await, stored(2, 1));
    assert_eq!(storage.alerts(&everything()).await.unwrap(), [other.clone(), full.clone()]);
    // Of the second alert, only the end is in the log.
    assert_eq!(store(&alerts(Some(3), vec![ended.clone(), only_end.clone()])).await, stored(2, 0));
    // Published twice: other offsets, the same records.
    assert_eq!(store(&alerts(Some(5), vec![full, ended.clone(), only_end.clone()])).await, stored(0, 3));
    // Both records of an alert in one batch.
    let (begun, gone) = (alert("c", 3, START, None), alert("c", 3, START, Some(START + 1)));
    assert_eq!(store(&alerts(Some(8), vec![begun, gone.clone()])).await, stored(2, 0));

    assert_eq!(storage.alerts(&everything()).await.unwrap(), [gone, only_end, other, ended]);
    assert_eq!(database.count("alerts").await, 4);
    let position = Position { partition: 0, next_offset: 10, last_timestamp: 10 };
    assert_eq!(writer.positions(&batch.log, &[0]).await.unwrap(), [position]);
}

async fn alerts_of_a_part_with_an_unexpected_position_are_not_stored<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let first = alerts(None, vec![alert("a", 1, START, None)]);
    assert_eq!(storage.writer().store(&first, &LikelyNew::default()).await.unwrap(), stored(1, 0));
    let other = alerts(None, vec![alert("a", 2, START, None)]);
    let found = Some(Position { partition: 0, next_offset: 1, last_timestamp: 1 });
    let fenced = Stored { fenced: vec![Fenced { partition: 0, found }], ..Stored::default() };
    assert_eq!(storage.writer().store(&other, &LikelyNew::default()).await.unwrap(), fenced);
    assert_eq!(database.count("alerts").await, 1);
}

async fn a_rejected_alert_is_named_and_nothing_is_stored<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let writer = storage.writer();
    let taken = Alert { detail: "taken".into(), ..alert("a", 1, START, None) };
    writer.store(&alerts(None, vec![taken.clone()]), &LikelyNew::default()).await.unwrap();
    database.execute("CREATE UNIQUE INDEX no_such_detail ON alerts (detail) WHERE detail = 'taken'").await;
    let others = || (2..9).map(|icao24| alert("b", icao24, START, Some(START + 5)));
    for ended in [None, Some(UnixTime(START + 9))] {
        let rejected = Alert { rule: "b".into(), ended, ..taken.clone() };
        let batch = alerts(Some(1), others().chain([rejected.clone()]).collect());
        let error = writer.store(&batch, &LikelyNew::default()).await.unwrap_err();
        let StoreError::RejectedRecord { record, reason } = error else { panic!("{error}") };
        assert_eq!(*record, SideRecord::Alert(rejected));
        assert!(reason.contains("no_such_detail") || reason.contains("alerts.detail"), "{reason}");
        assert_eq!(database.count("alerts").await, 1);
    }
    assert_eq!(writer.store(&alerts(Some(1), others().collect()), &LikelyNew::default()).await.unwrap(), stored(7, 0));
}

async fn alerts_are_selected_by_rule_aircraft_time_box_and_state<D: TestDatabase>() {
    let (_database, storage) = D::migrated().await;
    let at = |icao24, lat, lon| StateVector { lat: Some(lat), lon: Some(lon), ..state(icao24, START + 3, "SWR123") };
    let records = vec![
        alert("a", 1, START, None),
        alert("a", 2, START + 1, Some(START + 9)),
        alert("b", 1, START + 2, None),
        alert_of("c", at(3, 47.5, 8.5), None),
        alert_of("c", at(4, -10.0, 179.0), None),
        alert_of("c", at(5, -10.0, -179.0), None),
    ];
    storage.writer().store(&alerts(None, records), &LikelyNew::default()).await.unwrap();
    let boxed = |bounding_box: &str| Some(bounding_box.parse::<BoundingBox>().unwrap());
    let addresses = |addresses: &[u32]| addresses.iter().map(|&address| Icao24::from_u32(address)).collect();
    for (query, expected) in [
        (everything(), vec![5, 4, 3, 1, 2, 1]),
        (AlertQuery { rule: Some("a".into()), ..everything() }, vec![2, 1]),
        (AlertQuery { rule: Some("none".into()), ..everything() }, vec![]),
        (AlertQuery { icao24: addresses(&[1, 5]), ..everything() }, vec![5, 1, 1]),
        (AlertQuery { active: Some(true), rule: Some("a".into()), ..everything() }, vec![1]),
        (AlertQuery { active: Some(false), ..everything() }, vec![2]),
        (AlertQuery { from: UnixTime(START + 1), to: UnixTime(START + 2), ..everything() }, vec![1, 2]),
        (AlertQuery { bounding_box: boxed("45.8,5.9,47.9,10.6"), ..everything() }, vec![3]),
        (AlertQuery { bounding_box: boxed("-20,170,0,-170"), ..everything() }, vec![5, 4]),
        (AlertQuery { limit: 1, ..everything() }, vec![5]),
    ] {
        let found: Vec<u32> = keys(&storage, &query).await.iter().map(|key| key.1).collect();
        assert_eq!(found, expected, "{query:?}");
    }
}

async fn alerts_are_read_in_pages_with_the_newest_first<D: TestDatabase>() {
    let (_database, storage) = D::migrated().await;
    let nth = |i: usize| alert(["a", "b"][i % 2], 1 + i as u32 % 3, START + i as i64 / 4, None);
    let records: Vec<_> = (0..12).map(nth).collect();
    storage.writer().store(&alerts(None, records.clone()), &LikelyNew::default()).await.unwrap();
    let all = keys(&storage, &everything()).await;
    assert_eq!(all.len(), records.len());
    assert!(all.is_sorted_by_key(|(rule, icao24, since)| std::cmp::Reverse((*since, rule.clone(), *icao24))));
    let (mut page, mut pages) = (AlertQuery { limit: 1, ..everything() }, Vec::new());
    while let [last] = keys(&storage, &page).await.as_slice() {
        pages.push(last.clone());
        page.after = Some((UnixTime(last.2), last.0.clone(), Icao24::from_u32(last.1)));
    }
    assert_eq!(pages, all);
}

async fn alerts_expire_with_the_summaries<D: TestDatabase>() {
    let (database, storage) = D::migrated().await;
    let writer = storage.writer();
    let day = Duration::from_secs(24 * 60 * 60);
    let (old, young) = (UnixTime::now().minus(366 * day).0, UnixTime::now().minus(364 * day).0);
    let records = (0..5).map(|i| alert("a", 1, old - i, None)).chain([alert("a", 1, young, None)]);
    writer.store(&alerts(None, records.collect()), &LikelyNew::default()).await.unwrap();
    while writer.maintain().await.unwrap().more {}
    assert_eq!(database.count("alerts").await, 1);
}
