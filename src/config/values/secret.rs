use std::fmt;

use super::{FromText, Unfit};
use crate::config::kind::Kind;

/// A text that neither `Debug` nor `Display` shows.
#[derive(Clone)]
pub struct Secret(Box<str>);

/// What stands in a secret's place.
pub(crate) const MASK: &str = "***";

impl Secret {
    /// Takes a text as a secret.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one who needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl FromText for Secret {
    fn from_text(text: &str, kind: Kind) -> Result<Self, Unfit> {
        if text.chars().any(char::is_control) {
            return Err(Unfit::because("it has a line break or another control character"));
        }
        if let Kind::Secret { min_chars } = kind {
            if text.chars().count() < min_chars {
                return Err(Unfit(format!("it has {} characters", text.chars().count())));
            }
            // More than one character: a bearer token, which travels in a header.
            if min_chars > 1 && !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Unfit::because("it has a blank or a character outside ASCII"));
            }
        }
        Ok(Self::new(text))
    }
}
