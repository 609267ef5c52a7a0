use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::RuleEngine;
use super::limits::MAX_ACTIVE;
use super::oracle::{Change, Oracle};
use crate::detect::{Alert, RuleFacts, RuleParser, RuleSet};
use crate::domain::{Icao24, StateVector, UnixTime};

fn rules(document: &Value) -> Arc<RuleSet> {
    let files = |name: &str| Err(format!("{name} was not found"));
    let mut parser = RuleParser::new(&files);
    parser.add(document).unwrap();
    Arc::new(parser.finish())
}

/// Creates an engine of one rule, named `r`, without the built-in one. The fence `home` is within one degree of 0, 0.
fn engine(rule: Value) -> RuleEngine {
    let home = json!({ "box": { "west": -1, "south": -1, "east": 1, "north": 1 } });
    let rules_of = json!({ "emergency-squawk": { "enabled": false }, "r": rule });
    RuleEngine::new(rules(&json!({ "fences": { "home": home }, "rules": rules_of })))
}

fn state(aircraft: u32, at: i64) -> StateVector {
    StateVector::new(Icao24::from_u32(aircraft), UnixTime(at))
}

fn at_lon(at: i64, lon: f64) -> StateVector {
    StateVector { lat: Some(0.0), lon: Some(lon), ..state(1, at) }
}

/// Returns since when each alert lasts, and when it ended.
fn times(changes: &[Alert]) -> Vec<(i64, Option<i64>)> {
    changes.iter().map(|alert| (alert.since.0, alert.ended.map(|at| at.0))).collect()
}

/// Processes states, and returns the changes.
fn changes(engine: &mut RuleEngine, states: impl IntoIterator<Item = StateVector>) -> Vec<(i64, Option<i64>)> {
    states.into_iter().flat_map(|state| times(&engine.update(&Arc::new(state)))).collect()
}

/// Moves the watermark by states of two other aircraft.
fn watch_until(engine: &mut RuleEngine, now: i64) -> Vec<(i64, Option<i64>)> {
    changes(engine, [state(8, now), state(9, now)])
}

#[test]
fn a_fence_is_entered_and_left_once() {
    let path = [(0, 2.0), (10, 0.9), (20, 0.0), (69, 0.1), (70, 0.5), (80, 1.5), (90, 1.6), (140, 2.0)];
    let path = path.map(|(at, lon)| at_lon(at, lon));
    let check = |rule: Value, expected: &[(i64, Option<i64>)]| {
        assert_eq!(changes(&mut engine(json!({ "when": rule })), path.clone()), expected, "{rule}");
    };
    check(json!({ "inside": "home" }), &[(10, None), (10, Some(80))]);
    check(json!({ "enter": "home" }), &[(10, None), (10, Some(70))]);
    check(json!({ "exit": "home" }), &[(80, None), (80, Some(140))]);
    check(json!({ "not": { "inside": "home" } }), &[(0, None), (0, Some(10)), (80, None)]);
}

#[test]
fn an_aircraft_that_appears_inside_a_fence_has_not_entered_it() {
    let mut engine = engine(json!({ "when": { "enter": "home" } }));
    assert_eq!(changes(&mut engine, [at_lon(0, 0.0), at_lon(5, 0.1)]), []);
    assert_eq!(changes(&mut engine, [at_lon(10, 5.0), at_lon(4000, 0.1)]), [], "an hour later it is new");
}

#[test]
fn a_position_that_is_old_or_missing_changes_nothing() {
    let mut engine = engine(json!({ "when": { "inside": "home" } }));
    let old = StateVector { time_position: Some(UnixTime(0)), ..at_lon(61, 5.0) };
    assert_eq!(changes(&mut engine, [at_lon(0, 0.0), state(1, 30), old]), [(0, None)]);
    assert_eq!(changes(&mut engine, [at_lon(70, 5.0)]), [(0, Some(70))]);
}

#[test]
fn a_condition_has_to_hold_and_a_pause_follows_an_alert() {
    let low = |at, altitude| StateVector { baro_altitude: altitude, ..state(1, at) };
    let mut engine = engine(json!({ "when": { "altitude": "< 300 m" }, "for": "30s", "cooldown": "100s" }));
    let path = [(0, 200.0), (20, 200.0), (25, 400.0), (30, 200.0), (59, 200.0), (60, 200.0), (70, 400.0), (80, 100.0)];
    let started = changes(&mut engine, path.map(|(at, altitude)| low(at, Some(altitude))));
    assert_eq!(started, [(60, None), (60, Some(70))]);
    assert_eq!(changes(&mut engine, [low(120, None), low(169, Some(100.0)), low(170, Some(100.0))]), [(170, None)]);
}

