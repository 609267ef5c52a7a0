//! Aircraft for the tests of the stream, and what a client should hold of them.

use std::collections::BTreeMap;

use actors::batch::{Batch, LogId, PartitionBatch};
use actors::domain::{StateVector, StateVectorParts};
use proptest::prelude::*;
use serde_json::Value;

use super::client::Aircraft;

/// Any state of one of a few aircraft, around the corner of some cells; `now` is about the present.
pub fn any_state(now: i64) -> impl Strategy<Value = StateVector> {
    let position = prop_oneof![
        // Moving a little, jumping, on an edge, nowhere.
        4 => (44.99_f64..45.01, 9.99_f64..10.01).prop_map(Some),
        2 => (40.0_f64..50.0, 0.0_f64..20.0).prop_map(Some),
        1 => (-90.0_f64..=90.0, -180.0_f64..=180.0).prop_map(Some),
        1 => prop::sample::select(vec![(45.0, 10.0), (-90.0, -180.0), (90.0, 180.0), (0.0, 0.0)]).prop_map(Some),
        1 => Just(None),
    ];
    let numbers = (any_number(), any_number(), any_number(), any_number(), any_number());
    let texts = (
        prop::option::of("[A-Z\"\\\\é]{1,8}"),
        prop::option::of("(Switzerland|Germany|Côte d'Ivoire)"),
        prop_oneof![
            2 => prop::option::of("[0-7]{4}"),
            1 => prop::sample::select(vec!["7500", "7600", "7700"]).prop_map(|squawk| Some(squawk.to_owned())),
        ],
    );
    let rest = (any::<Option<bool>>(), any::<Option<bool>>(), prop::option::of(0_i16..4), prop::option::of(-1_i16..20));
    let times = (0..=300_i64, prop::option::of(0..100_000_i64), prop::option::of(-60..20_i64));
    (0_u32..8, position, numbers, texts, rest, times).prop_map(
        move |(icao24, position, numbers, texts, rest, times)| {
            let last_contact = now - 200 + times.0;
            StateVector::try_from(StateVectorParts {
                icao24: format!("{icao24:06x}").into(),
                lat: position.map(|(lat, _)| lat),
                lon: position.map(|(_, lon)| lon),
                baro_altitude: numbers.0,
                geo_altitude: numbers.1,
                velocity: numbers.2,
                true_track: numbers.3,
                vertical_rate: numbers.4,
                callsign: texts.0.map(Into::into),
                origin_country: texts.1.map(Into::into),
                squawk: texts.2.map(Into::into),
                on_ground: rest.0,
                spi: rest.1,
                position_source: rest.2,
                category: rest.3,
                last_contact: Some(last_contact),
                time_position: times.1.map(|before| last_contact - before),
                observed_at: times.2.map(|after| last_contact + after),
            })
            .unwrap()
        },
    )
}

fn any_number() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        3 => (0.0_f64..1000.0).prop_map(Some),
        2 => prop::sample::select(vec![0.0, -0.04, 359.96, 10_668.0, f64::MAX, -f64::MAX]).prop_map(Some),
        1 => Just(None),
    ]
}

/// What the stream can say of a state.
pub fn told(state: &StateVector) -> Aircraft {
    let scaled =
        |value: Option<f64>, factor: f64| value.map(|v| Value::from((v * factor).round().clamp(-1e15, 1e15) as i64));
    let fields: [(&str, Option<Value>); 18] = [
        ("icao24", Some(state.icao24.to_string().into())),
        ("callsign", state.callsign.as_deref().map(Into::into)),
        ("origin_country", state.origin_country.as_deref().map(Into::into)),
        ("squawk", state.squawk.as_deref().map(Into::into)),
        ("lat", scaled(state.lat, 1e4)),
        ("lon", scaled(state.lon, 1e4)),
        ("baro_altitude", scaled(state.baro_altitude, 1.0)),
        ("geo_altitude", scaled(state.geo_altitude, 1.0)),
        ("velocity", scaled(state.velocity, 10.0)),
        ("vertical_rate", scaled(state.vertical_rate, 10.0)),
        ("true_track", state.true_track.map(|v| ((v * 10.0).round() as i64 % 3600).into())),
        ("on_ground", state.on_ground.map(|v| i64::from(v).into())),
        ("spi", state.spi.map(|v| i64::from(v).into())),
        ("position_source", state.position_source.map(Into::into)),
        ("category", state.category.map(Into::into)),
        ("last_contact", Some(state.last_contact.0.into())),
        ("time_position", state.time_position.map(|at| at.0.into())),
        ("observed_at", state.observed_at.map(|at| at.0.into())),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// What a client should hold of these states, by address.
pub fn all_told<'a>(states: impl IntoIterator<Item = &'a StateVector>) -> BTreeMap<String, Aircraft> {
    states.into_iter().map(|state| (state.icao24.to_string(), told(state))).collect()
}

/// States as a consumer hands them on.
pub fn batch(states: impl IntoIterator<Item = StateVector>) -> Batch {
    let part = PartitionBatch {
        partition: 0,
        expected: None,
        next_offset: 0,
        last_timestamp: 0,
        states: states.into_iter().map(Into::into).collect(),
        records: Vec::new(),
        dead_letters: Vec::new(),
        lost: 0,
    };
    Batch { log: LogId { cluster: "cluster".into(), topic: "telemetry.raw".into() }, parts: vec![part] }
}
