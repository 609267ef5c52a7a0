//! Measures how fast the rules are applied, and how long a state takes to its alert on Kafka and at a webhook, with the
//! release server and a real Kafka.
//!
//! 10,000 aircraft that all change every 5 s, 100 rules, 1,000 polygons of 24 corners.
//!
//! ```sh
//! make bench-detect                        # about four minutes
//! make bench-detect ARGS='-- --quick'      # one minute, as a smoke test
//! ```

#![allow(clippy::unwrap_used, reason = "a measurement that cannot continue has failed")]
#![allow(clippy::print_stdout, reason = "the table is the output")]

mod path;

use std::f64::consts::TAU;
use std::sync::Arc;

use actors::detect::{RuleEngine, RuleParser, RuleSet};
use actors::domain::{Icao24, StateVector, UnixTime};
use bench::{machine, report};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Map, Value, json};

const AIRCRAFT: u32 = 10_000;
const ROUNDS: i64 = 60;
const POLYGONS: u32 = 1_000;

/// Returns a position over Europe or the Atlantic.
fn place(number: u32) -> (f64, f64) {
    let degrees = |factor: u32, range: u32| f64::from(number.wrapping_mul(factor) % (range * 100)) / 100.0;
    (degrees(2_654_435_761, 60), degrees(40_503, 90) - 50.0)
}

fn polygon(number: u32) -> Value {
    let (lat, lon) = place(number);
    let corner = |corner: u32| {
        let angle = TAU * f64::from(corner % 24) / 24.0;
        json!([lon + 0.4 * angle.cos(), lat + 0.3 * angle.sin()])
    };
    json!({ "geojson": { "type": "Polygon", "coordinates": [(0..=24).map(corner).collect::<Vec<_>>()] } })
}

/// Returns rules of every kind, which share the polygons.
fn document(polygons: u32) -> Value {
    let names: Vec<_> = (0..polygons).map(|number| format!("f{number}")).collect();
    let fences: Map<_, _> = (0_u32..).zip(&names).map(|(number, name)| (name.clone(), polygon(number))).collect();
    let rules = (0..100).map(|number: usize| {
        let own: Vec<_> = names.iter().skip(number).step_by(100).collect();
        let when = match number % 10 {
            _ if own.is_empty() => json!({ "callsign": format!("DLH{number}*") }),
            0 => json!({ "inside": own, "altitude": "< 3000 ft" }),
            1 => json!({ "enter": own }),
            2 => json!({ "exit": own, "speed": "> 200 kt" }),
            3 => json!({ "inside": own, "category": "A7" }),
            4 => json!({ "lost_contact": "5m", "inside": own }),
            5 => json!({ "callsign": [format!("DLH{number}*"), "RCH*"], "inside": own }),
            6 => json!({ "landing": true, "inside": own }),
            7 => json!({ "vertical_rate": "< -3000 ft/min", "inside": own }),
            8 => json!({ "icao24": [format!("4b18{number:02}"), "3c*"], "inside": own }),
            _ => json!({ "any": [{ "squawk": "0033" }, { "country": "Tuvalu" }], "inside": own }),
        };
        let hold = if number.is_multiple_of(10) { "30s" } else { "1s" };
        let rule = if number % 10 == 4 { json!({ "when": when }) } else { json!({ "when": when, "for": hold }) };
        (format!("r{number}"), rule)
    });
    json!({ "fences": fences, "rules": rules.collect::<Map<_, _>>() })
}

fn rules(polygons: u32) -> Arc<RuleSet> {
    let files = |name: &str| Err(name.to_owned());
    let mut parser = RuleParser::new(&files);
    parser.add(&document(polygons)).unwrap();
    Arc::new(parser.finish())
}

fn flying(aircraft: u32, round: i64) -> Arc<StateVector> {
    let (lat, lon) = place(aircraft + 5);
    let at = 1_795_000_000 + round * 5 + i64::from(aircraft % 5);
    Arc::new(StateVector {
        callsign: Some("SWR123".into()),
        origin_country: Some("Switzerland".into()),
        lat: Some(lat + round as f64 * 0.003),
        lon: Some(lon + round as f64 * 0.005),
        baro_altitude: Some(f64::from(aircraft % 120) * 100.0),
        velocity: Some(220.0),
        vertical_rate: Some(0.5),
        on_ground: Some(false),
        squawk: Some("1000".into()),
        category: Some(4),
        time_position: Some(UnixTime(at - 1)),
        ..StateVector::new(Icao24::from_u32(aircraft.wrapping_mul(1_677)), UnixTime(at))
    })
}

/// The CPU time of this process, in seconds, which other processes hardly affect.
fn cpu_seconds() -> f64 {
    let used = getrusage(UsageWho::RUSAGE_SELF).unwrap().user_time();
    used.tv_sec() as f64 + used.tv_usec() as f64 / 1e6
}

fn main() -> anyhow::Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let states: Vec<_> = (0..ROUNDS).flat_map(|round| (0..AIRCRAFT).map(move |each| flying(each, round))).collect();
    println!("{:>9} {:>14} {:>14} {:>9}", "polygons", "µs per state", "states a second", "alerts");
    for polygons in [0, POLYGONS, 10 * POLYGONS] {
        let mut engine = RuleEngine::new(rules(polygons));
        let started = cpu_seconds();
        let alerts: usize = states.iter().map(|state| engine.update(state).len()).sum();
        let seconds = cpu_seconds() - started;
        let (each, rate) = (seconds * 1e6 / states.len() as f64, states.len() as f64 / seconds);
        println!("{polygons:>9} {each:>14.2} {rate:>14.0} {alerts:>9}");
    }
    let load_before = machine::load();
    let lines = path::measure(&document(POLYGONS), quick)?;
    println!("\n{}\n\nLoad before and after: {load_before}; {}.\n", machine::description(), machine::load());
    report::print(&lines);
    Ok(())
}
