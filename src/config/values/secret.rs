use std::fmt;
use std::str::FromStr;

use crate::config::value::{InvalidValue, MASK, SettingValue, setting_value};

/// A text that is hidden by `Debug` and `Display`.
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// Creates a secret from a text.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the secret in clear text.
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

impl FromStr for Secret {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        String::parse(text, &()).map(Self::new)
    }
}

setting_value!(Secret: Text, "TEXT", "text on one line", Secret);
