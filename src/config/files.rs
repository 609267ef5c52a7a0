use std::path::Path;

use super::diagnostics::{ConfigError, ConfigProblem};
use super::sections::{DatabaseSettings, HttpSettings, KafkaSettings, OpenSkySettings, Settings};
use super::setting::Setting;
use super::value::{MASK, quote};
use super::values::{ADMIN_TOKEN_FILE, AdminToken, Brokers};
use crate::http::TlsError;
use crate::kafka::check_properties;
use crate::rules::{InvalidRules, RuleSources, RulesFileError};
use crate::storage::check_certificates;

impl Settings {
    /// Reads the files that the settings name, and lets librdkafka check its properties as a whole. A configuration
    /// that passes is accepted at start. Opens no connection and writes nothing.
    ///
    /// # Errors
    /// Returns all problems together.
    pub fn check_files(&self) -> Result<(), ConfigError> {
        let credentials = self.opensky.credentials().err();
        let certificates = check_certificates(self.database.url.url()).err();
        let token_file = Path::new(ADMIN_TOKEN_FILE);
        let needed = self.admin.token.is_none() && token_file.exists();
        let token = needed.then(|| AdminToken::read(token_file).err()).flatten();
        let mut problems: Vec<_> = [
            credentials.map(|error| self.problem(OpenSkySettings::credentials_file, error.to_string())),
            self.check_tls(),
            certificates.map(|error| self.problem(DatabaseSettings::url, error.to_string())),
            self.check_kafka(),
            token.map(|error| ConfigProblem::File { path: ADMIN_TOKEN_FILE.to_owned(), reason: error.to_string() }),
        ]
        .into_iter()
        .flatten()
        .collect();
        if let Err(InvalidRules(faults)) = self.rule_sources().load().rules {
            let problem = |RulesFileError { file, reason }| ConfigProblem::File { path: file, reason };
            problems.extend(faults.into_iter().map(problem));
        }
        if problems.is_empty() { Ok(()) } else { Err(ConfigError(problems)) }
    }

    /// Returns where the rules are.
    pub fn rule_sources(&self) -> RuleSources {
        RuleSources {
            config: self.file.clone(),
            files: self.detect.rules_files.paths().to_vec(),
            edited: self.detect.edited_rules.as_ref().map(|file| file.path().to_owned()),
        }
    }

    fn check_tls(&self) -> Option<ConfigProblem> {
        let files = self.http.tls()?;
        let error = files.check().err()?;
        let of_key = matches!(&error, TlsError::File { path, .. } if *path == files.key.display().to_string());
        let reason = match error {
            TlsError::File { reason, .. } => reason,
            error @ TlsError::Unusable(_) => error.to_string(),
        };
        Some(self.problem(if of_key { HttpSettings::tls_key } else { HttpSettings::tls_certificate }, reason))
    }

    fn check_kafka(&self) -> Option<ConfigProblem> {
        if self.kafka.bootstrap_servers == Brokers::Embedded {
            return None;
        }
        let properties = self.kafka.properties.expose();
        let reason = check_properties(properties.iter().map(|(name, value)| (name.as_str(), value.as_str()))).err()?;
        let path = KafkaSettings::properties.path;
        let mut origins: Vec<_> = properties.keys().map(|name| self.origin(&format!("{path}.{name}"))).collect();
        origins.sort_unstable();
        origins.dedup();
        let (key, value, origin) = (path.to_owned(), MASK.to_owned(), origins.join(", "));
        Some(ConfigProblem::Key { key, value, origin, reason })
    }

    fn problem(&self, setting: &Setting, reason: String) -> ConfigProblem {
        let shown = self.rows().into_iter().find(|(row, _)| *row == setting).map(|(_, value)| quote(&value));
        let (key, value) = (setting.path.to_owned(), shown.unwrap_or_default());
        ConfigProblem::Key { key, value, origin: self.origin(setting.path).to_owned(), reason }
    }
}
