use std::path::Path;

use super::diagnostics::{ConfigError, ConfigProblem, Diagnostics};
use super::environment::Environment;
use super::flags::Flags;
use super::reader::Reader;
use super::sections::{ArchiveSettings, DatabaseSettings, ServerSettings, Settings, TEMPLATES, settings};
use super::values::{Brokers, Role, show_duration};
use super::{file, legacy};
use crate::proxy::InvalidProxy;

/// The default configuration file, in the working directory.
pub const CONFIG_FILE: &str = "config.yaml";

impl Settings {
    /// Reads the configuration file, merges the environment and the flags over it, and parses the result. A named file
    /// must exist; without one, `config.yaml` in the working directory is read if it exists.
    ///
    /// # Errors
    /// Returns all problems together, each with its key, value, origin and the expected value.
    pub fn load(file: Option<&Path>, environment: &Environment, flags: &Flags) -> Result<Self, ConfigError> {
        Self::load_in(Path::new(""), file, environment, flags)
    }

    /// Returns the built-in defaults.
    #[cfg(test)]
    pub(crate) fn defaults() -> Self {
        Self::load_in(Path::new("/nonexistent"), None, &Environment::of([]), &Flags::none()).unwrap()
    }

    pub(super) fn load_in(
        directory: &Path,
        file: Option<&Path>,
        environment: &Environment,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let path = file.map_or_else(|| directory.join(CONFIG_FILE), Path::to_owned);
        let from_file = file::read(&path, file.is_some());
        let mut layers = [from_file, environment.read(), flags.read()];
        let merged = legacy::assemble_url(&mut layers).and_then(|()| Reader::merge(settings(), TEMPLATES, layers));
        let mut reader = merged.map_err(|error| {
            ConfigError(vec![ConfigProblem::File { path: "configuration".to_owned(), reason: error.to_string() }])
        })?;
        let settings = Self::read(&mut reader, environment.proxies(), environment.authorities());
        if let Some(settings) = &settings {
            settings.check(&mut reader);
        }
        let Diagnostics { problems, warnings } = reader.diagnostics;
        match settings {
            Some(mut settings) if problems.is_empty() => {
                settings.warnings = warnings;
                settings.file = Some(path).filter(|path| path.exists());
                Ok(settings)
            }
            _ => Err(ConfigError(problems)),
        }
    }

    /// Checks that the sections are consistent with each other.
    fn check(&self, reader: &mut Reader) {
        // If some settings are invalid, this could be a false alarm.
        if reader.diagnostics.problems.is_empty()
            && !self.server.roles.are_whole_server()
            && self.kafka.bootstrap_servers == Brokers::Embedded
        {
            reader.conflict(
                ServerSettings::roles,
                "kafka.bootstrap_servers is empty, and the embedded broker serves only a single process with the roles \
                 collect, store and live; set it to a Kafka cluster",
            );
        }
        if self.server.roles.has(Role::Archive) && self.archive.url.is_none() {
            reader.conflict(
                ArchiveSettings::url,
                "it is empty, but server.roles contains archive; set it to a folder or an S3 bucket, or remove that role",
            );
        }
        let DatabaseSettings { retention, compress_after, .. } = self.database;
        if compress_after >= retention {
            let [retention, compress_after] = [retention, compress_after].map(show_duration);
            reader.diagnostics.warnings.push(format!(
                "database.compress_after is {compress_after}, but database.retention is {retention}: chunks are dropped \
                 before they are compressed"
            ));
        }
    }

    /// Describes the OpenSky URLs that are requested through a proxy, one line for each.
    ///
    /// # Errors
    /// Returns an error if a variable's value is not a valid proxy.
    pub fn proxied(&self) -> Result<Vec<String>, InvalidProxy> {
        let proxies = self.proxies.as_ref().map_err(Clone::clone)?;
        Ok(proxies.describe([self.opensky.base_url.url(), self.opensky.auth_url.url()]))
    }
}
