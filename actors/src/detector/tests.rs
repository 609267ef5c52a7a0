use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::batch::{PartitionBatch, RecordPlace};
use crate::detect::{Alert, AlertChange, AlertKey, RuleParser, RuleSet};
use crate::domain::{Icao24, StateVector, UnixTime};
use crate::enrichment::{SharedFacts, TableBuilder, TableEntry};
use crate::ports::{DetectPart, DetectPosition, Recovered, StartAt};
use crate::test_support::state;

fn squawking(aircraft: u32, at: i64, squawk: Option<&str>) -> Arc<StateVector> {
    Arc::new(StateVector { squawk: squawk.map(Into::into), ..state(&format!("{aircraft:06x}"), at) })
}

fn engine() -> PartitionEngine {
    PartitionEngine::new(SharedRules::default(), SharedFacts::default())
}

/// The code, the beginning and the end of an alert.
fn of(alert: &Alert) -> (String, i64, Option<i64>) {
    (alert.state.squawk.clone().unwrap().to_string(), alert.since.0, alert.ended.map(|at| at.0))
}

#[test]
fn an_alert_begins_once_until_it_ends_or_the_aircraft_is_silent() {
    let mut engine = engine();
    let mut changes = Vec::new();
    for (at, squawk) in [
        (10, Some("7700")),
        // A repeated record, and one that is out of order.
        (10, Some("1000")),
        (9, Some("1000")),
        (20, Some("7700")),
        (30, None),
        (40, Some("7700")),
        (50, Some("7600")),
        (60, Some("1000")),
        (70, Some("7600")),
    ] {
        changes.extend(engine.update(&squawking(1, at, squawk)).iter().map(of));
    }
    // The time of other aircraft decides when the silence is too long.
    for minute in 0..=60 {
        changes.extend(engine.update(&squawking(2, 70 + minute * 60, None)).iter().map(of));
    }
    changes.extend(engine.update(&squawking(1, 3671, Some("7600"))).iter().map(of));
    let expected = [
        ("7700", 10, None),
        ("7700", 10, Some(50)),
        ("7600", 50, None),
        ("7600", 50, Some(60)),
        ("7600", 70, None),
        ("7600", 70, Some(70)),
        ("7600", 3671, None),
    ];
    assert_eq!(changes, expected.map(|(squawk, since, ended)| (squawk.to_owned(), since, ended)));
    assert_eq!(engine.active(), 1);
}

fn low_below(metres: u32) -> RuleSet {
    let files = |name: &str| Err(format!("{name} was not found"));
    let mut parser = RuleParser::new(&files);
    parser.add(&json!({ "rules": { "low": { "when": { "altitude": format!("< {metres} m") } } } })).unwrap();
    parser.finish()
}

#[test]
fn other_rules_apply_from_the_next_state_on() {
    let shared = SharedRules::new(low_below(300));
    let mut engine = PartitionEngine::new(shared.clone(), SharedFacts::default());
    let low = |at| Arc::new(StateVector { baro_altitude: Some(200.0), ..state("4b1814", at) });
    let times = |alerts: Vec<Alert>| alerts.iter().map(|a| (a.since.0, a.ended.map(|at| at.0))).collect::<Vec<_>>();
    assert_eq!(times(engine.update(&low(10))), [(10, None)]);
    shared.replace(low_below(300));
    assert_eq!(times(engine.update(&low(20))), [], "the rule is the same");
    shared.replace(low_below(400));
    assert_eq!(times(engine.update(&low(30))), [(10, Some(20)), (30, None)]);
    shared.replace(RuleSet::default());
    assert_eq!(times(engine.update(&low(30))), [(30, Some(30))], "even if the state is a repeated one");
}

#[test]
fn rules_know_the_current_aircraft_table_and_the_country_of_the_address() {
    let files = |name: &str| Err(format!("{name} was not found"));
    let mut parser = RuleParser::new(&files);
    let when = json!({ "type": "BCS*", "country": "Switzerland" });
    parser.add(&json!({ "rules": { "r": { "when": when, "message": "{registration} {operator}" } } })).unwrap();
    let facts = SharedFacts::default();
    let mut engine = PartitionEngine::new(SharedRules::new(parser.finish()), facts.clone());
    let at = |at| Arc::new(StateVector { origin_country: None, ..state("4b1814", at) });
    assert_eq!(engine.update(&at(10)), []);
    let mut builder = TableBuilder::default();
    let entry = TableEntry { registration: Some("HB-JCA"), type_code: Some("BCS3"), ..TableEntry::default() };
    builder.add(Icao24::from_u32(0x4b_1814), &entry).unwrap();
    facts.replace_table(builder.build());
    let started = engine.update(&at(20));
    assert_eq!(started.iter().map(|alert| &*alert.detail).collect::<Vec<_>>(), ["HB-JCA unknown"]);
}

