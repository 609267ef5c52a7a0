use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::config::value::{InvalidValue, setting_value};

/// The path of a directory that the program creates if it does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory(PathBuf);

impl Directory {
    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl FromStr for Directory {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text.is_empty() {
            return Err(InvalidValue::because("it is empty"));
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidValue::because("it contains a line break or another control character"));
        }
        Ok(Self(text.into()))
    }
}

setting_value!(Directory: Text, "DIRECTORY", "the path of a directory");
