use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::config::value::{InvalidValue, setting_value};

/// The name of a Kafka topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic(Arc<str>);

impl From<&Topic> for Arc<str> {
    fn from(topic: &Topic) -> Self {
        Self::clone(&topic.0)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Topic {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if let Some(c) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))) {
            return Err(InvalidValue::because(format_args!("a topic name cannot contain {c:?}")));
        }
        match text {
            "." | ".." => Err(InvalidValue::because("Kafka reserves the names . and ..")),
            _ if text.is_empty() || text.len() > 249 => {
                Err(InvalidValue::because(format_args!("it has {} characters", text.len())))
            }
            _ => Ok(Self(text.into())),
        }
    }
}

setting_value!(Topic: Text, "TOPIC", "1 to 249 of the characters a-z A-Z 0-9 . _ -");
