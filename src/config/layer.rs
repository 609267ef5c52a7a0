use std::fmt;
use std::path::Path;

use ::config::{Map, Source, Value, ValueKind};

use super::diagnostics::Diagnostics;
use super::setting::Setting;
use super::value::{MASK, Shape, quote};
use super::values::split_properties;

/// The maximum size of a file with a single value, in bytes.
const MAX_VALUE_FILE: u64 = 64 * 1024;

/// The values of one source, each with its origin, and their diagnostics. The `config` crate merges the layers.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    entries: Vec<Entry>,
    pub(super) diagnostics: Diagnostics,
}

/// The value of one setting in one source.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) setting: &'static Setting,
    pub(super) origin: String,
    value: ValueKind,
}

impl Layer {
    /// Sets a value from its text form.
    pub(super) fn set(&mut self, setting: &'static Setting, text: &str, origin: &str) {
        let value = match setting.shape {
            Shape::Map => match split_properties(text) {
                Ok(pairs) => {
                    let entry = |(name, value)| (name, Value::new(Some(&origin.to_owned()), ValueKind::String(value)));
                    ValueKind::Table(pairs.into_iter().map(entry).collect())
                }
                Err(invalid) => return self.diagnostics.problems.push(setting.reject(text, origin, &invalid)),
            },
            _ => ValueKind::String(text.trim().to_owned()),
        };
        self.insert(setting, value, origin);
    }

    /// Sets a value from a file that contains it, which is how container platforms provide secrets.
    pub(super) fn set_from_file(&mut self, setting: &'static Setting, file: &str, origin: &str) {
        let file = file.trim();
        let reason = match textfile::read(Path::new(file), MAX_VALUE_FILE) {
            Ok(text) if text.trim().is_empty() => "it is empty".to_owned(),
            Ok(text) => return self.set(setting, &text, &format!("{file}, named by {origin}")),
            Err(error) => format!("it cannot be read: {error}"),
        };
        // A text that is not a path may be the secret itself, in the wrong variable.
        let shown = if file.starts_with(['/', '.']) { quote(file) } else { MASK.to_owned() };
        let reason = format!("{reason}; expected the path of a file that contains only the value");
        self.diagnostics.problem(setting.file_path().unwrap_or_default(), shown, origin, reason);
    }

    /// Sets a value. The entries of a map must already have their origins.
    pub(super) fn insert(&mut self, setting: &'static Setting, value: ValueKind, origin: &str) {
        let entry = Entry { setting, origin: origin.to_owned(), value };
        match self.find(setting) {
            Some(other) if other.value != entry.value => {
                let reason = format!("also set by {} to a different value; keep one of them", other.origin);
                self.diagnostics.problems.push(setting.problem(entry.text(), origin, reason));
            }
            Some(_) => {}
            None => self.entries.push(entry),
        }
    }

    pub(super) fn find(&self, setting: &Setting) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.setting == setting)
    }

    pub(super) fn remove(&mut self, setting: &Setting) {
        self.entries.retain(|entry| entry.setting != setting);
    }

    /// Moves the values of these settings to a new layer.
    pub(super) fn split_off(&mut self, settings: &[&Setting]) -> Self {
        let entries = self.entries.extract_if(.., |entry| settings.contains(&entry.setting)).collect();
        Self { entries, diagnostics: Diagnostics::default() }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl Entry {
    pub(super) fn text(&self) -> &str {
        match &self.value {
            ValueKind::String(text) => text,
            _ => "",
        }
    }
}

// The value may be a secret.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.setting.path, self.origin)
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ::config::ConfigError> {
        let mut sections: Map<String, Map<String, Value>> = Map::new();
        for entry in &self.entries {
            let value = Value::new(Some(&entry.origin), entry.value.clone());
            sections
                .entry(entry.setting.section().to_owned())
                .or_default()
                .insert(entry.setting.name().to_owned(), value);
        }
        Ok(sections.into_iter().map(|(section, values)| (section, Value::new(None, values))).collect())
    }
}