#[test]
fn takeoff_and_landing_need_a_plausible_speed() {
    let moving =
        |at, on_ground, speed| StateVector { on_ground: Some(on_ground), velocity: Some(speed), ..state(1, at) };
    let path = [
        moving(0, true, 5.0),
        moving(10, false, 3.0),
        moving(20, false, 80.0),
        moving(90, true, 230.0),
        moving(100, false, 230.0),
        moving(200, true, 60.0),
        moving(300, true, 0.0),
    ];
    assert_eq!(
        changes(&mut engine(json!({ "when": { "takeoff": true } })), path.clone()),
        [(20, None), (20, Some(90))]
    );
    assert_eq!(changes(&mut engine(json!({ "when": { "landing": true } })), path), [(200, None), (200, Some(300))]);
}

#[test]
fn silence_is_decided_by_the_states_of_other_aircraft() {
    let mut engine = engine(json!({ "when": { "lost_contact": "60s", "inside": "home" } }));
    watch_until(&mut engine, 0);
    assert_eq!(changes(&mut engine, [at_lon(1, 0.0), state(1, 10)]), []);
    assert_eq!(watch_until(&mut engine, 69), []);
    assert_eq!(watch_until(&mut engine, 75), [(70, None)]);
    assert_eq!(changes(&mut engine, [at_lon(80, 5.0)]), [(70, Some(80))]);
    assert_eq!(watch_until(&mut engine, 300), [], "outside of the fence");
}

#[test]
fn an_hour_of_silence_ends_alerts() {
    let mut engine = engine(json!({ "when": { "inside": "home" } }));
    watch_until(&mut engine, 0);
    assert_eq!(changes(&mut engine, [at_lon(1, 0.0)]), [(1, None)]);
    for at in (0..3600).step_by(600) {
        assert_eq!(watch_until(&mut engine, at), []);
    }
    assert_eq!(watch_until(&mut engine, 3601), [(1, Some(1))]);
    assert_eq!(watch_until(&mut engine, 3602), []);
    assert_eq!((engine.active().len(), engine.aircraft.len()), (0, 2));
}

#[test]
fn an_aircraft_that_returns_after_an_hour_raises_another_alert() {
    let mut engine = engine(json!({ "when": { "inside": "home" }, "for": "10s" }));
    assert_eq!(changes(&mut engine, [at_lon(0, 0.0), at_lon(10, 0.0)]), [(10, None)]);
    // No other aircraft is heard in that time.
    assert_eq!(changes(&mut engine, [at_lon(3609, 0.0)]), []);
    assert_eq!(changes(&mut engine, [at_lon(7209, 0.0)]), [(10, Some(3609))]);
    assert_eq!(changes(&mut engine, [at_lon(7219, 0.0)]), [(7219, None)]);
}

#[test]
fn one_aircraft_with_a_wrong_clock_does_not_make_others_silent() {
    let mut engine = engine(json!({ "when": { "lost_contact": "60s" } }));
    watch_until(&mut engine, 1000);
    assert_eq!(changes(&mut engine, [state(1, 1000), state(2, 4_000_000_000), state(2, 4_000_000_001)]), []);
    assert_eq!(changes(&mut engine, [state(3, 1010)]), []);
}

#[test]
fn facts_are_unknown_without_enrichment() {
    let mut engine = engine(json!({ "when": { "registration": "D-A*" }, "message": "{registration} {callsign}" }));
    assert_eq!(engine.update(&Arc::new(state(1, 0))), []);
    let facts = Arc::new(RuleFacts { registration: Some("D-AIBL".into()), ..RuleFacts::default() });
    let started = engine.update_with(&Arc::new(state(1, 1)), Some(&facts));
    assert_eq!(&*started[0].detail, "D-AIBL unknown");
}

