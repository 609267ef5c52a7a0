use std::fmt;

use thiserror::Error;

use super::{FromText, Unfit};
use crate::config::kind::Kind;

/// Text on one line, not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line(pub(crate) String);

impl FromText for Line {
    fn from_text(text: &str, _: Kind) -> Result<Self, Unfit> {
        if text.is_empty() {
            return Err(Unfit::because("it is empty"));
        }
        if text.chars().any(char::is_control) {
            return Err(Unfit::because("it has a line break or another control character"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The name of a Kafka topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic(String);

/// Why a text names no topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TopicError {
    /// It is empty, or longer than Kafka takes.
    #[error("it has {0} characters")]
    Length(usize),
    /// It is `.` or `..`.
    #[error("Kafka keeps . and .. for itself")]
    Dots,
    /// A character that Kafka does not take.
    #[error("Kafka takes no {0:?} in the name of a topic")]
    Character(char),
}

impl Topic {
    /// A topic's name by Kafka's own rules.
    ///
    /// # Errors
    /// What Kafka would refuse.
    pub fn new(name: &str) -> Result<Self, TopicError> {
        if let Some(c) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))) {
            return Err(TopicError::Character(c));
        }
        match name {
            "." | ".." => Err(TopicError::Dots),
            _ if name.is_empty() || name.len() > 249 => Err(TopicError::Length(name.len())),
            _ => Ok(Self(name.to_owned())),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromText for Topic {
    fn from_text(text: &str, _: Kind) -> Result<Self, Unfit> {
        Self::new(text).map_err(|error| Unfit(format!("{error}")))
    }
}
