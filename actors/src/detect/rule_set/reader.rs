use compact_str::CompactString;
use serde_json::{Map, Value};

use super::RuleError;

/// A value of the rules, and the place where it is.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) place: String,
    pub(super) value: &'a Value,
}

/// The members of an object. Those that are taken are known; the others are refused at the end.
pub(super) struct Members<'a> {
    place: String,
    object: &'a Map<String, Value>,
    taken: Vec<&'static str>,
}

impl<'a> Node<'a> {
    pub(super) fn new(place: impl Into<String>, value: &'a Value) -> Self {
        Self { place: place.into(), value }
    }

    pub(super) fn error(&self, reason: impl Into<String>) -> RuleError {
        RuleError::new(self.place.clone(), reason)
    }

    pub(super) fn members(&self) -> Result<Members<'a>, RuleError> {
        match self.value {
            Value::Object(object) => Ok(Members { place: self.place.clone(), object, taken: Vec::new() }),
            other => Err(self.error(format!("expected a mapping, found {}", kind(other)))),
        }
    }

    /// Returns the items of a list, or the value itself if it is not a list.
    pub(super) fn items(&self) -> Result<Vec<Node<'a>>, RuleError> {
        let Value::Array(items) = self.value else { return Ok(vec![self.clone()]) };
        if items.is_empty() {
            return Err(self.error("the list is empty"));
        }
        let at = |(number, value)| Node::new(format!("{}[{number}]", self.place), value);
        Ok(items.iter().enumerate().map(at).collect())
    }

    pub(super) fn text(&self) -> Result<&'a str, RuleError> {
        self.value.as_str().ok_or_else(|| self.error(format!("expected a text, found {}", kind(self.value))))
    }

    /// Returns a text that consists of digits. YAML reads those without quotes as a number.
    pub(super) fn digits(&self, width: usize) -> Result<CompactString, RuleError> {
        match self.value {
            Value::String(text) => Ok(text.as_str().into()),
            Value::Number(number) => match number.as_u64() {
                Some(number) => Ok(format!("{number:0width$}").into()),
                None => Err(self.error("expected a text; put it in quotes")),
            },
            other => Err(self.error(format!("expected a text, found {}", kind(other)))),
        }
    }

    pub(super) fn flag(&self) -> Result<bool, RuleError> {
        self.value.as_bool().ok_or_else(|| self.error("expected true or false"))
    }

    pub(super) fn number(&self) -> Result<f64, RuleError> {
        self.value.as_f64().ok_or_else(|| self.error(format!("expected a number, found {}", kind(self.value))))
    }

    /// Applies a parser of texts.
    pub(super) fn parse<T>(&self, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, RuleError> {
        parse(self.text()?).map_err(|reason| self.error(reason))
    }

    /// Returns one of the named values.
    pub(super) fn choose<T: Copy>(&self, choices: &[(&'static str, T)]) -> Result<T, RuleError> {
        let text = self.text()?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Ok(*value);
        }
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        Err(self.error(format!("{text:?} is not one of {}", names.join(", "))))
    }
}

impl<'a> Members<'a> {
    pub(super) fn take(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.taken.push(name);
        self.object.get(name).map(|value| Node::new(child(&self.place, name), value))
    }

    pub(super) fn require(&mut self, name: &'static str) -> Result<Node<'a>, RuleError> {
        let missing = RuleError::new(self.place.clone(), format!("lacks the key {name}"));
        self.take(name).ok_or(missing)
    }

    /// Refuses keys that were not taken.
    pub(super) fn finish(self) -> Result<(), RuleError> {
        match self.object.keys().find(|key| !self.taken.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(RuleError::new(
                child(&self.place, key),
                format!("unknown key{}", suggestion(key, self.taken.iter().copied())),
            )),
        }
    }
}

/// Returns the place of a member.
fn child(place: &str, name: &str) -> String {
    let shown: String = name.chars().take(64).collect();
    let separator = if place.is_empty() {
        ""
    } else if place.starts_with("rule ") || place.starts_with("fence ") {
        if place.contains(": ") { "." } else { ": " }
    } else {
        "."
    };
    format!("{place}{separator}{shown}")
}

/// Returns a hint at the most similar name, or at all of them.
pub(super) fn suggestion(name: &str, known: impl Iterator<Item = &'static str>) -> String {
    let known: Vec<_> = known.collect();
    if name.len() > 64 {
        return String::new();
    }
    let similar = known.iter().map(|known| (strsim::osa_distance(name, known), *known)).min();
    match similar {
        Some((distance, similar)) if distance <= 2.max(similar.len() / 4) => format!("; did you mean {similar}?"),
        _ => format!("; known: {}", known.join(", ")),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
