use thiserror::Error;

/// A fault in the rules.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {reason}")]
pub struct RuleError {
    /// The rule or fence, and the key, such as `rule low-over-home: when.altitude`.
    pub place: String,
    /// What is wrong there.
    pub reason: String,
}

impl RuleError {
    pub(super) fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into() }
    }
}
