use thiserror::Error;

/// A fault in a file of rules.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}: {reason}")]
pub struct RulesFileError {
    /// The file.
    pub file: String,
    /// The rule or fence, the key and what is wrong there.
    pub reason: String,
}

/// All faults in the rules.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", self.lines().join("; "))]
pub struct InvalidRules(pub Vec<RulesFileError>);

impl InvalidRules {
    /// Returns a line for each fault.
    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}
