//! What a setting can be. Each is parsed once, from the text it has in the environment.

mod address;
mod amount;
mod database_url;
mod name;
mod networks;
mod origins;
mod poll_interval;
mod properties;
mod roles;
mod secret;
mod servers;

use std::path::PathBuf;

use actors::domain::BoundingBox;
use thiserror::Error;

use super::kind::Kind;

pub use address::Host;
pub use amount::{ByteSize, parse_duration, show_duration};
pub use database_url::SecretUrl;
pub use name::{Topic, TopicError};
pub use networks::Networks;
pub use origins::{AllowedOrigins, Origin};
pub use poll_interval::PollInterval;
pub use properties::KafkaProperties;
pub use roles::{Role, Roles};
pub use secret::Secret;
pub use servers::Brokers;

pub(super) use database_url::mask_user_info;
pub(super) use name::Line;
pub(super) use properties::{is_sensitive, split_properties};

/// Why a text is no such value; without its own words where those could hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unfit(pub(crate) String);

impl Unfit {
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// The reason for this text: quotation marks around it are a likely cause.
    pub(in crate::config) fn of_text(&self, text: &str) -> String {
        match is_quoted(text) {
            true => format!("{self}; the quotation marks are part of the value, leave them out"),
            false => self.to_string(),
        }
    }
}

/// Whether a text stands in quotation marks. `docker run --env-file` and systemd's drop-ins hand them on.
pub(in crate::config) fn is_quoted(text: &str) -> bool {
    let text = text.trim();
    ['"', '\''].into_iter().any(|mark| text.len() > 1 && text.starts_with(mark) && text.ends_with(mark))
}

/// A value that has a text form; the kind brings the limits.
pub(crate) trait FromText: Sized {
    fn from_text(text: &str, kind: Kind) -> Result<Self, Unfit>;
}

impl FromText for PathBuf {
    fn from_text(text: &str, _: Kind) -> Result<Self, Unfit> {
        if text.is_empty() { Err(Unfit::because("it is empty")) } else { Ok(Self::from(text)) }
    }
}

impl FromText for BoundingBox {
    fn from_text(text: &str, _: Kind) -> Result<Self, Unfit> {
        let bounding_box: Self = text.parse().map_err(|error| Unfit(format!("{error}")))?;
        if bounding_box.crosses_antimeridian() {
            return Err(Unfit::because("it crosses the antimeridian, and OpenSky knows no such box"));
        }
        Ok(bounding_box)
    }
}

/// A value as it is shown to people and written to YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// One text.
    Text(String),
    /// Several.
    List(Vec<String>),
    /// Names with texts.
    Map(Vec<(String, String)>),
}

impl Shown {
    pub(super) fn text(value: &(impl ToString + ?Sized)) -> Self {
        Self::Text(value.to_string())
    }

    pub(super) fn optional(value: Option<impl ToString>) -> Self {
        Self::Text(value.map_or_else(String::new, |value| value.to_string()))
    }
}
