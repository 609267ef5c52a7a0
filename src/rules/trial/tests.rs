use actors::detect::RuleParser;
use proptest::prelude::*;

use super::*;
use crate::rules::read::parse_yaml;

const RULES: &str = "
fences:
  home: {box: {west: 0, south: 0, east: 2, north: 2}}
rules:
  home: {when: {inside: home, altitude: \"< 1 km\"}, for: 20s, cooldown: 90s}
  enters: {when: {enter: home}}
  moves: {when: {any: [{takeoff: true}, {landing: true}]}}
  slow: {when: {speed: \"< 20 m/s\", on_ground: false}}
";

fn rules(text: &str) -> RuleSet {
    let files = |name: &str| Err(format!("{name} was not found"));
    let mut parser = RuleParser::new(&files);
    parser.add(&parse_yaml(text).unwrap()).unwrap();
    parser.finish()
}

/// A start or an end.
fn change(alert: &Alert) -> (Arc<str>, Icao24, UnixTime, Option<UnixTime>) {
    (alert.rule.clone(), alert.icao24, alert.since, alert.ended)
}

/// States of a few aircraft near the fence within half an hour, in the order of time.
fn states() -> impl Strategy<Value = Vec<Arc<StateVector>>> {
    let row = (
        0_u32..9,
        0_i64..30,
        (-1.0..3.0, -1.0..3.0),
        any::<Option<bool>>(),
        prop::sample::select(vec![0.0, 10.0, 80.0]),
        prop::option::of(prop::sample::select(vec!["7700", "7600", "1000"])),
    );
    prop::collection::vec(row, 0..60).prop_map(|rows| {
        let mut time = 10_000;
        let mut states = BTreeMap::new();
        for (aircraft, step, (lat, lon), on_ground, speed, squawk) in rows {
            time += step;
            let icao24 = Icao24::from_u32(aircraft);
            let state = StateVector {
                lat: Some(lat),
                lon: Some(lon),
                baro_altitude: Some(speed * 20.0),
                velocity: Some(speed),
                on_ground,
                squawk: squawk.map(Into::into),
                ..StateVector::new(icao24, UnixTime(time))
            };
            states.insert((time, icao24), Arc::new(state));
        }
        states.into_values().collect()
    })
}

proptest! {
    #[test]
    fn a_trial_finds_the_alerts_of_the_processes_that_divide_the_aircraft(states in states()) {
        let mut trial = Trial::new(rules(RULES), SharedFacts::default(), UnixTime(0));
        let tried = states.iter().flat_map(|state| trial.apply(state));
        let mut tried: Vec<_> = tried.map(|alert| change(&alert)).collect();
        let shared = SharedRules::new(rules(RULES));
        let mut partitions = [(); 3].map(|()| PartitionEngine::new(shared.clone(), SharedFacts::default()));
        let live = states.iter().flat_map(|state| partitions[state.icao24.to_u32() as usize % 3].update(state));
        let mut live: Vec<_> = live.map(|alert| change(&alert)).collect();
        tried.sort();
        live.sort();
        prop_assert_eq!(&tried, &live);
        let alerts: u64 = trial.summary().iter().map(|rule| rule.alerts).sum();
        prop_assert_eq!(alerts as usize, live.iter().filter(|(.., ended)| ended.is_none()).count());
    }
}

fn squawking(aircraft: u32, at: i64, squawk: &str) -> Arc<StateVector> {
    let state = StateVector::new(Icao24::from_u32(aircraft), UnixTime(at));
    Arc::new(StateVector { squawk: Some(squawk.into()), ..state })
}

#[test]
fn the_summary_counts_what_begins_after_the_start() {
    let text = "rules: {never: {when: {callsign: NONE}}}";
    let mut trial = Trial::new(rules(text), SharedFacts::default(), UnixTime(100));
    let states = [
        (1, 90, "7700"),
        (1, 110, "1000"),
        (1, 120, "7600"),
        (1, 130, "1000"),
        (2, 140, "7700"),
        (2, 190, "1000"),
        (2, 200, "7700"),
    ];
    let changes: Vec<_> =
        states.iter().flat_map(|(aircraft, at, squawk)| trial.apply(&squawking(*aircraft, *at, squawk))).collect();
    assert_eq!(changes.len(), 5, "neither the start nor the end of the first alert");
    let [emergencies, never] = &trial.summary()[..] else { panic!("{:?}", trial.summary()) };
    let expected = RuleSummary {
        rule: "emergency-squawk".into(),
        alerts: 3,
        aircraft: 2,
        active: 1,
        median_seconds: Some(50),
        longest_seconds: Some(50),
    };
    assert_eq!((emergencies, trial.states()), (&expected, 7));
    assert_eq!((never.alerts, never.median_seconds), (0, None));
}