#[test]
fn alerts_of_removed_and_changed_rules_end_and_others_continue() {
    let home = |west| json!({ "box": { "west": west, "south": -1, "east": 1, "north": 1 } });
    let of = |west: i32, list: &[(&str, Value)]| {
        let list = list.iter().map(|(name, rule)| ((*name).to_owned(), rule.clone()));
        let rules_of: serde_json::Map<_, _> = list.collect();
        rules(&json!({ "fences": { "other": home(0), "home": home(west) }, "rules": rules_of }))
    };
    let (inside, low) = (json!({ "when": { "inside": "home" } }), json!({ "when": { "altitude": "< 1 km" } }));
    let lower = json!({ "when": { "altitude": "< 500 m" }, "cooldown": "100s" });
    let state = |at| StateVector { baro_altitude: Some(100.0), ..at_lon(at, 0.0) };
    let mut engine = RuleEngine::new(of(-1, &[("gone", low.clone()), ("inside", inside.clone()), ("low", low)]));
    assert_eq!(changes(&mut engine, [state(10), state(20)]).len(), 3);
    let ended = |changes: &[Alert]| {
        changes.iter().map(|alert| (alert.rule.to_string(), alert.ended.map(|at| at.0))).collect::<Vec<_>>()
    };
    let ends = |rule: &str| (rule.to_owned(), Some(20));

    let same = of(-1, &[("inside", inside.clone()), ("low", lower.clone())]);
    assert_eq!(ended(&engine.replace_rules(same)), [ends("gone"), ends("low")]);
    assert_eq!(engine.count_active(), 1);
    assert_eq!(changes(&mut engine, [state(30), state(119)]), [], "the pause follows the end of the former alert");
    assert_eq!(changes(&mut engine, [state(120)]), [(120, None)]);

    let moved = of(-2, &[("inside", inside), ("low", lower)]);
    let changed = engine.replace_rules(moved);
    assert_eq!(ended(&changed), [("inside".to_owned(), Some(120))], "its fence has changed");
    assert_eq!(changes(&mut engine, [state(130)]), [(130, None)]);
}

#[test]
fn an_aircraft_within_a_new_fence_has_not_entered_it() {
    let square = |west| json!({ "box": { "west": west, "south": -1, "east": west + 1, "north": 1 } });
    let rules_of = json!({ "r": { "when": { "enter": "new" } } });
    let mut engine = RuleEngine::default();
    assert_eq!(changes(&mut engine, [at_lon(10, 2.5)]), []);
    let with_fences = rules(&json!({ "fences": { "new": square(2), "next": square(4) }, "rules": rules_of }));
    assert_eq!(engine.replace_rules(with_fences), []);
    assert_eq!(changes(&mut engine, [at_lon(20, 2.6), at_lon(30, 3.5), at_lon(40, 2.7)]), [(40, None)]);
}

#[test]
fn alerts_of_unknown_rules_are_restored_as_ended() {
    let mut engine = RuleEngine::default();
    let alert = |rule: &str, at| Alert::starting(rule, "", Arc::new(state(1, at)));
    let ended = Alert { ended: Some(UnixTime(9)), ..alert("older", 5) };
    changes(&mut engine, [state(1, 30)]);
    let orphans = engine.restore([alert("gone", 10), ended, alert("emergency-squawk", 20)]);
    assert_eq!(times(&orphans), [(10, Some(30))]);
    assert_eq!(engine.count_active(), 1);
}

#[test]
fn active_alerts_are_bounded() {
    let mut engine = engine(json!({ "when": { "squawk": "7000" } }));
    let squawking = |aircraft, at, squawk: &str| StateVector { squawk: Some(squawk.into()), ..state(aircraft, at) };
    for aircraft in 0..MAX_ACTIVE as u32 {
        assert_eq!(changes(&mut engine, [squawking(aircraft, 10, "7000")]).len(), 1);
    }
    let late = MAX_ACTIVE as u32;
    assert_eq!(changes(&mut engine, [squawking(late, 20, "7000")]), []);
    assert_eq!(changes(&mut engine, [squawking(0, 25, "1000")]), [(10, Some(25))]);
    assert_eq!(changes(&mut engine, [squawking(late, 30, "7000")]), [(30, None)]);
    assert_eq!((engine.count_active(), engine.active()[0].since), (MAX_ACTIVE, UnixTime(30)));
}

