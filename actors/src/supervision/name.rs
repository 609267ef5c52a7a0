use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use log::kv::{ToValue, Value};
use serde::{Serialize, Serializer};
use thiserror::Error;

/// The name of an actor, unique within its process.
///
/// The text is a stable interface, used by the admin API, readiness, metrics, alerts and logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorName {
    /// `poller` for the only Poller of a process, `poller-<source>` for one of several.
    Poller(Option<ConfiguredName>),
    /// `merger`.
    Merger,
    /// `kafka-producer`.
    KafkaProducer,
    /// `kafka-consumer-store`.
    StoreConsumer,
    /// `kafka-consumer-polls`.
    PollsConsumer,
    /// `kafka-consumer-alert-history`.
    AlertHistoryConsumer,
    /// `db-writer`.
    DbWriter,
    /// `detector`.
    Detector,
    /// `kafka-consumer-live`.
    LiveConsumer,
    /// `kafka-consumer-alerts`.
    AlertsConsumer,
    /// `sse-hub`.
    SseHub,
    /// `sink-<name>`: the KafkaConsumer that writes to this sink.
    Sink(ConfiguredName),
    /// `notify-<name>`: delivers alerts to this endpoint.
    Notifier(ConfiguredName),
}

/// The name of a source, a sink or an endpoint of notifications: lower-case letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfiguredName(Arc<str>);

/// The text is not the name of an actor.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no actor {0}")]
pub struct UnknownActor(String);

/// An external component that an actor monitors but does not depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WatchedPart {
    /// `timescaledb-jobs`: compression, retention and refresh, which the database runs by itself.
    TimescaleJobs,
}

/// A component whose readiness is reported.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Component {
    /// An actor.
    Actor(ActorName),
    /// An external component that an actor monitors.
    Watched(WatchedPart),
}

impl ActorName {
    /// The Poller of a process with a single source.
    pub const POLLER: Self = Self::Poller(None);

    const FIXED: [Self; 11] = [
        Self::POLLER,
        Self::Merger,
        Self::KafkaProducer,
        Self::StoreConsumer,
        Self::PollsConsumer,
        Self::AlertHistoryConsumer,
        Self::DbWriter,
        Self::Detector,
        Self::LiveConsumer,
        Self::AlertsConsumer,
        Self::SseHub,
    ];
}

impl ConfiguredName {
    /// Parses a name. Returns `None` if `text` is empty or contains any other character.
    pub fn new(text: &str) -> Option<Self> {
        let is_valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        (!text.is_empty() && text.chars().all(is_valid)).then(|| Self(text.into()))
    }

    /// Returns the text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConfiguredName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ConfiguredName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for ActorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Poller(None) => "poller",
            Self::Poller(Some(ConfiguredName(source))) => return write!(f, "poller-{source}"),
            Self::Sink(ConfiguredName(sink)) => return write!(f, "sink-{sink}"),
            Self::Notifier(ConfiguredName(endpoint)) => return write!(f, "notify-{endpoint}"),
            Self::Merger => "merger",
            Self::KafkaProducer => "kafka-producer",
            Self::StoreConsumer => "kafka-consumer-store",
            Self::PollsConsumer => "kafka-consumer-polls",
            Self::AlertHistoryConsumer => "kafka-consumer-alert-history",
            Self::DbWriter => "db-writer",
            Self::Detector => "detector",
            Self::LiveConsumer => "kafka-consumer-live",
            Self::AlertsConsumer => "kafka-consumer-alerts",
            Self::SseHub => "sse-hub",
        })
    }
}

impl FromStr for ActorName {
    type Err = UnknownActor;

    fn from_str(text: &str) -> Result<Self, UnknownActor> {
        let configured = || {
            let named = |prefix| text.strip_prefix(prefix).and_then(ConfiguredName::new);
            let poller = || named("poller-").map(|name| Self::Poller(Some(name)));
            let sink = || named("sink-").map(Self::Sink);
            poller().or_else(sink).or_else(|| named("notify-").map(Self::Notifier))
        };
        let mut fixed = Self::FIXED.into_iter();
        fixed.find(|name| name.to_string() == text).or_else(configured).ok_or_else(|| UnknownActor(text.to_owned()))
    }
}

impl fmt::Display for WatchedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimescaleJobs => "timescaledb-jobs",
        })
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Actor(name) => name.fmt(f),
            Self::Watched(part) => part.fmt(f),
        }
    }
}

impl From<ActorName> for Component {
    fn from(name: ActorName) -> Self {
        Self::Actor(name)
    }
}

impl Serialize for ActorName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Component {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Formats the name for use as a field of a log line.
impl ToValue for ActorName {
    fn to_value(&self) -> Value<'_> {
        Value::from_display(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_from_its_text() {
        let pollers = ["opensky", "roof-1"].map(|source| ActorName::Poller(ConfiguredName::new(source)));
        let sink = ConfiguredName::new("json-lines").map(ActorName::Sink);
        let endpoint = ConfiguredName::new("phone").map(ActorName::Notifier);
        for name in ActorName::FIXED.into_iter().chain(pollers).chain(sink).chain(endpoint) {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        assert_eq!(ActorName::Poller(ConfiguredName::new("roof-1")).to_string(), "poller-roof-1");
        for text in ["", "nobody", "poller-", "poller-A b", "sink-", "notify-", "timescaledb-jobs"] {
            assert_eq!(text.parse::<ActorName>(), Err(UnknownActor(text.to_owned())));
        }
    }
}
