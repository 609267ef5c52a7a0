use std::path::Path;

use super::error::ConfigError;
use super::sections::ADMIN_TOKEN_FILE;
use super::{Brokers, Problem, Settings, Shown};
use crate::http::{TlsError, TlsFiles};
use crate::kafka::check_properties;
use crate::sources::opensky::{Credentials, CredentialsError};
use crate::storage::{DatabaseUrl, check_certificates};

impl Settings {
    /// Reads the files that the settings name, and makes librdkafka check its properties together: what passes here is
    /// not refused by the start. It opens no connection and writes nothing.
    ///
    /// # Errors
    /// Everything that is wrong, together.
    pub fn check_files(&self) -> Result<(), ConfigError> {
        let problems: Vec<_> = [
            self.check_credentials(),
            self.check_tls(),
            self.check_database(),
            self.check_kafka(),
            self.admin
                .check_file(Path::new(ADMIN_TOKEN_FILE))
                .err()
                .map(|error| Problem::File { path: ADMIN_TOKEN_FILE.to_owned(), reason: error.to_string() }),
        ]
        .into_iter()
        .flatten()
        .collect();
        if problems.is_empty() { Ok(()) } else { Err(ConfigError(problems)) }
    }

    fn check_credentials(&self) -> Option<Problem> {
        let file = &self.opensky.credentials_file;
        if self.opensky.client.is_some() {
            return None;
        }
        match Credentials::read(&file.path) {
            Ok(_) => None,
            Err(CredentialsError::Missing(_)) if !file.required => None,
            Err(error) => Some(self.problem("opensky.credentials_file", error.to_string())),
        }
    }

    fn check_tls(&self) -> Option<Problem> {
        let tls = self.http.tls.as_ref()?;
        let files = TlsFiles { certificate: tls.certificate.clone(), key: tls.key.clone() };
        let (error, reason) = match files.check() {
            Ok(()) => return None,
            Err(error @ TlsError::Unusable(_)) => (None, error.to_string()),
            Err(TlsError::File { path, reason }) => (Some(path), reason),
        };
        let is_key = error.is_some_and(|path| path == tls.key.display().to_string());
        Some(self.problem(if is_key { "http.tls_key" } else { "http.tls_certificate" }, reason))
    }

    fn check_database(&self) -> Option<Problem> {
        let url: DatabaseUrl = self.database.url.expose().parse().ok()?;
        let error = check_certificates(&url).err()?;
        Some(self.problem("database.url", error.to_string()))
    }

    fn check_kafka(&self) -> Option<Problem> {
        if self.kafka.brokers == Brokers::Embedded {
            return None;
        }
        let reason = check_properties(self.kafka.properties.iter()).err()?;
        Some(Problem::Conflict {
            key: "kafka.properties".to_owned(),
            value: super::error::mask(),
            origin: self.origins_of_properties(),
            reason,
        })
    }

    fn origins_of_properties(&self) -> String {
        let mut origins: Vec<_> =
            self.kafka.properties.iter().map(|(name, _)| self.origin(&format!("kafka.properties.{name}"))).collect();
        origins.sort_unstable();
        origins.dedup();
        origins.join(", ")
    }

    fn problem(&self, path: &'static str, reason: String) -> Problem {
        let value = self.rows().into_iter().find_map(|(row, shown)| match shown {
            Shown::Text(text) if row == path => Some(super::error::quote(&text)),
            _ => None,
        });
        let value = value.unwrap_or_default();
        Problem::Conflict { key: path.to_owned(), value, origin: self.origin(path).to_owned(), reason }
    }
}
