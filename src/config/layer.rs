use std::path::Path;

use ::config::{Map, Source, Value, ValueKind};

use super::error::{Problem, Warning, mask, quote, show_value};
use super::keys::{Key, Older};
use super::kind::Kind;
use super::older_database::Part;
use super::values::{Unfit, is_quoted, split_properties};

/// Bytes of a file with one value.
const MAX_SECRET_FILE: u64 = 64 * 1024;

/// What one source gave, by known keys, with where each value stands. The `config` crate lays one over the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    values: Vec<Given>,
    /// The original's pieces of a database address.
    pub(super) parts: Vec<Part>,
}

/// One key's value in one source.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) key: &'static Key,
    pub(super) origin: String,
    value: ValueKind,
}

// The value may be a secret.
impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.key.path, self.origin)
    }
}

/// What was found wrong, or odd, while reading.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
}

impl Layer {
    /// Takes a key's value in its text form.
    pub(super) fn give(&mut self, key: &'static Key, text: &str, origin: &str, findings: &mut Findings) {
        let value = match key.kind {
            Kind::Properties => match split_properties(text) {
                Ok(properties) => ValueKind::Table(
                    properties
                        .into_iter()
                        .map(|(name, value)| (name, Value::new(Some(&origin.to_owned()), value)))
                        .collect(),
                ),
                Err(unfit) => return findings.refuse(key, text, origin, &unfit),
            },
            _ => ValueKind::String(text.trim().to_owned()),
        };
        if is_quoted(text) && matches!(key.kind, Kind::Text | Kind::Secret { .. } | Kind::Path) {
            findings.warnings.push(Warning::Quoted { key: key.path.to_owned(), origin: origin.to_owned() });
        }
        self.insert(key, value, origin, findings);
    }

    /// Takes the value of a key by the name that the original had for it.
    pub(super) fn give_older(
        &mut self,
        (key, older): (&'static Key, Older),
        text: &str,
        origin: &str,
        findings: &mut Findings,
    ) {
        let text = text.trim();
        if !older.unit.is_empty() && text.parse::<u64>().is_err() {
            return findings.problems.push(Problem::Value {
                key: older.path.to_owned(),
                value: show_value(key, text),
                origin: origin.to_owned(),
                reason: "it is no such number".to_owned(),
                expected: format!("a whole number of {}", older.unit),
            });
        }
        let origin = format!("{origin}, as {}", older.path);
        self.give(key, &format!("{text}{}", older.unit), &origin, findings);
    }

    /// Takes a key's value from the file that its companion names, as container platforms hand out secrets.
    pub(super) fn give_from_file(&mut self, key: &'static Key, file: &str, origin: &str, findings: &mut Findings) {
        let name = key.in_file().unwrap_or_default();
        if let Some((text, origin)) = read_secret(&name, file, origin, findings) {
            self.give(key, &text, &origin, findings);
        }
    }

    /// Takes a mapping of properties whose values have their origin already.
    pub(super) fn give_table(
        &mut self,
        key: &'static Key,
        table: Map<String, Value>,
        origin: &str,
        findings: &mut Findings,
    ) {
        self.insert(key, ValueKind::Table(table), origin, findings);
    }

    fn insert(&mut self, key: &'static Key, value: ValueKind, origin: &str, findings: &mut Findings) {
        let given = Given { key, origin: origin.to_owned(), value };
        match self.values.iter().find(|other| other.key.path == key.path) {
            Some(other) if other.value != given.value => findings.problems.push(Problem::Conflict {
                key: key.path.to_owned(),
                value: show_value(key, given.text()),
                origin: given.origin,
                reason: format!("it is also given by {}, with another value; keep one of them", other.origin),
            }),
            Some(_) => {}
            None => self.values.push(given),
        }
    }

    pub(super) fn find(&self, path: &str) -> Option<&Given> {
        self.values.iter().find(|given| given.key.path == path)
    }

    pub(super) fn remove(&mut self, path: &str) {
        self.values.retain(|given| given.key.path != path);
    }
}

/// What a file holds that `name` names, without white space around it, and where that stands.
pub(super) fn read_secret(name: &str, file: &str, origin: &str, findings: &mut Findings) -> Option<(String, String)> {
    let file = file.trim();
    // What is no path may be the secret itself, put into the wrong variable.
    let shown = if file.starts_with(['/', '.']) { quote(file) } else { mask() };
    let refuse = |reason: String| Problem::Value {
        key: name.to_owned(),
        value: shown.clone(),
        origin: origin.to_owned(),
        reason,
        expected: "the path of a file that holds the value, and nothing else".to_owned(),
    };
    match textfile::read(Path::new(file), MAX_SECRET_FILE) {
        Ok(text) if text.trim().is_empty() => findings.problems.push(refuse("it is empty".to_owned())),
        Ok(text) => return Some((text.trim().to_owned(), format!("{file}, named by {origin}"))),
        Err(error) => findings.problems.push(refuse(format!("it cannot be read: {error}"))),
    }
    None
}

impl Given {
    pub(super) fn text(&self) -> &str {
        match &self.value {
            ValueKind::String(text) => text,
            _ => "",
        }
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ::config::ConfigError> {
        let mut sections: Map<String, Map<String, Value>> = Map::new();
        for given in &self.values {
            let value = Value::new(Some(&given.origin), given.value.clone());
            sections.entry(given.key.section().to_owned()).or_default().insert(given.key.name().to_owned(), value);
        }
        Ok(sections.into_iter().map(|(section, values)| (section, Value::new(None, values))).collect())
    }
}

impl Findings {
    /// Notes that a value is none for its key.
    pub(super) fn refuse(&mut self, key: &Key, text: &str, origin: &str, unfit: &Unfit) {
        self.problems.push(Problem::Value {
            key: key.path.to_owned(),
            value: show_value(key, text),
            origin: origin.to_owned(),
            reason: unfit.of_text(text),
            expected: key.expected(),
        });
    }
}
