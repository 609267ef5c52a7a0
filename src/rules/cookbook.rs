//! Tries each example of the cookbook in docs/rules.md on simulated flights.

use std::sync::Arc;

use actors::detect::{RuleEngine, RuleParser};
use actors::domain::{Icao24, StateVector, UnixTime};

use super::read::parse_yaml;
use super::tests::examples;

/// Applies the example with this rule to states, and returns rule, message, start and end of each change.
fn alerts(rule: &str, states: impl IntoIterator<Item = StateVector>) -> Vec<(String, String, i64, Option<i64>)> {
    let example = examples().into_iter().find(|example| example.contains(&format!("  {rule}:"))).unwrap();
    let files = |name: &str| Err(format!("{name} was not found"));
    let mut parser = RuleParser::new(&files);
    parser.add(&parse_yaml(example).unwrap()).unwrap();
    let mut engine = RuleEngine::new(Arc::new(parser.finish()));
    let changes = states.into_iter().flat_map(|state| engine.update(&Arc::new(state)));
    let changes = changes.map(|a| (a.rule.to_string(), a.detail.to_string(), a.since.0, a.ended.map(|at| at.0)));
    changes.collect()
}

fn at(time: i64, lat: f64, lon: f64, altitude: f64) -> StateVector {
    StateVector {
        callsign: Some("SWR12".into()),
        lat: Some(lat),
        lon: Some(lon),
        baro_altitude: Some(altitude),
        on_ground: Some(altitude <= 0.0),
        velocity: Some(if altitude <= 0.0 { 10.0 } else { 90.0 }),
        ..StateVector::new(Icao24::parse("4b1814").unwrap(), UnixTime(time))
    }
}

#[test]
fn neighbourhood_noise() {
    let high = [at(0, 47.38, 8.54, 1500.0)];
    assert_eq!(alerts("noise", high), []);
    let low =
        [at(0, 47.5, 8.54, 900.0), at(10, 47.39, 8.54, 900.0), at(30, 47.3, 8.54, 900.0), at(60, 47.38, 8.54, 900.0)];
    let message = "SWR12 (unknown) at 900 m".to_owned();
    let expected =
        [(10, None), (10, Some(30))].map(|(since, ended)| ("noise".to_owned(), message.clone(), since, ended));
    assert_eq!(alerts("noise", low), expected);
}

#[test]
fn airfield_traffic() {
    let circuit = [(0, 0.0), (30, 100.0), (120, 400.0), (400, 50.0), (430, 0.0), (500, 0.0)];
    let states = circuit.map(|(time, altitude)| at(time, 47.46, 8.55, altitude));
    let seen: Vec<_> =
        alerts("departure", states.clone()).into_iter().map(|(_, text, at, end)| (text, at, end)).collect();
    let expected = [
        ("SWR12 took off", 30, None),
        ("SWR12 took off", 30, Some(120)),
        ("SWR12 landed", 430, None),
        ("SWR12 landed", 430, Some(500)),
    ];
    assert_eq!(seen, expected.map(|(text, at, end)| (text.to_owned(), at, end)));
    let elsewhere = states.map(|state| StateVector { lat: Some(48.0), ..state });
    assert_eq!(alerts("departure", elsewhere), []);
}

#[test]
fn helicopters_over_a_fence() {
    let flight = |category| {
        let path = [(0, 46.4), (10, 46.6), (30, 46.7), (40, 46.75), (60, 46.9)];
        path.map(|(time, lat)| StateVector { category: Some(category), ..at(time, lat, 8.3, 1000.0) })
    };
    let seen: Vec<_> = alerts("helicopter", flight(8)).into_iter().map(|(.., at, end)| (at, end)).collect();
    assert_eq!(seen, [(40, None), (40, Some(60))]);
    assert_eq!(alerts("helicopter", flight(4)), []);
}

#[test]
fn a_fleets_watch_list() {
    let rates = [(0, 0.0), (10, -21.0), (20, -15.0)];
    let flight = |callsign: &str, icao24: &str| {
        rates.map(|(time, rate)| StateVector {
            callsign: Some(callsign.into()),
            vertical_rate: Some(rate),
            ..StateVector::new(Icao24::parse(icao24).unwrap(), UnixTime(time))
        })
    };
    for (callsign, icao24, expected) in [("SWR12", "400000", 2), ("XY", "4b1815", 2), ("DLH1", "3c6444", 0)] {
        assert_eq!(alerts("fleet-descends-fast", flight(callsign, icao24)).len(), expected, "{callsign}");
    }
}

#[test]
fn lost_contact_over_sea() {
    let others = (0..12).flat_map(|minute| {
        [100, 101].map(|other| StateVector::new(Icao24::from_u32(other), UnixTime(10_000 + minute * 60)))
    });
    let lost = |altitude, lon| {
        let mut states = vec![at(10_000, -20.0, lon, altitude)];
        states.extend(others.clone());
        states.push(at(10_700, -20.0, lon, altitude));
        let alerts = alerts("lost-over-sea", states);
        alerts.into_iter().map(|(.., since, ended)| (since, ended)).collect::<Vec<_>>()
    };
    assert_eq!(lost(10_000.0, -179.0), [(10_600, None), (10_600, Some(10_700))]);
    assert_eq!(lost(1_000.0, -179.0), []);
    assert_eq!(lost(10_000.0, 0.0), []);
}
