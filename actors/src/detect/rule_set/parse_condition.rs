use std::collections::BTreeSet;

use super::RuleError;
use super::condition::{Condition, FenceId, TextField};
use super::parse_fence;
use super::parser::RuleParser;
use super::pattern::Patterns;
use super::quantity::{Limit, Quantity, parse_duration};
use super::reader::{Node, suggestion};
use crate::domain::fields::{self, Field};
use crate::domain::{Icao24, emitter_category_code, emitter_category_name};

/// How deeply conditions may be nested.
pub(super) const MAX_DEPTH: usize = 8;

/// The longest silence that a rule can require. An aircraft that is silent for an hour is forgotten.
const MAX_SILENCE: i64 = 45 * 60;

const TEXTS: [(&str, TextField, usize); 7] = [
    ("squawk", TextField::Squawk, 4),
    ("callsign", TextField::Callsign, 0),
    ("country", TextField::Country, 0),
    ("source", TextField::Source, 0),
    ("registration", TextField::Registration, 0),
    ("type", TextField::AircraftType, 0),
    ("operator", TextField::Operator, 0),
];

const NUMBERS: [(&str, &Field, Quantity); 4] = [
    ("altitude", &fields::baro_altitude, Quantity::Altitude),
    ("geo_altitude", &fields::geo_altitude, Quantity::Altitude),
    ("speed", &fields::velocity, Quantity::Speed),
    ("vertical_rate", &fields::vertical_rate, Quantity::VerticalRate),
];

impl RuleParser<'_> {
    /// Parses a mapping, all of whose keys have to be met.
    pub(super) fn condition(&mut self, node: &Node<'_>, depth: usize) -> Result<Condition, RuleError> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(node.error(format!("conditions are nested more than {MAX_DEPTH} deep")));
        };
        let mut members = node.members()?;
        let mut all = Vec::new();
        for (name, field, width) in TEXTS {
            let Some(node) = members.take(name) else { continue };
            let items = node.items()?.into_iter().map(|item| item.digits(width)).collect::<Result<Vec<_>, _>>()?;
            all.push(Condition::Text(field, Patterns::new(items).map_err(|reason| node.error(reason))?));
        }
        if let Some(node) = members.take("icao24") {
            all.push(addresses(&node)?);
        }
        for (name, field, quantity) in NUMBERS {
            let Some(node) = members.take(name) else { continue };
            all.push(Condition::Number(field, node.parse(|text| Limit::parse(quantity, text))?));
        }
        if let Some(node) = members.take("category") {
            all.push(Condition::Category(categories(&node)?));
        }
        if let Some(node) = members.take("on_ground") {
            all.push(Condition::OnGround(node.flag()?));
        }
        for (name, create) in [
            ("inside", Condition::Inside as fn(FenceId) -> Condition),
            ("enter", Condition::Enter),
            ("exit", Condition::Exit),
        ] {
            let Some(node) = members.take(name) else { continue };
            let fences = node.items()?.iter().map(|item| self.fence(item)).collect::<Result<Vec<_>, _>>()?;
            all.push(one_of(fences.into_iter().map(create).collect()));
        }
        for (name, event) in [("takeoff", Condition::Takeoff), ("landing", Condition::Landing)] {
            if let Some(node) = members.take(name) {
                if !node.flag()? {
                    return Err(node.error(format!("must be true; write `not: {{{name}: true}}` for the opposite")));
                }
                all.push(event);
            }
        }
        if let Some(node) = members.take("lost_contact") {
            let seconds = node.parse(parse_duration)?;
            if !(10..=MAX_SILENCE).contains(&seconds) {
                return Err(node.error("must be between 10s and 45m"));
            }
            all.push(Condition::LostContact(seconds));
        }
        for (name, create) in [("all", Condition::All as fn(Vec<Condition>) -> Condition), ("any", Condition::Any)] {
            if let Some(node) = members.take(name) {
                let parts =
                    node.items()?.iter().map(|item| self.condition(item, depth)).collect::<Result<Vec<_>, _>>()?;
                all.push(create(parts));
            }
        }
        if let Some(node) = members.take("not") {
            all.push(Condition::Not(Box::new(self.condition(&node, depth)?)));
        }
        members.finish()?;
        self.count(node, all.len())?;
        if all.is_empty() {
            return Err(node.error("has no condition"));
        }
        all.sort_by_key(Condition::cost);
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::All(all) })
    }

    /// Parses the name of a fence, or a fence itself.
    fn fence(&mut self, node: &Node<'_>) -> Result<FenceId, RuleError> {
        let Some(name) = node.value.as_str() else {
            let fence = parse_fence::fence(node, self.files)?;
            return self.add_fence(node, node.place.clone(), fence);
        };
        if let Some(index) = self.fence_names.get(name) {
            return Ok(FenceId { index: *index, name: name.into() });
        }
        let similar = self.fence_names.keys().min_by_key(|known| strsim::osa_distance(name, known));
        let hint = match similar {
            Some(similar) if strsim::osa_distance(name, similar) <= 3 => format!("; did you mean {similar}?"),
            _ => "; name one under `fences`, or describe it here".to_owned(),
        };
        Err(node.error(format!("unknown fence {name:?}{hint}")))
    }
}

fn one_of(mut conditions: Vec<Condition>) -> Condition {
    if conditions.len() == 1 { conditions.remove(0) } else { Condition::Any(conditions) }
}

fn addresses(node: &Node<'_>) -> Result<Condition, RuleError> {
    let (mut addresses, mut patterns) = (BTreeSet::new(), Vec::new());
    for item in node.items()? {
        let text = item.digits(6)?;
        if text.contains(['*', '?']) {
            let valid = text.bytes().all(|byte| byte.is_ascii_hexdigit() || b"*?".contains(&byte));
            if !valid {
                return Err(item.error(format!("{text:?} is not a pattern of hex digits")));
            }
            patterns.push(text);
        } else {
            addresses.insert(Icao24::parse(&text).map_err(|error| item.error(error.to_string()))?);
        }
    }
    let mut any = Vec::new();
    if !addresses.is_empty() {
        any.push(Condition::Address(addresses));
    }
    if !patterns.is_empty() {
        any.push(Condition::Text(TextField::Address, Patterns::new(patterns).map_err(|reason| node.error(reason))?));
    }
    Ok(one_of(any))
}

fn categories(node: &Node<'_>) -> Result<BTreeSet<i16>, RuleError> {
    let mut codes = BTreeSet::new();
    for item in node.items()? {
        let name = item.text()?;
        let code = emitter_category_code(name).ok_or_else(|| {
            let known = (1..=20).filter_map(emitter_category_name);
            item.error(format!("unknown emitter category {name:?}{}", suggestion(name, known)))
        })?;
        codes.insert(code);
    }
    Ok(codes)
}
