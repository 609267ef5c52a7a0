//! What the configuration as a whole does; most of it is driven by the key table.

mod bad_values;
mod fuzz;
mod older_names;
mod secret_files;
mod secrets;
mod sources;
mod texts;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;

/// A working directory of its own, with what a load shall find there.
struct Bench {
    directory: TempDir,
    environment: Vec<(String, String)>,
    flags: Flags,
}

impl Bench {
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
        self.flags.set(keys::find(path).unwrap(), value);
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

fn shown(settings: &Settings, path: &str) -> Shown {
    settings.rows().into_iter().find(|(row, _)| *row == path).unwrap().1
}

#[track_caller]
fn assert_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}
