//! Applies the built-in rules to the log, by an implementation of its own.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Record, Topic};

/// A change of an alert: its key, the time it began, and the time it ended.
pub(crate) type Change = (String, i64, Option<i64>);

const MEMORY: i64 = 3600;

#[derive(Default)]
struct Aircraft {
    /// The `last_contact` of its newest state.
    heard: Option<i64>,
    /// The code that raised the alert, and since when.
    alert: Option<(String, i64)>,
}

/// Returns what begins and ends according to the topic of the state vectors, by partition and in order.
pub(crate) fn expected(states: &Topic) -> BTreeMap<i32, Vec<Change>> {
    let mut changes: BTreeMap<i32, Vec<Change>> = BTreeMap::new();
    let mut skies: BTreeMap<i32, (i64, BTreeMap<String, Aircraft>)> = BTreeMap::new();
    for record in states.records() {
        let (time, sky) = skies.entry(record.partition).or_insert((i64::MIN, BTreeMap::new()));
        let changes = changes.entry(record.partition).or_default();
        let state = record.json();
        let icao24 = state["icao24"].as_str().unwrap().to_owned();
        let at = state["last_contact"].as_i64().unwrap();
        if at > *time {
            *time = at;
            for (icao24, aircraft) in sky.iter_mut() {
                let heard = aircraft.heard.unwrap();
                if heard <= at - MEMORY
                    && let Some((_, since)) = aircraft.alert.take()
                {
                    changes.push((key(icao24), since, Some(heard)));
                }
            }
        }
        let aircraft = sky.entry(icao24.clone()).or_default();
        if at < *time - MEMORY || aircraft.heard.is_some_and(|heard| heard >= at) {
            continue;
        }
        aircraft.heard = Some(at);
        let Some(squawk) = state["squawk"].as_str() else { continue };
        if aircraft.alert.as_ref().is_some_and(|(code, _)| code == squawk) {
            continue;
        }
        if let Some((_, since)) = aircraft.alert.take() {
            changes.push((key(&icao24), since, Some(at)));
        }
        if ["7500", "7600", "7700"].contains(&squawk) {
            aircraft.alert = Some((squawk.to_owned(), at));
            changes.push((key(&icao24), at, None));
        }
    }
    changes.retain(|_, changes| !changes.is_empty());
    changes
}

fn key(icao24: &str) -> String {
    format!("emergency-squawk/{icao24}")
}

/// Returns the changes on the topic of the alerts, by partition and in order.
pub(crate) fn published(alerts: &Topic) -> BTreeMap<i32, Vec<Change>> {
    let mut changes: BTreeMap<i32, Vec<Change>> = BTreeMap::new();
    for record in alerts.records() {
        changes.entry(record.partition).or_default().push(change(&record));
    }
    changes
}

fn change(record: &Record) -> Change {
    let (alert, key) = (record.json(), String::from_utf8(record.key.clone().unwrap()).unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    assert_eq!(key, format!("{}/{}", text(&alert["rule"]), text(&alert["icao24"])));
    assert_eq!(alert["state"]["last_contact"], alert["since"]);
    (key, alert["since"].as_i64().unwrap(), alert["ended"].as_i64())
}

/// Sorts the changes by aircraft, without changing the order of those of the same aircraft: alerts of several aircraft
/// that end at the same time, by silence, have no order.
pub(crate) fn by_aircraft(changes: BTreeMap<i32, Vec<Change>>) -> BTreeMap<i32, Vec<Change>> {
    changes
        .into_iter()
        .map(|(partition, mut changes)| {
            changes.sort_by(|one, other| one.0.cmp(&other.0));
            (partition, changes)
        })
        .collect()
}
