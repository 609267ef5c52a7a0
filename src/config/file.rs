use std::collections::BTreeMap;
use std::path::Path;

use ::config::{FileFormat, Format, Map, Value, ValueKind};

use super::diagnostics::ConfigProblem;
use super::entries::{is_name, parent, template_of};
use super::layer::Layer;
use super::names::{self, Name, Target, nearest_setting, quote_unknown};
use super::sections::{SECTIONS, TEMPLATES, settings};
use super::setting::Setting;
use super::value::{InvalidValue, MASK, Shape, is_sensitive};

/// The maximum size of the configuration file in bytes. A file with every setting has about 10 kB.
const MAX_BYTES: u64 = 1 << 20;

/// The sections that [`crate::rules`] reads.
const RULES: [&str; 2] = ["fences", "rules"];

/// Reads a configuration file. A missing file is an error only if it is `required`.
pub(super) fn read(path: &Path, required: bool) -> Layer {
    let mut reader = FileReader { file: path.display().to_string(), layer: Layer::default() };
    match textfile::read(path, MAX_BYTES) {
        Ok(text) => reader.document(&text),
        Err(error) if error.is_not_found() && !required => {}
        Err(error) => reader.reject(format!("cannot be read: {error}")),
    }
    reader.layer
}

struct FileReader {
    file: String,
    layer: Layer,
}

impl FileReader {
    fn document(&mut self, text: &str) {
        match FileFormat::Yaml.parse(Some(&self.file), text) {
            Ok(sections) => sorted(sections).for_each(|(name, value)| self.section(&name, value)),
            // The crate's error would quote the whole document, which may contain secrets.
            Err(error) => match error.downcast_ref::<Box<::config::ConfigError>>().map(Box::as_ref) {
                Some(::config::ConfigError::Type { .. }) => {
                    self.reject("expected a mapping of sections to keys".to_owned());
                }
                _ => self.reject(format!("invalid YAML: {error}")),
            },
        }
    }

    fn reject(&mut self, reason: String) {
        self.layer.diagnostics.problems.push(ConfigProblem::File { path: self.file.clone(), reason });
    }

    fn section(&mut self, section: &str, value: Value) {
        if RULES.contains(&section) {
            return;
        }
        let known = SECTIONS.iter().any(|known| known.name == section) || template_of(TEMPLATES, section).is_some();
        match value.kind {
            ValueKind::Table(entries) => self.entries(section, entries),
            // All keys of the section are commented out.
            ValueKind::Nil if known => {}
            kind if known => self.unknown(
                section,
                &kind.to_string(),
                Some("a section contains keys, each on its own line".to_owned()),
            ),
            kind => {
                let instead = settings().find(|setting| setting.path == section).map(|setting| {
                    format!("write {}: on its own line and below it, indented, {}:", setting.section(), setting.name())
                });
                self.unknown(section, &kind.to_string(), instead);
            }
        }
    }

    fn entries(&mut self, prefix: &str, entries: Map<String, Value>) {
        sorted(entries).for_each(|(name, value)| self.entry(&format!("{prefix}.{name}"), value));
    }

    fn entry(&mut self, path: &str, value: Value) {
        match (names::find(path), value.kind) {
            // A key without a value counts as unset.
            (Some(_), ValueKind::Nil) => {}
            (Some(Name { target: Target::Value(setting), .. }), ValueKind::Table(entries))
                if setting.shape == Shape::Map =>
            {
                self.map(setting, entries);
            }
            (Some(name), kind) => match text_of(name.shape(), &kind) {
                Ok(text) => name.set(&mut self.layer, &text, &self.file),
                Err(invalid) => {
                    let problem = name.setting().reject(&plain(&kind), &self.file, &invalid);
                    self.layer.diagnostics.problems.push(problem);
                }
            },
            (None, ValueKind::Table(entries)) if !entries.is_empty() => self.entries(path, entries),
            (None, kind) => self.unknown(path, &plain(&kind), None),
        }
    }

    fn map(&mut self, setting: &'static Setting, entries: Map<String, Value>) {
        let mut texts = Map::new();
        for (name, value) in entries {
            let text = match value.kind {
                ValueKind::String(text) => Ok(text),
                ValueKind::Nil => Ok(String::new()),
                ValueKind::Table(_) | ValueKind::Array(_) => Err("neither text nor a number; expected text"),
                _ if is_sensitive(&name) => Err("a number or a boolean; write it in quotes"),
                kind => Ok(kind.to_string()),
            };
            match text {
                Ok(text) => _ = texts.insert(name, Value::new(Some(&self.file), text)),
                Err(reason) => {
                    let key = format!("{}.{name}", setting.path);
                    self.layer.diagnostics.problem(key, MASK.to_owned(), &self.file, reason);
                }
            }
        }
        self.layer.insert(setting, ValueKind::Table(texts), &self.file);
    }

    fn unknown(&mut self, path: &str, text: &str, instead: Option<String>) {
        let near = || nearest_setting(path).map(|setting| format!("did you mean {}?", setting.path));
        let section = path.split('.').next().unwrap_or(path);
        let sections = || {
            let names = SECTIONS.iter().map(|known| known.name).chain(TEMPLATES.iter().map(parent));
            let names: Vec<_> = names.chain(RULES).collect();
            (!names.contains(&section)).then(|| format!("the sections are {}", names.join(", ")))
        };
        let entry = || {
            let (_, name) = path.split_once('.').filter(|_| template_of(TEMPLATES, section).is_some())?;
            let name = name.split('.').next().unwrap_or(name);
            Some(if is_name(name) {
                format!("the settings of {name} are keys below it, such as kind: and url:")
            } else {
                format!("{name:?} is no name of an entry; expected lower-case letters, digits and hyphens")
            })
        };
        let hint =
            instead.or_else(near).or_else(entry).or_else(sections).map(|hint| format!("; {hint}")).unwrap_or_default();
        self.layer.diagnostics.problem(path, quote_unknown(path, text), &self.file, format!("unknown key{hint}"));
    }
}

/// Sorts entries by name, so that the problems of a file are always reported in the same order.
fn sorted(entries: Map<String, Value>) -> impl Iterator<Item = (String, Value)> {
    entries.into_iter().collect::<BTreeMap<_, _>>().into_iter()
}

/// Converts a YAML value to its form in the environment.
fn text_of(shape: Shape, value: &ValueKind) -> Result<String, InvalidValue> {
    let invalid = |reason: &str| Err(InvalidValue::because(reason));
    match value {
        ValueKind::String(text) => Ok(text.clone()),
        ValueKind::Array(items) if shape.accepts_lists() => {
            let items = items.iter().map(|item| match &item.kind {
                ValueKind::Array(_) | ValueKind::Table(_) | ValueKind::Nil => invalid("a list within a list"),
                kind => Ok(kind.to_string()),
            });
            Ok(items.collect::<Result<Vec<_>, _>>()?.join(","))
        }
        ValueKind::Array(_) => invalid("it is a list"),
        ValueKind::Table(_) => invalid("it is a mapping"),
        ValueKind::Boolean(switch) if shape == Shape::Switch => Ok(switch.to_string()),
        number if shape.accepts_numbers() => Ok(number.to_string()),
        _ => invalid("a number or a boolean; write it in quotes"),
    }
}

fn plain(kind: &ValueKind) -> String {
    match kind {
        ValueKind::Table(_) => "a mapping".to_owned(),
        ValueKind::Array(_) => "a list".to_owned(),
        ValueKind::Nil => String::new(),
        kind => kind.to_string(),
    }
}
