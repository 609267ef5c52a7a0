//! Every key of the configuration. Defaults, known names, environment names, flags, `config.yaml`, the documents' table
//! and `check-config` all come from here.

use super::kind::Kind;

const SECOND: u64 = 1;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const KIB: u64 = 1024;
const GIB: u64 = 1024 * 1024 * KIB;

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// `section.name`.
    pub path: &'static str,
    /// As it would be written in the environment; empty: none, which is then a legal value.
    pub default: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// One sentence or two for people.
    pub meaning: &'static str,
    /// The name that the Go original had for it.
    pub older: Option<Older>,
    /// Whether its value is never shown. A secret has no flag, since other users of a machine see those.
    pub secret: bool,
}

/// A key of the Go original that means one of ours.
#[derive(Clone, Copy, Debug)]
pub struct Older {
    /// Its dotted path, of two or three levels.
    pub path: &'static str,
    /// What is appended to its value to make it one of ours: a unit, or nothing.
    pub unit: &'static str,
}

impl Key {
    const fn new(path: &'static str, default: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self { path, default, kind, meaning, older: None, secret: false }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn formerly(self, path: &'static str, unit: &'static str) -> Self {
        Self { older: Some(Older { path, unit }), ..self }
    }

    /// The part before the dot.
    pub fn section(&self) -> &'static str {
        self.path.split_once('.').map_or("", |(section, _)| section)
    }

    /// The part after the dot.
    pub fn name(&self) -> &'static str {
        self.path.split_once('.').map_or(self.path, |(_, name)| name)
    }

    /// The name of its environment variable.
    pub fn environment(&self) -> String {
        environment_name(self.path)
    }

    /// The name of its flag, without the dashes; `None` for a secret.
    pub fn flag(&self) -> Option<String> {
        (!self.secret).then(|| match self.path {
            "server.roles" => "roles".to_owned(),
            path => path.replace(['.', '_'], "-"),
        })
    }

    /// The path of its companion that names a file with the value, `section.name_file`, for what may be a secret.
    pub fn in_file(&self) -> Option<String> {
        (self.secret || self.kind == Kind::DatabaseUrl).then(|| format!("{}_file", self.path))
    }

    /// Whether it may be left empty.
    pub fn optional(&self) -> bool {
        self.default.is_empty()
    }

    /// What it takes, in words.
    pub fn expected(&self) -> String {
        let or_nothing = if self.optional() { ", or nothing" } else { "" };
        format!("{}{or_nothing}", self.kind.expected())
    }
}

/// The environment variable of a dotted path: upper case, with underscores for the dots.
pub fn environment_name(path: &str) -> String {
    path.replace('.', "_").to_uppercase()
}

/// The key whose value lies in a file that `path` names.
pub(super) fn find_in_file(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.in_file().as_deref() == Some(path))
}

/// The key with this path.
pub fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The sections, in the table's order, each with a line about it.
pub const SECTIONS: &[(&str, &str)] = &[
    ("server", "What this process does."),
    ("opensky", "Where the flights come from: the OpenSky Network's REST API."),
    ("kafka", "The log between the parts."),
    ("database", "Where the flights are kept."),
    ("http", "Where the server listens."),
    ("sse", "The streams to browsers."),
    ("admin", "The administrators' endpoints."),
];

