use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use actors::domain::BoundingBox;
use url::Url;

use super::Problem;
use super::error::show_value;
use super::keys::Key;
use super::kind::Kind;
use super::values::{
    AllowedOrigins, Brokers, ByteSize, FromText, Host, KafkaProperties, Line, Networks, PollInterval, Roles, Secret,
    SecretUrl, Topic, Unfit, split_properties,
};

/// Whether a text would do as a key's value, by itself; `origin` is for the problem.
///
/// # Errors
/// As [`Settings::load`](super::Settings::load) would have it.
pub fn check_value(key: &Key, text: &str, origin: &str) -> Result<(), Problem> {
    let text = text.trim();
    if text.is_empty() && key.optional() {
        return Ok(());
    }
    fits(key.kind, text).map_err(|unfit| Problem::Value {
        key: key.path.to_owned(),
        value: show_value(key, text),
        origin: origin.to_owned(),
        reason: unfit.of_text(text),
        expected: key.expected(),
    })
}

fn fits(kind: Kind, text: &str) -> Result<(), Unfit> {
    match kind {
        Kind::Text => Line::from_text(text, kind).map(drop),
        Kind::Secret { .. } => Secret::from_text(text, kind).map(drop),
        Kind::Path => PathBuf::from_text(text, kind).map(drop),
        Kind::HttpUrl => Url::from_text(text, kind).map(drop),
        Kind::DatabaseUrl => SecretUrl::from_text(text, kind).map(drop),
        Kind::Host => Host::from_text(text, kind).map(drop),
        Kind::Port => u16::from_text(text, kind).map(drop),
        Kind::Whole { .. } => NonZeroU32::from_text(text, kind).map(drop),
        Kind::Duration { .. } => Duration::from_text(text, kind).map(drop),
        Kind::PollInterval { .. } => PollInterval::from_text(text, kind).map(drop),
        Kind::Bytes { .. } => ByteSize::from_text(text, kind).map(drop),
        Kind::BoundingBox => BoundingBox::from_text(text, kind).map(drop),
        Kind::Servers => Brokers::from_text(text, kind).map(drop),
        Kind::Topic => Topic::from_text(text, kind).map(drop),
        Kind::Origins => AllowedOrigins::from_text(text, kind).map(drop),
        Kind::Networks => Networks::from_text(text, kind).map(drop),
        Kind::Properties => {
            let mut properties = KafkaProperties::default();
            split_properties(text)?.iter().try_for_each(|(name, value)| properties.insert(name, value))
        }
        Kind::Roles => Roles::from_text(text, kind).map(drop),
    }
}
