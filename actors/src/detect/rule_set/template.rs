use std::fmt::Write;

use super::super::RuleFacts;
use crate::domain::{Field, FieldValue, StateVector};

/// A message with placeholders such as `{callsign}`, which are filled in from the first state of an alert.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Field(&'static str),
    Fact(&'static str),
}

/// The placeholders that enrichment fills in.
const FACTS: [&str; 3] = ["registration", "type", "operator"];

impl Template {
    /// Parses a message. `{{` and `}}` stand for braces.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() || text.len() > 500 {
            return Err("a message has 1 to 500 characters".to_owned());
        }
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, after) = rest.split_at(at);
            literal.push_str(before);
            let doubled = after.strip_prefix("{{").or_else(|| after.strip_prefix("}}"));
            if let Some(after_both) = doubled {
                literal.push_str(after.get(..1).unwrap_or_default());
                rest = after_both;
                continue;
            }
            let name = after.strip_prefix('{').and_then(|after| after.split_once('}'));
            let Some((name, after)) = name else {
                return Err("unbalanced braces; write {{ or }} for a brace".to_owned());
            };
            parts.push(Part::Text(std::mem::take(&mut literal)));
            parts.push(Part::named(name)?);
            rest = after;
        }
        literal.push_str(rest);
        parts.push(Part::Text(literal));
        Ok(Self(parts))
    }

    /// Fills in the placeholders; unknown values are `unknown`.
    pub(super) fn fill(&self, state: &StateVector, facts: &RuleFacts) -> String {
        let mut message = String::new();
        let state = state.borrowed();
        for part in &self.0 {
            let known = match part {
                Part::Text(text) => Some(text.clone()),
                Part::Field(name) => Field::named(name).and_then(|field| value(field, field.value(&state))),
                Part::Fact(name) => facts.named(name).map(str::to_owned),
            };
            message.push_str(known.as_deref().unwrap_or("unknown"));
        }
        message
    }
}

fn value(field: &Field, value: FieldValue<'_>) -> Option<String> {
    let mut text = match value {
        FieldValue::Address(address) => address.to_string(),
        FieldValue::Text(text) => text?.to_owned(),
        FieldValue::Number(number) => number?.to_string(),
        FieldValue::Code(code) => code?.to_string(),
        FieldValue::Flag(flag) => flag?.to_string(),
        FieldValue::Time(time) => time?.0.to_string(),
    };
    if !field.unit.is_empty() {
        let _ = write!(text, " {}", field.unit);
    }
    Some(text)
}

impl Part {
    fn named(name: &str) -> Result<Self, String> {
        if let Some(field) = Field::named(name) {
            return Ok(Self::Field(field.name));
        }
        if let Some(fact) = FACTS.iter().find(|fact| **fact == name) {
            return Ok(Self::Fact(fact));
        }
        let known = crate::domain::fields::FIELDS.iter().map(|field| field.name).chain(FACTS);
        Err(format!("unknown placeholder {{{name}}}{}", super::reader::suggestion(name, known)))
    }
}
