use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::config::value::{InvalidValue, setting_value};

/// The paths of files of rules, and of folders with such files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesFiles(Vec<PathBuf>);

impl RulesFiles {
    /// Returns the paths.
    pub fn paths(&self) -> &[PathBuf] {
        &self.0
    }
}

impl fmt::Display for RulesFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.0.iter().map(|path| path.display().to_string()).collect();
        f.write_str(&paths.join(","))
    }
}

impl FromStr for RulesFiles {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text.chars().any(char::is_control) {
            return Err(InvalidValue::because("it contains a line break or another control character"));
        }
        Ok(Self(text.split(',').map(str::trim).filter(|path| !path.is_empty()).map(PathBuf::from).collect()))
    }
}

setting_value!(RulesFiles: List, "PATH,…", "paths of files or folders, separated by commas or as a list");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_separated_by_commas() {
        let files: RulesFiles = "rules, /etc/rules.yaml,".parse().unwrap();
        assert_eq!(files.paths(), [PathBuf::from("rules"), PathBuf::from("/etc/rules.yaml")]);
        assert_eq!(files.to_string(), "rules,/etc/rules.yaml");
        assert_eq!("".parse(), Ok(RulesFiles::default()));
        assert!("a\nb".parse::<RulesFiles>().is_err());
    }
}
