use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::config::value::{InvalidValue, setting_value};

/// Declares types for settings that are paths.
macro_rules! path_values {
    ($($(#[$docs:meta])* $name:ident, $placeholder:literal, $expected:literal;)+) => {
        $(
            $(#[$docs])*
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $name(PathBuf);

            impl $name {
                /// Returns the path.
                pub fn path(&self) -> &Path {
                    &self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.display().fmt(f)
                }
            }

            impl FromStr for $name {
                type Err = InvalidValue;

                fn from_str(text: &str) -> Result<Self, InvalidValue> {
                    parse(text).map(Self)
                }
            }

            setting_value!($name: Text, $placeholder, $expected);
        )+
    };
}

path_values! {
    /// The path of a directory that the program creates if it does not exist.
    Directory, "DIRECTORY", "the path of a directory";
    /// The path of the aircraft table, which need not exist yet.
    TableFile, "TABLE", "the path of a file";
    /// The path of the file of rules that the server writes, which need not exist yet.
    EditedRulesFile, "RULES", "the path of a file";
}

fn parse(text: &str) -> Result<PathBuf, InvalidValue> {
    if text.is_empty() {
        return Err(InvalidValue::because("it is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidValue::because("it contains a line break or another control character"));
    }
    Ok(text.into())
}