#[test]
fn a_state_that_is_more_than_an_hour_late_is_ignored() {
    let mut engine = engine();
    engine.update(&squawking(1, 10_000, None));
    assert_eq!(engine.update(&squawking(2, 6_399, Some("7700"))), []);
    assert_eq!(engine.update(&squawking(2, 6_400, Some("7700"))).len(), 1);
}

/// A log of one partition, and what was committed to Kafka.
#[derive(Default)]
struct Log {
    rules: SharedRules,
    records: Vec<Arc<StateVector>>,
    position: Option<DetectPosition>,
    published: Vec<Alert>,
    enriched: Vec<Arc<StateVector>>,
}

impl Log {
    /// Returns the state of the partition as a new owner reads it.
    fn recovered(&self) -> Recovered {
        let newest: BTreeMap<_, _> =
            self.published.iter().map(|alert| (AlertKey::from(alert), alert.clone())).collect();
        let (active, ended): (Vec<_>, Vec<_>) = newest.into_values().partition(|alert| alert.ended.is_none());
        let ended = ended.into_iter().map(|alert| (alert, 0)).collect();
        Recovered { partition: 0, position: self.position, active, ended }
    }

    fn batch(&self, from: i64, until: i64) -> PartitionBatch {
        let offsets = from..until;
        let timestamp = |offset: i64| offset * 1000 + 1_000_000_000;
        PartitionBatch {
            partition: 0,
            expected: None,
            next_offset: until,
            last_timestamp: timestamp(until - 1),
            states: offsets.clone().map(|offset| self.records[usize::try_from(offset).unwrap()].clone()).collect(),
            records: offsets.map(|offset| RecordPlace { offset, timestamp: timestamp(offset) }).collect(),
            polls: Vec::new(),
            alerts: Vec::new(),
            skipped: 0,
            dead_letters: Vec::new(),
            lost: 0,
        }
    }

    fn commit(&mut self, partition: &mut DetectPartition) {
        let Some(DetectPart { base, position, changes, states, .. }) = partition.part() else { return };
        assert_eq!(base, self.position.map(|position| position.next.next_offset));
        self.position = Some(position);
        self.published.extend(changes.into_iter().map(|change| match change {
            AlertChange::Alert(alert) => alert,
            AlertChange::Forget(key) => panic!("{key}"),
        }));
        self.enriched.extend(states);
        partition.committed();
    }

    /// Starts an owner, and returns it with the offset from which it reads.
    fn owner(&self) -> (DetectPartition, i64) {
        let engine = PartitionEngine::new(self.rules.clone(), SharedFacts::default());
        let (mut partition, start) = DetectPartition::new(Box::new(engine), self.recovered(), true, UnixTime(0));
        let offset = match start {
            StartAt::Resume { next_offset, .. } | StartAt::Offset(next_offset) => next_offset,
            StartAt::Time(_) => 0,
            StartAt::Beginning => panic!("{start}"),
        };
        partition.started(offset);
        (partition, offset)
    }
}

/// Rules of every kind that depends on the past, and some of which depend on some hours of it. The fence is on the east
/// of 0°.
fn rules_with_a_past(hours: bool) -> SharedRules {
    let files = |name: &str| Err(format!("{name} was not found"));
    let mut parser = RuleParser::new(&files);
    let mut document = json!({
        "fences": { "east": { "box": { "west": 0, "south": -9, "east": 9, "north": 9 } } },
        "rules": {
            "enters": { "when": { "enter": "east" } },
            "leaves": { "when": { "exit": "east" }, "cooldown": "90s" },
            "stays": { "when": { "inside": "east" }, "for": "90s", "cooldown": "2m" },
            "lost": { "when": { "lost_contact": "2m", "inside": "east" } },
            "lost-long": { "when": { "lost_contact": "45m", "inside": "east" } },
            "lost-or-slow": { "when": { "any": [{ "lost_contact": "10m" }, { "speed": "< 20 m/s" }] }, "cooldown": "1m" },
            "moves": { "when": { "any": [{ "takeoff": true }, { "landing": true }] } },
        },
    });
    if hours {
        document["rules"]["stays-long"] = json!({ "when": { "inside": "east", "on_ground": false }, "for": "30m" });
        document["rules"]["rests-long"] = json!({ "when": { "squawk": "1000" }, "for": "10m", "cooldown": "80m" });
        document["rules"]["lost-or-slow"]["cooldown"] = json!("1h");
    }
    parser.add(&document).unwrap();
    SharedRules::new(parser.finish())
}

