//! Tests of the configuration as a whole. Most of them iterate over the schema.

mod bad_values;
mod fuzz;
mod layers;
mod legacy_names;
mod notify;
mod secret_files;
mod secrets;
mod sources;
mod texts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;

/// A temporary working directory with the sources of a configuration.
struct Sandbox {
    directory: TempDir,
    environment: Vec<(String, String)>,
    flags: Flags,
}

impl Sandbox {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), environment: Vec::new(), flags: Flags::none() }
    }

    fn file(self, text: &str) -> Self {
        std::fs::write(self.path(CONFIG_FILE), text).unwrap();
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn flag(mut self, path: &str, value: &str) -> Self {
        self.flags.set(find(path), value);
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn load(&self) -> Result<Settings, ConfigError> {
        let variables = self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Settings::load_in(self.directory.path(), None, &Environment::of(variables), &self.flags)
    }

    fn error(&self) -> String {
        self.load().unwrap_err().to_string()
    }
}

fn find(path: &str) -> &'static Setting {
    settings().find(|setting| setting.path == path).unwrap()
}

fn shown(settings: &Settings, path: &str) -> String {
    settings.rows().into_iter().find(|(row, _)| row.path == path).unwrap().1
}

#[track_caller]
fn assert_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}
