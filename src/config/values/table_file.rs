use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::config::value::{InvalidValue, setting_value};

/// The path of the aircraft table, which need not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFile(PathBuf);

impl TableFile {
    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for TableFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl FromStr for TableFile {
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

setting_value!(TableFile: Text, "TABLE", "the path of a file");
