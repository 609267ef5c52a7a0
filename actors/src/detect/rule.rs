use std::fmt;

use crate::domain::StateVector;

/// A condition that raises an alert while an aircraft meets it.
///
/// Rules are stateless: [`super::AlertWatch`] tracks the active alerts and limits their number.
pub trait Rule: fmt::Debug + Sync {
    /// The rule's name in alerts, logs and docs, such as `emergency-squawk`. It is unique among the rules.
    fn name(&self) -> &'static str;

    /// Evaluates one state. It is called for every new state, so it must be cheap.
    fn evaluate(&self, state: &StateVector) -> Verdict;
}

/// The result of evaluating a rule on a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The condition is met. The text describes it and must not contain values that change with every state: a
    /// different text ends the alert and starts another one.
    Met(&'static str),
    /// The condition is not met.
    NotMet,
    /// The state lacks the required fields. An active alert stays active.
    Unknown,
}
