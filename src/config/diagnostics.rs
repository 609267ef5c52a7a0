use std::fmt;

use thiserror::Error;

/// All problems of the configuration, to be reported together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ConfigError(pub Vec<ConfigProblem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems = if self.0.len() == 1 { "a problem" } else { "problems" };
        write!(f, "the configuration has {problems}:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// A problem of the configuration. Secrets are already masked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigProblem {
    /// The file does not exist, cannot be read, or is invalid YAML. The reason contains the line number.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// The cause.
        reason: String,
    },
    /// A key that is unknown, has an invalid value or contradicts another.
    #[error("{key} = {value} ({origin}): {reason}")]
    Key {
        /// The dotted path of the key.
        key: String,
        /// The value.
        value: String,
        /// Where the value comes from.
        origin: String,
        /// What is wrong and what to do.
        reason: String,
    },
}

/// The problems found while reading, and the warnings, which do not prevent a start.
#[derive(Clone, Debug, Default)]
pub(super) struct Diagnostics {
    pub(super) problems: Vec<ConfigProblem>,
    pub(super) warnings: Vec<String>,
}

impl Diagnostics {
    /// Adds a problem of a key.
    pub(super) fn problem(
        &mut self,
        key: impl Into<String>,
        value: String,
        origin: impl Into<String>,
        reason: impl Into<String>,
    ) {
        let (key, origin, reason) = (key.into(), origin.into(), reason.into());
        self.problems.push(ConfigProblem::Key { key, value, origin, reason });
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.problems.append(&mut other.problems);
        self.warnings.append(&mut other.warnings);
    }
}
