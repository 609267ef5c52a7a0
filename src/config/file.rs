use std::error::Error;
use std::path::Path;

use ::config::{FileFormat, Format, Map, Value, ValueKind};

use super::error::{Problem, nearest_key, show_unknown, show_value};
use super::keys::{self, Key};
use super::kind::Kind;
use super::layer::{Findings, Layer};
use super::older_database;
use super::values::{Unfit, is_sensitive};

/// Bytes of a configuration file; the complete one has about 10 kB.
const MAX_BYTES: u64 = 1 << 20;

/// Reads a file; `None` where it is absent and need not be there.
pub(super) fn read(path: &Path, required: bool, findings: &mut Findings) -> Layer {
    let name = path.display().to_string();
    let text = match textfile::read(path, MAX_BYTES) {
        Ok(text) => text,
        Err(error) if error.is_not_found() && !required => return Layer::default(),
        Err(error) => {
            let reason = format!("cannot be read: {error}");
            findings.problems.push(Problem::File { path: name, reason });
            return Layer::default();
        }
    };
    parse(&name, &text, findings)
}

fn parse(file: &str, text: &str, findings: &mut Findings) -> Layer {
    let mut reading = Reading { file, layer: Layer::default(), findings };
    match FileFormat::Yaml.parse(Some(&file.to_owned()), text) {
        Ok(sections) => {
            let mut sections: Vec<_> = sections.into_iter().collect();
            sections.sort_by(|a, b| a.0.cmp(&b.0));
            sections.into_iter().for_each(|(name, value)| reading.section(&name, value));
        }
        Err(error) => reading.no_yaml(error.as_ref()),
    }
    reading.layer
}

struct Reading<'a> {
    file: &'a str,
    layer: Layer,
    findings: &'a mut Findings,
}

