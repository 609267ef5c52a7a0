//! Aircraft for the tests of the stream, and what a client should hold for them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use actors::batch::{Batch, LogId, PartitionBatch};
use actors::detect::{Alert, RuleEngine};
use actors::domain::{FIELDS, Field, FieldKind, FieldValue, StateVector, StateVectorParts};
use actors::sse_hub::Broadcast;
use proptest::prelude::*;
use serde_json::Value;

use super::client::Aircraft;

/// Generates a state of one of eight aircraft, near the corner of some cells, at about the time `now`.
pub fn any_state(now: i64) -> impl Strategy<Value = StateVector> {
    let position = prop_oneof![
        // Moves a little, jumps, goes anywhere, lies on an edge, has no position.
        4 => (44.99_f64..45.01, 9.99_f64..10.01).prop_map(Some),
        2 => (40.0_f64..50.0, 0.0_f64..20.0).prop_map(Some),
        1 => (-90.0_f64..=90.0, -180.0_f64..=180.0).prop_map(Some),
        1 => prop::sample::select(vec![(45.0, 10.0), (-90.0, -180.0), (90.0, 180.0), (0.0, 0.0)]).prop_map(Some),
        1 => Just(None),
    ];
    let texts = (
        prop::option::of("(Switzerland|Germany|Côte d'Ivoire)"),
        prop_oneof![
            2 => prop::option::of("[0-7]{4}"),
            1 => prop::sample::select(vec!["7500", "7600", "7700"]).prop_map(|squawk| Some(squawk.to_owned())),
        ],
    );
    let times = (0..=300_i64, prop::option::of(0..100_000_i64), prop::option::of(-60..20_i64));
    let values: Vec<_> = FIELDS.iter().map(|field| any_value(field)).collect();
    (0_u32..8, position, texts, times, values).prop_map(move |(icao24, position, texts, times, values)| {
        let mut parts = StateVectorParts::default();
        for (field, value) in FIELDS.iter().zip(values) {
            match (field.kind, value) {
                (FieldKind::Text(text), Value::String(value)) => *text(&mut parts) = Some(value.into()),
                (FieldKind::Number(number), value) => *number(&mut parts) = value.as_f64(),
                (FieldKind::Code(code), value) => *code(&mut parts) = value.as_i64().map(|value| value as i16),
                (FieldKind::Flag(flag), value) => *flag(&mut parts) = value.as_bool(),
                (FieldKind::Time(time) | FieldKind::KeyTime(time), value) => *time(&mut parts) = value.as_i64(),
                (FieldKind::Address(_) | FieldKind::Text(_), _) => {}
            }
        }
        let last_contact = now - 200 + times.0;
        StateVector::try_from(StateVectorParts {
            icao24: format!("{icao24:06x}").into(),
            lat: position.map(|(lat, _)| lat),
            lon: position.map(|(_, lon)| lon),
            origin_country: texts.0.map(Into::into),
            squawk: texts.1.map(Into::into),
            last_contact: Some(last_contact),
            time_position: times.1.map(|before| last_contact - before),
            observed_at: times.2.map(|after| last_contact + after),
            ..parts
        })
        .unwrap()
    })
}

/// Generates a value of a field, or null.
fn any_value(field: &Field) -> BoxedStrategy<Value> {
    match field.kind {
        FieldKind::Address(_) => Just(Value::Null).boxed(),
        FieldKind::Text(_) => prop::option::of("[A-Z\"\\\\é]{1,8}").prop_map(Value::from).boxed(),
        FieldKind::Number(_) => any_number(&field.range).prop_map(Value::from).boxed(),
        FieldKind::Code(_) => prop::option::of(-1_i16..20).prop_map(Value::from).boxed(),
        FieldKind::Flag(_) => any::<Option<bool>>().prop_map(Value::from).boxed(),
        FieldKind::Time(_) | FieldKind::KeyTime(_) => {
            prop::option::of(1_700_000_000_i64..1_800_000_000).prop_map(Value::from).boxed()
        }
    }
}

fn any_number(range: &RangeInclusive<f64>) -> impl Strategy<Value = Option<f64>> + use<> {
    let (min, max) = (*range.start(), *range.end());
    prop_oneof![
        3 => (0.0_f64..1000.0).prop_map(Some),
        2 => prop::sample::select(vec![0.0, -0.04, 359.96, 10_668.0, f64::MAX, -f64::MAX]).prop_map(Some),
        1 => Just(None),
    ]
    .prop_map(move |number| number.map(|number| number.clamp(min, max)))
}

/// Returns a state as the stream can represent it.
pub fn on_stream(state: &StateVector) -> Aircraft {
    let state = state.borrowed();
    let on_stream = FIELDS.iter().filter_map(|field| {
        let value = match field.value(&state) {
            FieldValue::Address(address) => address.to_string().into(),
            FieldValue::Text(text) => text?.into(),
            FieldValue::Number(number) if field.is_direction => {
                ((number? * field.stream_scale).round() as i64 % 3600).into()
            }
            FieldValue::Number(number) => ((number? * field.stream_scale).round().clamp(-1e15, 1e15) as i64).into(),
            FieldValue::Code(code) => code?.into(),
            FieldValue::Flag(flag) => i64::from(flag?).into(),
            FieldValue::Time(time) => time?.0.into(),
        };
        Some((field.name.to_owned(), value))
    });
    on_stream.collect()
}

/// Returns what a client should hold for these states, by address.
pub fn all_on_stream<'a>(states: impl IntoIterator<Item = &'a StateVector>) -> BTreeMap<String, Aircraft> {
    states.into_iter().map(|state| (state.icao24.to_string(), on_stream(state))).collect()
}

/// Wraps states in a batch, as a consumer delivers them.
pub fn batch(states: impl IntoIterator<Item = StateVector>) -> Batch {
    let part = PartitionBatch {
        partition: 0,
        expected: None,
        next_offset: 0,
        last_timestamp: 0,
        states: states.into_iter().map(Into::into).collect(),
        records: Vec::new(),
        polls: Vec::new(),
        alerts: Vec::new(),
        skipped: 0,
        dead_letters: Vec::new(),
        lost: 0,
    };
    Batch { log: LogId { cluster: "cluster".into(), topic: "telemetry.raw".into() }, parts: vec![part] }
}

/// Shows the alerts of the aircraft in the picture, as the consumer of the alerts does.
pub fn show_alerts(hub: &mut Broadcast, watch: &mut RuleEngine) {
    let states: Vec<_> = hub.picture().states().cloned().collect();
    let is_shown = |alert: &&Alert| states.iter().any(|state| state.icao24 == alert.icao24);
    let shown: Vec<_> = watch.active().into_iter().filter(is_shown).cloned().collect();
    watch.restore(shown);
    states.iter().for_each(|state| drop(watch.update(state)));
    hub.show_alerts(watch.active().into_iter().cloned().collect());
}
