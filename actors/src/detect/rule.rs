use std::fmt;

use crate::domain::StateVector;

/// A condition that raises an alert while an aircraft meets it.
///
/// A rule keeps no state: [`super::AlertWatch`] knows which alerts are active, and bounds them.
pub trait Rule: fmt::Debug + Sync {
    /// Names the rule in alerts, logs and docs, such as `emergency-squawk`; unique among the rules.
    fn name(&self) -> &'static str;

    /// Decides on one state. It is called for every state that is new, so it must be cheap.
    fn judge(&self, state: &StateVector) -> Verdict;
}

/// What a state says about a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The condition holds. The text says which one, without values that change from state to state: a different text ends
    /// the alert and starts another one.
    Met(&'static str),
    /// The condition does not hold.
    NotMet,
    /// The state lacks the fields to tell: an active alert stays active.
    Unknown,
}