/// The table.
pub const KEYS: &[Key] = &[
    Key::new(
        "server.roles",
        "collect,store,live",
        Kind::Roles,
        "What this process does: collect (poll OpenSky into Kafka), store (Kafka into the database), live (Kafka to browsers). A part of them needs a Kafka of its own in kafka.bootstrap_servers.",
    ),
    Key::new(
        "server.shutdown_timeout",
        "25s",
        Kind::Duration { min: SECOND, max: HOUR },
        "How long an orderly shutdown may take before the process ends anyway. Whoever sends SIGTERM must wait as long: docker stop kills after 10 s unless it is told otherwise (--time 30, stop_grace_period).",
    ),
    Key::new("opensky.base_url", "https://opensky-network.org/api", Kind::HttpUrl, "The REST API's root."),
    Key::new(
        "opensky.auth_url",
        "https://auth.opensky-network.org/auth/realms/opensky-network/protocol/openid-connect/token",
        Kind::HttpUrl,
        "Where OAuth2 access tokens are asked for.",
    ),
    Key::new(
        "opensky.credentials_file",
        "credentials.json",
        Kind::Path,
        "The API client's file as OpenSky's account page hands it out (clientId and clientSecret). Without it requests are anonymous; any other file that is named here must exist.",
    ),
    Key::new(
        "opensky.client_id",
        "",
        Kind::Text,
        "The API client's id, in place of the file; only with opensky.client_secret.",
    ),
    Key::new(
        "opensky.client_secret",
        "",
        Kind::Secret { min_chars: 1 },
        "The API client's secret, in place of the file.",
    )
    .secret(),
    Key::new(
        "opensky.bounding_box",
        "",
        Kind::BoundingBox,
        "Only this area, as lamin,lomin,lamax,lomax in degrees; a smaller one costs fewer credits. Empty: the world.",
    ),
    Key::new(
        "opensky.poll_interval",
        "auto",
        Kind::PollInterval { min: SECOND, max: DAY },
        "auto spreads the credits that are left over the rest of the day, or of the hour where they are refilled hourly; or a fixed time between two polls, of at least 5 s with an account and 10 s without: the data changes no faster.",
    )
    .formerly("opensky.ticker_interval_ms", "ms"),
    Key::new(
        "opensky.request_timeout",
        "15s",
        Kind::Duration { min: SECOND, max: 5 * MINUTE },
        "How long one request may take.",
    ),
    Key::new(
        "kafka.bootstrap_servers",
        "",
        Kind::Servers,
        "The brokers, as host:port,host:port. Empty: an embedded broker in this process, which keeps nothing over a restart.",
    ),
    Key::new(
        "kafka.topic_raw",
        "telemetry.raw",
        Kind::Topic,
        "The topic of the state vectors; made at start where missing.",
    ),
    Key::new(
        "kafka.topic_dead_letter",
        "telemetry.dead-letter",
        Kind::Topic,
        "The topic of what could not be read; made at start where missing.",
    ),
    Key::new(
        "kafka.topic_alerts",
        "telemetry.alerts",
        Kind::Topic,
        "The topic of the alerts: aircraft that begin to squawk 7500, 7600 or 7700; made at start where missing, by the role collect.",
    ),
    Key::new(
        "kafka.partitions",
        "6",
        Kind::Whole { min: 1, max: 10_000 },
        "Partitions of a topic that is made at start.",
    ),
    Key::new(
        "kafka.replication_factor",
        "1",
        Kind::Whole { min: 1, max: 100 },
        "Replicas of a topic that is created at start; with 3 or more, two brokers at least must have a message (min.insync.replicas 2).",
    ),
    Key::new("kafka.group_id", "opensky-processor", Kind::Text, "The consumer group of the storing consumers.")
        .formerly("kafka.consumer.consumer_group_id", ""),
    Key::new(
        "kafka.properties",
        "",
        Kind::Properties,
        "Properties of librdkafka, for SASL, TLS and tuning: a mapping in the file, k=v,k=v in the environment (a comma in a value is written \\,). Those of the file, the environment and the flag are joined. They win over the program's own, but for those that its promises rest on (acks, message.timeout.ms, isolation.level, …), which are refused.",
    ),
    Key::new(
        "kafka.max_held",
        "64MiB",
        Kind::Bytes { min: 64 * KIB, max: 64 * GIB },
        "How much is held back for Kafka while it is away; beyond it the oldest goes.",
    ),
    Key::new(
        "kafka.max_held_age",
        "30m",
        Kind::Duration { min: SECOND, max: 30 * DAY },
        "How old something held back for Kafka may become.",
    ),
    Key::new(
        "database.url",
        "sqlite://data/flight-monitor.db",
        Kind::DatabaseUrl,
        "sqlite://PATH, or postgres://user:password@host:port/name (with or without TimescaleDB). A password is better given by the environment or a file.",
    ),
    Key::new(
        "database.retention",
        "30d",
        Kind::Duration { min: HOUR, max: 36_500 * DAY },
        "How long state vectors are kept.",
    ),
    Key::new(
        "database.summary_retention",
        "365d",
        Kind::Duration { min: DAY, max: 36_500 * DAY },
        "How long flights and hourly statistics are kept.",
    ),
    Key::new(
        "database.flight_gap",
        "30m",
        Kind::Duration { min: MINUTE, max: DAY },
        "A longer pause between two states of an aircraft ends its flight.",
    ),
    Key::new(
        "database.compress_after",
        "2h",
        Kind::Duration { min: MINUTE, max: 36_500 * DAY },
        "After which time TimescaleDB compresses a chunk.",
    ),
    Key::new(
        "database.chunk_interval",
        "1h",
        Kind::Duration { min: MINUTE, max: 365 * DAY },
        "How much time one TimescaleDB chunk spans.",
    ),
    Key::new(
        "http.host",
        "127.0.0.1",
        Kind::Host,
        "The address to listen on; 0.0.0.0 or :: for every one of this machine.",
    ),
    Key::new("http.port", "8081", Kind::Port, "The port to listen on; 0 takes a free one.").formerly("sse.port", ""),
    Key::new(
        "http.tls_certificate",
        "",
        Kind::Path,
        "A PEM file with the server's certificate and those that vouch for it; with it the server speaks HTTPS only, by HTTP/2 too. It is read again when it changes.",
    ),
    Key::new("http.tls_key", "", Kind::Path, "The PEM file with its private key; only with http.tls_certificate."),
    Key::new(
        "http.trusted_proxies",
        "",
        Kind::Networks,
        "Proxies whose X-Forwarded-For is believed, as addresses or networks; a client is then counted by its own address.",
    ),
    Key::new(
        "sse.allowed_origins",
        "http://localhost:3000",
        Kind::Origins,
        "Which web sites' pages may read the streams and the API: exact origins, or * for all. The page of this server always may.",
    ),
    Key::new(
        "sse.max_clients",
        "20000",
        Kind::Whole { min: 1, max: 1_000_000 },
        "How many clients may be connected at once.",
    ),
    Key::new(
        "sse.max_clients_per_address",
        "256",
        Kind::Whole { min: 1, max: 1_000_000 },
        "How many of them from one address, or with IPv6 from one /64.",
    ),
    Key::new(
        "sse.aircraft_timeout",
        "5m",
        Kind::Duration { min: SECOND, max: DAY },
        "How long an aircraft that is no longer heard stays in the live picture; twice the time between two polls where that is longer.",
    ),
    Key::new(
        "sse.client_timeout",
        "30s",
        Kind::Duration { min: SECOND, max: HOUR },
        "After which time a client that takes nothing is disconnected.",
    ),
    Key::new(
        "admin.token",
        "",
        Kind::Secret { min_chars: 16 },
        "The bearer token of /admin, of at least 16 characters. Empty: one is generated and kept in data/admin.token.",
    )
    .secret(),
];
