use std::sync::Arc;

use super::aircraft::{Aircraft, Event};
use crate::detect::{Condition, TextField};
use crate::domain::{FieldValue, StateVector, fields};

/// What a condition is evaluated on.
pub(super) struct Context<'a> {
    pub(super) state: &'a Arc<StateVector>,
    pub(super) aircraft: &'a Aircraft,
    /// For how many seconds the aircraft has been silent; 0 when a state arrives.
    pub(super) silence: i64,
}

/// Evaluates a condition in three-valued logic: `None` if the state lacks a value to tell.
pub(super) fn verdict(condition: &Condition, context: &Context<'_>) -> Option<bool> {
    let Context { state, aircraft, silence } = context;
    let event = |event| Some(aircraft.has_recent(event, state.last_contact.0 + silence));
    match condition {
        Condition::All(parts) => combine(parts, context, false),
        Condition::Any(parts) => combine(parts, context, true),
        Condition::Not(part) => verdict(part, context).map(|met| !met),
        Condition::Address(addresses) => Some(addresses.contains(&state.icao24)),
        Condition::Text(TextField::Address, patterns) => {
            let ascii = state.icao24.to_ascii();
            Some(patterns.matches(std::str::from_utf8(&ascii).unwrap_or_default()))
        }
        Condition::Text(field, patterns) => text(*field, context).map(|text| patterns.matches(text)),
        Condition::Category(codes) => state.category.filter(|code| *code > 1).map(|code| codes.contains(&code)),
        Condition::OnGround(expected) => state.on_ground.map(|on_ground| on_ground == *expected),
        Condition::Number(field, limit) => number(field, state).map(|number| limit.allows(number)),
        Condition::Inside(fence) => aircraft.is_inside(fence.index, *silence),
        Condition::Enter(fence) => event(Event::Entered(fence.index)),
        Condition::Exit(fence) => event(Event::Left(fence.index)),
        Condition::Takeoff => event(Event::TookOff),
        Condition::Landing => event(Event::Landed),
        Condition::LostContact(seconds) => Some(silence >= seconds),
    }
}

/// Combines verdicts: one that equals `decisive` decides, otherwise an unknown one.
fn combine(parts: &[Condition], context: &Context<'_>, decisive: bool) -> Option<bool> {
    let mut all_known = true;
    for part in parts {
        match verdict(part, context) {
            Some(met) if met == decisive => return Some(decisive),
            Some(_) => {}
            None => all_known = false,
        }
    }
    all_known.then_some(!decisive)
}

fn text<'a>(field: TextField, context: &Context<'a>) -> Option<&'a str> {
    let Context { state, aircraft, .. } = *context;
    let facts = aircraft.facts.as_deref();
    match field {
        TextField::Callsign => state.callsign.as_deref(),
        TextField::Squawk => state.squawk.as_deref(),
        TextField::Country => state.origin_country.as_deref().or_else(|| facts?.country),
        TextField::Source => state.source.as_deref(),
        TextField::Address => None,
        TextField::Registration | TextField::AircraftType | TextField::Operator => facts?.named(field.name()),
    }
}

fn number(field: &'static fields::Field, state: &StateVector) -> Option<f64> {
    match field.name {
        "baro_altitude" => state.baro_altitude,
        "geo_altitude" => state.geo_altitude,
        "velocity" => state.velocity,
        "vertical_rate" => state.vertical_rate,
        _ => match field.value(&state.borrowed()) {
            FieldValue::Number(number) => number,
            _ => None,
        },
    }
}
