//! The configuration: built-in defaults < `config.yaml` < environment < flags, parsed once into types that cannot be
//! wrong. [`keys`] is the one table that everything comes from.

mod check;
mod environment;
mod error;
mod file;
mod files;
mod flags;
pub mod keys;
mod kind;
mod layer;
mod older_database;
mod reader;
mod render;
mod sections;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ::config::{Config, Value};

pub use check::check_value;
pub use environment::Environment;
pub use error::{ConfigError, Problem, Warning};
pub use flags::Flags;
pub use keys::Key;
pub use kind::Kind;
pub use render::{config_file, effective, markdown_table};
pub use sections::{
    ADMIN_TOKEN_FILE, AdminSettings, AdminToken, AdminTokenError, ClientCredentials, CredentialsFile, DatabaseSettings,
    HttpSettings, KafkaSettings, OpenSkySettings, ServerSettings, SseSettings, TlsSettings,
};
pub use values::{
    AllowedOrigins, Brokers, ByteSize, Host, KafkaProperties, Networks, Origin, PollInterval, Role, Roles, Secret,
    SecretUrl, Shown, Topic, TopicError, Unfit, parse_duration, show_duration,
};

use layer::Findings;
use reader::{DEFAULT, Reader};

use crate::proxy::{InvalidProxy, Proxies};

/// The file that is read from the working directory when none is named.
pub const CONFIG_FILE: &str = "config.yaml";

/// The whole configuration. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What this process does.
    pub server: ServerSettings,
    /// Where the flights come from.
    pub opensky: OpenSkySettings,
    /// The log between the parts.
    pub kafka: KafkaSettings,
    /// Where the flights are kept.
    pub database: DatabaseSettings,
    /// Where the server listens.
    pub http: HttpSettings,
    /// The streams to browsers.
    pub sse: SseSettings,
    /// The administrators' endpoints.
    pub admin: AdminSettings,
    /// The proxies for outgoing requests, from the usual environment variables.
    pub proxies: Result<Proxies, InvalidProxy>,
    /// `SSL_CERT_FILE`: authorities of HTTPS servers besides the public ones.
    pub authorities: Option<PathBuf>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
    origins: BTreeMap<String, String>,
}

impl Settings {
    /// Reads the file (`config.yaml` in the working directory if it is there, or the one named, which must be), lays the
    /// environment and the flags over it and parses the whole.
    ///
    /// # Errors
    /// Everything that is wrong, together: each with its key, its value, where it stands and what was expected.
    pub fn load(file: Option<&Path>, environment: &Environment, flags: &Flags) -> Result<Self, ConfigError> {
        Self::load_in(Path::new(""), file, environment, flags)
    }

    fn load_in(
        directory: &Path,
        file: Option<&Path>,
        environment: &Environment,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let mut findings = Findings::default();
        let from_file = match file {
            Some(named) => file::read(named, true, &mut findings),
            None => file::read(&directory.join(CONFIG_FILE), false, &mut findings),
        };
        let mut layers = [from_file, environment.read(&mut findings), flags.read(&mut findings)];
        older_database::assemble(&mut layers, &mut findings);

        let Findings { mut problems, mut warnings } = findings;
        let merged = merge(layers).map_err(|error| {
            ConfigError(vec![Problem::File { path: "configuration".to_owned(), reason: error.to_string() }])
        })?;
        let mut reader = Reader::of(&merged);
        let server = ServerSettings::read(&mut reader);
        let opensky = OpenSkySettings::read(&mut reader);
        let kafka = KafkaSettings::read(&mut reader);
        let database = DatabaseSettings::read(&mut reader);
        let http = HttpSettings::read(&mut reader);
        let sse = SseSettings::read(&mut reader);
        let admin = AdminSettings::read(&mut reader);
        // With a part of the settings missing this could be a false alarm.
        if problems.is_empty()
            && let (Some(server), Some(kafka)) = (&server, &kafka)
            && !server.roles.are_all()
            && kafka.brokers == Brokers::Embedded
        {
            reader.conflict(
                "server.roles",
                "kafka.bootstrap_servers is empty, and the embedded broker serves one process with all roles; name a Kafka",
            );
        }
        problems.append(&mut reader.problems);
        let origins = reader.origins();
        let complete = (|| {
            Some(Self {
                server: server?,
                opensky: opensky?,
                kafka: kafka?,
                database: database?,
                http: http?,
                sse: sse?,
                admin: admin?,
                proxies: environment.proxies(),
                authorities: environment.authorities(),
                warnings: Vec::new(),
                origins,
            })
        })();
        match complete {
            Some(settings) if problems.is_empty() => {
                warnings.extend(settings.pointless());
                Ok(Self { warnings, ..settings })
            }
            _ => Err(ConfigError(problems)),
        }
    }

    /// Where a value stands: `default`, a file, an environment variable or a flag.
    pub fn origin(&self, path: &str) -> &str {
        self.origins.get(path).map_or(DEFAULT, String::as_str)
    }

    /// Every key with what was understood, secrets masked, in the table's order.
    pub fn rows(&self) -> Vec<(&'static str, Shown)> {
        [
            self.server.rows(),
            self.opensky.rows(),
            self.kafka.rows(),
            self.database.rows(),
            self.http.rows(),
            self.sse.rows(),
            self.admin.rows(),
        ]
        .concat()
    }

    /// The addresses of OpenSky that are reached through a proxy, a line for each.
    ///
    /// # Errors
    /// A variable that names no proxy.
    pub fn proxied(&self) -> Result<Vec<String>, InvalidProxy> {
        let proxies = self.proxies.as_ref().map_err(Clone::clone)?;
        Ok(proxies.describe([&self.opensky.base_url, &self.opensky.auth_url]))
    }

    fn pointless(&self) -> Option<Warning> {
        let DatabaseSettings { retention, compress_after, .. } = self.database;
        (compress_after >= retention).then(|| {
            let [kept, compressed] = [retention, compress_after].map(show_duration);
            Warning::Pointless(format!(
                "database.compress_after is {compressed}, but database.retention is {kept}: nothing is ever compressed"
            ))
        })
    }
}

fn merge(layers: [layer::Layer; 3]) -> Result<Config, ::config::ConfigError> {
    let mut builder = Config::builder();
    for key in keys::KEYS {
        let value = match key.kind {
            Kind::Properties => Value::new(Some(&DEFAULT.to_owned()), ::config::Map::<String, Value>::new()),
            _ => Value::new(Some(&DEFAULT.to_owned()), key.default),
        };
        builder = builder.set_default(key.path, value)?;
    }
    layers.into_iter().fold(builder, |builder, layer| builder.add_source(layer)).build()
}

#[cfg(test)]
mod tests;