impl Reading<'_> {
    fn no_yaml(&mut self, error: &(dyn Error + 'static)) {
        // A wrong root quotes the whole value, which may be anything.
        let reason = match error.downcast_ref::<Box<::config::ConfigError>>().map(Box::as_ref) {
            Some(::config::ConfigError::Type { .. }) => "it is no mapping of sections to keys".to_owned(),
            _ => format!("it is no YAML: {error}"),
        };
        self.findings.problems.push(Problem::File { path: self.file.to_owned(), reason });
    }

    fn section(&mut self, section: &str, value: Value) {
        let known = keys::SECTIONS.iter().any(|(name, _)| *name == section);
        match value.kind {
            ValueKind::Table(entries) => self.entries(section, entries),
            // A section whose keys are all commented out.
            ValueKind::Nil if known => {}
            kind if known => self.unknown(
                section,
                &kind.to_string(),
                Some("a section holds keys, each on a line of its own".to_owned()),
            ),
            kind => {
                let instead = keys::find(section).map(|key| {
                    format!("write {}: on its own line and below it, indented, {}:", key.section(), key.name())
                });
                self.unknown(section, &kind.to_string(), instead);
            }
        }
    }

    fn entries(&mut self, prefix: &str, entries: Map<String, Value>) {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, value) in entries {
            self.entry(&format!("{prefix}.{name}"), value);
        }
    }

    fn entry(&mut self, path: &str, value: Value) {
        let key = keys::KEYS.iter().find(|key| key.path == path || key.older.is_some_and(|older| older.path == path));
        let part = older_database::part(path);
        if let (None, None, ValueKind::String(file)) = (key, part, &value.kind) {
            if let Some(key) = keys::find_in_file(path) {
                return self.layer.give_from_file(key, file, self.file, self.findings);
            }
            if path == older_database::PASSWORD_FILE {
                return self.layer.parts.extend(older_database::password_in(file, self.file, self.findings));
            }
        }
        match (key, value.kind) {
            // Nothing is written after the colon: the key is not given.
            (_, ValueKind::Nil) if key.is_some() || part.is_some() => {}
            (Some(key), ValueKind::Table(table)) if key.kind == Kind::Properties => self.properties(key, table),
            (Some(key), kind) => match text_of(key.kind, &kind) {
                Ok(text) => match key.older.filter(|older| older.path == path) {
                    Some(older) => self.layer.give_older((key, older), &text, self.file, self.findings),
                    None => self.layer.give(key, &text, self.file, self.findings),
                },
                Err(unfit) => self.findings.refuse(key, &plain(&kind), self.file, &unfit),
            },
            (None, ValueKind::Table(entries)) if !entries.is_empty() => self.entries(path, entries),
            (None, kind) => match part {
                Some(part) => match text_of(if part.is_port() { Kind::Port } else { Kind::Text }, &kind) {
                    Ok(text) => self.layer.parts.push(part.given(&text, self.file)),
                    Err(unfit) => self.findings.problems.push(Problem::Value {
                        key: path.to_owned(),
                        value: show_unknown(path, &plain(&kind)),
                        origin: self.file.to_owned(),
                        reason: unfit.to_string(),
                        expected: "text on one line".to_owned(),
                    }),
                },
                None => self.unknown(path, &plain(&kind), None),
            },
        }
    }

    fn properties(&mut self, key: &'static Key, table: Map<String, Value>) {
        let origin = self.file.to_owned();
        let mut texts = Map::new();
        for (name, value) in table {
            let text = match value.kind {
                ValueKind::String(text) => Ok(text),
                ValueKind::Nil => Ok(String::new()),
                ValueKind::Table(_) | ValueKind::Array(_) => Err(Unfit::because("it is neither text nor a number")),
                _ if is_sensitive(&name) => Err(Unfit::because("a number or a truth value; write it in quotes")),
                kind => Ok(kind.to_string()),
            };
            match text {
                Ok(text) => {
                    texts.insert(name, Value::new(Some(&origin), text));
                }
                Err(unfit) => self.findings.problems.push(Problem::Value {
                    key: format!("{}.{name}", key.path),
                    value: show_value(key, ""),
                    origin: origin.clone(),
                    reason: unfit.to_string(),
                    expected: "text".to_owned(),
                }),
            }
        }
        self.layer.give_table(key, texts, &origin, self.findings);
    }

    fn unknown(&mut self, path: &str, text: &str, instead: Option<String>) {
        let near = || nearest_key(path).map(|key| format!("was {} meant?", key.path));
        let section = path.split('.').next().unwrap_or(path);
        let sections = || {
            let known = keys::SECTIONS.iter().any(|(name, _)| *name == section);
            let names: Vec<_> = keys::SECTIONS.iter().map(|(name, _)| *name).collect();
            (!known).then(|| format!("the sections are {}", names.join(", ")))
        };
        self.findings.problems.push(Problem::Unknown {
            key: path.to_owned(),
            value: show_unknown(path, text),
            origin: self.file.to_owned(),
            instead: instead.or_else(near).or_else(sections),
        });
    }
}

/// A YAML value as it would be written in the environment.
fn text_of(kind: Kind, value: &ValueKind) -> Result<String, Unfit> {
    match value {
        ValueKind::String(text) => Ok(text.clone()),
        ValueKind::Array(items) if kind.takes_lists() => {
            let items = items.iter().map(|item| match &item.kind {
                ValueKind::Array(_) | ValueKind::Table(_) | ValueKind::Nil => {
                    Err(Unfit::because("a list within a list"))
                }
                kind => Ok(kind.to_string()),
            });
            Ok(items.collect::<Result<Vec<_>, _>>()?.join(","))
        }
        ValueKind::Array(_) => Err(Unfit::because("it is a list")),
        ValueKind::Table(_) => Err(Unfit::because("it is a mapping")),
        number if kind.takes_numbers() => Ok(number.to_string()),
        _ => Err(Unfit::because("it is a number or a truth value; write it in quotes")),
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