/// States of a few aircraft, which are silent for more than an hour at times, some out of order. Every `pause` seconds at
/// most, one of them is heard.
fn records(pause: i64) -> impl Strategy<Value = Vec<Arc<StateVector>>> {
    let squawk = prop::sample::select(vec![Some("7500"), Some("7600"), Some("7700"), Some("1000"), None]);
    let step = prop_oneof![8 => -30_i64..60, 2 => 0..pause];
    let late = prop_oneof![9 => Just(0_i64), 1 => 0..4_000_i64];
    let on_ground = prop::option::weighted(0.7, any::<bool>());
    let lon = prop::option::weighted(0.6, prop_oneof![Just(-1.0), Just(1.0)]);
    let speed = prop::sample::select(vec![0.0, 50.0]);
    prop::collection::vec((0_u32..4, step, late, squawk, on_ground, lon, speed), 0..250).prop_map(|rows| {
        let mut time = 20_000;
        let next = |(aircraft, step, late, squawk, on_ground, lon, speed): (u32, i64, i64, Option<&str>, _, _, _)| {
            time += step;
            let state = StateVector::clone(&squawking(aircraft, time - late, squawk));
            Arc::new(StateVector { on_ground, lon, velocity: Some(speed), ..state })
        };
        rows.into_iter().map(next).collect()
    })
}

proptest! {
    /// The owners change at any record, each with or without committing what it has processed, and read in batches of
    /// any size.
    #[test]
    fn successive_owners_publish_what_a_single_one_would(
        records in records(840),
        owners in prop::collection::vec((1_usize..40, 1_i64..20, any::<bool>()), 0..8),
        rules in prop::sample::select(vec![SharedRules::default(), rules_with_a_past(false), rules_with_a_past(true)]),
    ) {
        let end = i64::try_from(records.len()).unwrap();
        let mut single = Log { rules: rules.clone(), records: records.clone(), ..Log::default() };
        let (mut owner, _) = single.owner();
        if end > 0 {
            owner.process(&single.batch(0, end));
        }
        single.commit(&mut owner);

        let mut log = Log { rules, records, ..Log::default() };
        for (batches, size, commits) in owners.into_iter().chain([(usize::MAX, 1, true)]) {
            let (mut owner, mut next) = log.owner();
            for batch in 0..batches {
                let until = (next + size).min(end);
                if until == next {
                    break;
                }
                owner.process(&log.batch(next, until));
                next = until;
                if commits || batch % 3 == 0 {
                    log.commit(&mut owner);
                }
            }
            if commits {
                log.commit(&mut owner);
            }
        }
        prop_assert_eq!(&log.published, &single.published);
        prop_assert_eq!(&log.enriched, &log.records);
        prop_assert_eq!(log.position.map(|position| position.next.next_offset), single.position.map(|_| end));
    }
}

#[test]
fn a_recreated_topic_is_processed_from_its_first_record() {
    let records = [Some("7700"), Some("7700"), Some("1000")];
    let records = records.iter().zip(1..).map(|(squawk, at)| squawking(1, at * 10, *squawk)).collect();
    let mut log = Log { records, ..Log::default() };
    let (mut owner, _) = log.owner();
    owner.process(&log.batch(0, 2));
    log.commit(&mut owner);
    log.records = vec![squawking(2, 100, Some("7600"))];
    owner.process(&log.batch(0, 1));
    log.commit(&mut owner);
    assert_eq!(
        log.published.iter().map(of).collect::<Vec<_>>(),
        [("7700".into(), 10, None), ("7600".into(), 100, None)]
    );
    assert_eq!(log.position.unwrap().next.next_offset, 1);
}

#[test]
fn a_state_far_ahead_of_its_record_is_ignored() {
    let mut log = Log { records: vec![squawking(1, 1_003_601, Some("7700"))], ..Log::default() };
    let (mut owner, _) = log.owner();
    owner.process(&log.batch(0, 1));
    log.commit(&mut owner);
    assert_eq!((log.published.len(), log.position.unwrap().next.next_offset), (0, 1));
}
