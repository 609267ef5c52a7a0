use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use super::error::{Problem, Warning};
use super::keys::{self, KEYS, environment_name};
use super::kind::Kind;
use super::layer::{Findings, Layer};
use super::older_database;
use crate::proxy::{InvalidProxy, Proxies};

/// Names and values of environment variables. `Debug` shows the names alone.
#[derive(Clone, Default)]
pub struct Environment(Vec<(String, OsString)>);

impl Environment {
    /// This process's own.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect())
    }

    /// These variables and no others.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }

    /// The proxies for outgoing requests.
    pub(super) fn proxies(&self) -> Result<Proxies, InvalidProxy> {
        Proxies::read(|name| self.text(name))
    }

    /// A PEM file with authorities that are trusted besides the public ones, as OpenSSL has it.
    pub(super) fn authorities(&self) -> Option<PathBuf> {
        self.text("SSL_CERT_FILE").filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.to_str())
    }

    /// Takes what is ours. A variable that is empty or only white space counts as not set: container set-ups often pass
    /// on what they do not have.
    pub(super) fn read(&self, findings: &mut Findings) -> Layer {
        let mut layer = Layer::default();
        let mut variables: Vec<_> = self.0.iter().filter(|(_, value)| !is_blank(value)).collect();
        variables.sort();
        for (name, value) in variables {
            let origin = format!("environment variable {name}");
            let Some(meaning) = Meaning::of(name) else {
                findings.warnings.extend(near_miss(name));
                continue;
            };
            let Some(text) = value.to_str() else {
                findings.problems.push(Problem::File { path: origin, reason: "it is no UTF-8".to_owned() });
                continue;
            };
            let is_port = match &meaning {
                Meaning::Key(key) | Meaning::Older(key, _) => key.kind == Kind::Port,
                Meaning::Part(part) => part.is_port(),
                Meaning::InFile(_) | Meaning::PasswordFile => false,
            };
            if is_port && text.starts_with("tcp://") {
                findings.warnings.push(Warning::ServiceLink { name: name.clone() });
                continue;
            }
            match meaning {
                Meaning::Key(key) => layer.give(key, text, &origin, findings),
                Meaning::Older(key, older) => layer.give_older((key, older), text, &origin, findings),
                Meaning::Part(part) => layer.parts.push(part.given(text, &origin)),
                Meaning::InFile(key) => layer.give_from_file(key, text, &origin, findings),
                Meaning::PasswordFile => layer.parts.extend(older_database::password_in(text, &origin, findings)),
            }
        }
        layer
    }
}

fn is_blank(value: &OsStr) -> bool {
    value.to_str().is_some_and(|text| text.trim().is_empty())
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

enum Meaning {
    Key(&'static keys::Key),
    Older(&'static keys::Key, keys::Older),
    Part(older_database::PartName),
    InFile(&'static keys::Key),
    PasswordFile,
}

impl Meaning {
    fn of(name: &str) -> Option<Self> {
        let key = |key: &'static keys::Key| (key.environment() == name).then_some(Self::Key(key));
        let older = |key: &'static keys::Key| {
            key.older.filter(|older| environment_name(older.path) == name).map(|older| Self::Older(key, older))
        };
        KEYS.iter()
            .find_map(key)
            .or_else(|| KEYS.iter().find_map(older))
            .or_else(|| older_database::part_by_environment(name).map(Self::Part))
            .or_else(|| KEYS.iter().find(|key| file_variable(key).as_deref() == Some(name)).map(Self::InFile))
            .or_else(|| (environment_name(older_database::PASSWORD_FILE) == name).then_some(Self::PasswordFile))
    }
}

/// The variable that names the file with a key's value.
fn file_variable(key: &keys::Key) -> Option<String> {
    key.in_file().map(|path| environment_name(&path))
}

/// A variable within one of our sections' prefixes that is nearly one of ours.
fn near_miss(name: &str) -> Option<Warning> {
    let in_section = |section: &str| name.starts_with(&format!("{}_", section.to_uppercase()));
    keys::SECTIONS.iter().find(|(section, _)| in_section(section))?;
    let names = |key: &keys::Key| {
        [Some(key.environment()), key.older.map(|older| environment_name(older.path)), file_variable(key)]
    };
    KEYS.iter()
        .flat_map(names)
        .flatten()
        .chain(older_database::PARTS.map(environment_name))
        .chain([environment_name(older_database::PASSWORD_FILE)])
        .map(|ours| (strsim::osa_distance(&ours, name), ours))
        .filter(|(distance, _)| (1..=2).contains(distance))
        .min()
        .map(|(_, meant)| Warning::NearMiss { name: name.to_owned(), meant })
}