fn document() -> Value {
    let square = |west: i32| json!([[[west, 0], [west + 4, 0], [west + 4, 4], [west, 4], [west, 0]]]);
    let fence = |west| json!({ "geojson": { "type": "Polygon", "coordinates": square(west) } });
    json!({
        "fences": { "a": fence(0), "b": fence(2) },
        "rules": {
            "a-low": { "when": { "inside": "a", "altitude": "< 3 m" }, "for": "20s", "cooldown": "90s" },
            "b-outside": { "when": { "not": { "inside": "b" }, "callsign": "B*" } },
            "c-enter": { "when": { "enter": "b", "altitude": "< 3 m" }, "cooldown": "30s" },
            "d-exit": { "when": { "exit": "a" } },
            "e-moves": { "when": { "any": [{ "takeoff": true }, { "landing": true, "inside": "a" }] } },
            "f-lost": { "when": { "lost_contact": "45s", "inside": "a" }, "cooldown": "200s" },
            "g-lost": { "when": { "lost_contact": "600s", "on_ground": false } },
            "h-ground": { "when": { "on_ground": true }, "for": "50s" },
            "i-left-low": { "when": { "any": [{ "enter": "a" }, { "inside": "b" }], "altitude": "< 2 m" } },
        },
    })
}

/// States of a few aircraft near the fences, with gaps from seconds to hours, some out of order.
fn states() -> impl Strategy<Value = Vec<Arc<StateVector>>> {
    let step = prop_oneof![6 => 0_i64..15, 3 => 15_i64..70, 1 => 500_i64..860];
    let on_ground = prop::option::weighted(0.8, any::<bool>());
    let position = prop::option::weighted(0.9, (-1.0..5.0, -1.0..7.0));
    let altitude = prop::option::of((0..5).prop_map(f64::from));
    let speed = prop::option::of(prop::sample::select(vec![0.0, 20.0, 100.0, 200.0]));
    let late = prop_oneof![9 => Just(0_i64), 1 => 0..30_i64];
    let row = (
        0_u32..4,
        step,
        late,
        position,
        altitude,
        on_ground,
        speed,
        prop::option::of(prop::sample::select(vec!["B1", "C1"])),
    );
    prop::collection::vec(row, 1..150).prop_map(|rows| {
        let mut now = 10_000;
        // Two states that agree on the time, as a partition has from the beginning.
        let mut states = vec![Arc::new(state(100, now)), Arc::new(state(101, now))];
        for (aircraft, step, late, position, baro_altitude, on_ground, velocity, callsign) in rows {
            now += step;
            states.push(Arc::new(StateVector {
                lat: position.map(|(lat, _)| lat),
                lon: position.map(|(_, lon)| lon),
                baro_altitude,
                on_ground,
                velocity,
                callsign: callsign.map(Into::into),
                ..state(aircraft, now - late)
            }));
        }
        states
    })
}

fn described(changes: &[Alert]) -> Vec<Change> {
    changes.iter().map(|a| (a.rule.to_string(), a.icao24, a.since.0, a.ended.map(|at| at.0))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_decides_as_the_oracle(states in states()) {
        let document = document();
        let (mut engine, mut oracle) = (RuleEngine::new(rules(&document)), Oracle::new(&document));
        for (number, state) in states.iter().enumerate() {
            prop_assert_eq!(described(&engine.update(state)), oracle.update(state), "state {}", number);
        }
    }

    /// An owner of a partition that starts in the middle continues as the previous one.
    #[test]
    fn a_restored_engine_continues_alike(states in states(), at in 0.0..1.0) {
        let rules = rules(&document());
        let (mut first, mut newest) = (RuleEngine::new(rules.clone()), std::collections::BTreeMap::new());
        let (before, after) = states.split_at((states.len() as f64 * at) as usize);
        for alert in before.iter().flat_map(|state| first.update(state)) {
            newest.insert((alert.rule.clone(), alert.icao24), alert);
        }
        let now = before.iter().map(|state| state.last_contact.0).max().unwrap_or(0);
        let oldest = now - i64::try_from(first.look_back().as_secs()).unwrap();
        let mut second = RuleEngine::new(rules);
        for state in before.iter().filter(|state| state.last_contact.0 >= oldest) {
            second.update(state);
        }
        second.restore(newest.into_values());
        if second.time().is_some() {
            for state in after {
                prop_assert_eq!(described(&second.update(state)), described(&first.update(state)));
            }
        }
    }
}
