use std::fmt;
use std::time::Duration;

pub use crate::sources::PollInterval;

use super::{FromText, Unfit, show_duration};
use crate::config::kind::Kind;

impl fmt::Display for PollInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Every(interval) => f.write_str(&show_duration(*interval)),
        }
    }
}

impl FromText for PollInterval {
    fn from_text(text: &str, kind: Kind) -> Result<Self, Unfit> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => Duration::from_text(text, kind).map(Self::Every),
        }
    }
}
