use std::time::Duration;

use super::values::{ByteSize, show_duration};

/// What values a key takes. Spans are in seconds, sizes in bytes; limits belong to the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One line of text.
    Text,
    /// Text that is never shown.
    Secret {
        /// The fewest characters it may have.
        min_chars: usize,
    },
    /// A path on this machine.
    Path,
    /// An address of HTTP or HTTPS.
    HttpUrl,
    /// Where the database is.
    DatabaseUrl,
    /// A host name or an IP address.
    Host,
    /// A TCP port.
    Port,
    /// A whole number.
    Whole {
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// A span of time with its unit.
    Duration {
        /// The shortest.
        min: u64,
        /// The longest.
        max: u64,
    },
    /// `auto` or a span of time.
    PollInterval {
        /// The shortest.
        min: u64,
        /// The longest.
        max: u64,
    },
    /// An amount of bytes with its unit.
    Bytes {
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// Four edges in degrees.
    BoundingBox,
    /// Kafka brokers.
    Servers,
    /// The name of a Kafka topic.
    Topic,
    /// Origins of web pages.
    Origins,
    /// Addresses and networks.
    Networks,
    /// librdkafka's own configuration.
    Properties,
    /// What a process does.
    Roles,
}

impl Kind {
    /// What it takes, in words.
    pub fn expected(self) -> String {
        let span = |seconds| show_duration(Duration::from_secs(seconds));
        match self {
            Self::Text => "text on one line".to_owned(),
            Self::Secret { min_chars: 0 | 1 } => "text on one line".to_owned(),
            Self::Secret { min_chars } => {
                format!("at least {min_chars} visible ASCII characters without blanks")
            }
            Self::Path => "a path".to_owned(),
            Self::HttpUrl => "an address such as https://example.org/api, without user name or password".to_owned(),
            Self::DatabaseUrl => "sqlite://PATH or postgres://user:password@host:port/name".to_owned(),
            Self::Host => "a host name or an IP address".to_owned(),
            Self::Port => "a port from 0 to 65535".to_owned(),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::Duration { min, max } => {
                format!("a time with its unit (ms, s, m, h, d) from {} to {}, such as 30s", span(min), span(max))
            }
            Self::PollInterval { min, max } => format!(
                "auto, or a time with its unit (ms, s, m, h, d) from {} to {}, such as 30s",
                span(min),
                span(max)
            ),
            Self::Bytes { min, max } => {
                format!(
                    "a size with its unit (B, KiB, MiB, GiB) from {} to {}, such as 64MiB",
                    ByteSize(min),
                    ByteSize(max)
                )
            }
            Self::BoundingBox => {
                "lamin,lomin,lamax,lomax in degrees with lomin < lomax, such as 45.8,5.9,47.9,10.6".to_owned()
            }
            Self::Servers => "brokers as host:port,host:port".to_owned(),
            Self::Topic => "1 to 249 of the characters a-z A-Z 0-9 . _ -".to_owned(),
            Self::Origins => {
                "origins as scheme://host[:port] without a path, separated by commas or as a list; or *".to_owned()
            }
            Self::Networks => "addresses or networks, such as 10.0.0.0/8,192.0.2.7".to_owned(),
            Self::Properties => "a mapping of librdkafka's property names to values, or k=v,k=v".to_owned(),
            Self::Roles => "one or more of collect, store and live, separated by commas".to_owned(),
        }
    }

    /// Whether YAML numbers are fine. Elsewhere `0123` or `1e5` would not mean what was written.
    pub(super) fn takes_numbers(self) -> bool {
        matches!(
            self,
            Self::Port
                | Self::Whole { .. }
                | Self::Duration { .. }
                | Self::PollInterval { .. }
                | Self::Bytes { .. }
                | Self::BoundingBox
        )
    }

    /// Whether a YAML list may stand for the values between commas.
    pub(super) fn takes_lists(self) -> bool {
        matches!(self, Self::BoundingBox | Self::Servers | Self::Origins | Self::Networks | Self::Roles)
    }
}
