use std::collections::BTreeMap;

use ::config::{Config, Map, Value, ValueKind};

use super::error::{Problem, show_value};
use super::keys::{self, Key};
use super::values::{FromText, KafkaProperties, Unfit};

/// The merged values, handed out parsed. It goes on after a problem, so that all of them are found.
pub(super) struct Reader {
    merged: BTreeMap<&'static str, Value>,
    pub(super) problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn of(config: &Config) -> Self {
        let sections: BTreeMap<_, Map<String, Value>> =
            keys::SECTIONS.iter().map(|(name, _)| (*name, config.get_table(name).unwrap_or_default())).collect();
        let value = |key: &'static Key| Some((key.path, sections.get(key.section())?.get(key.name())?.clone()));
        Self { merged: keys::KEYS.iter().filter_map(value).collect(), problems: Vec::new() }
    }

    /// A key's value; `None` with a problem noted where it is not what the key takes.
    pub(super) fn read<T: FromText>(&mut self, path: &str) -> Option<T> {
        let key = keys::find(path)?;
        let text = self.text(path);
        match T::from_text(&text, key.kind) {
            Ok(value) => Some(value),
            Err(unfit) => {
                self.refuse(key, &text, &unfit);
                None
            }
        }
    }

    /// The value of a key that may be empty.
    pub(super) fn read_optional<T: FromText>(&mut self, path: &str) -> Option<Option<T>> {
        if self.text(path).is_empty() { Some(None) } else { self.read(path).map(Some) }
    }

    /// The properties, of all levels together.
    pub(super) fn properties(&mut self, path: &str) -> Option<KafkaProperties> {
        let table = match self.merged.get(path).map(|value| value.kind.clone()) {
            Some(ValueKind::Table(table)) => table,
            _ => Map::new(),
        };
        let before = self.problems.len();
        let mut properties = KafkaProperties::default();
        for (name, value) in table {
            let origin = origin_of(&value);
            if let Err(unfit) = properties.insert(&name, &value.kind.to_string()) {
                let expected = keys::find(path).map(Key::expected).unwrap_or_default();
                self.problems.push(Problem::Value {
                    key: format!("{path}.{name}"),
                    value: super::error::mask(),
                    origin,
                    reason: unfit.to_string(),
                    expected,
                });
            }
        }
        (self.problems.len() == before).then_some(properties)
    }

    /// Notes that a value that is right by itself does not go together with others.
    pub(super) fn conflict(&mut self, path: &str, reason: &str) {
        let Some(key) = keys::find(path) else { return };
        self.problems.push(Problem::Conflict {
            key: path.to_owned(),
            value: show_value(key, &self.text(path)),
            origin: self.origin(path),
            reason: reason.to_owned(),
        });
    }

    fn refuse(&mut self, key: &Key, text: &str, unfit: &Unfit) {
        self.problems.push(Problem::Value {
            key: key.path.to_owned(),
            value: show_value(key, text),
            origin: self.origin(key.path),
            reason: unfit.of_text(text),
            expected: key.expected(),
        });
    }

    pub(super) fn text(&self, path: &str) -> String {
        match self.merged.get(path).map(|value| &value.kind) {
            Some(ValueKind::String(text)) => text.clone(),
            _ => String::new(),
        }
    }

    fn origin(&self, path: &str) -> String {
        self.merged.get(path).map(origin_of).unwrap_or_default()
    }

    /// Where each value stands, by its path; a property's path ends with its name.
    pub(super) fn origins(&self) -> BTreeMap<String, String> {
        let mut origins = BTreeMap::new();
        for (path, value) in &self.merged {
            if let ValueKind::Table(table) = &value.kind {
                origins.extend(table.iter().map(|(name, value)| (format!("{path}.{name}"), origin_of(value))));
            }
            origins.insert((*path).to_owned(), origin_of(value));
        }
        origins
    }
}

fn origin_of(value: &Value) -> String {
    value.origin().unwrap_or(DEFAULT).to_owned()
}

/// The origin of a built-in default.
pub(super) const DEFAULT: &str = "default";
