use super::retry::RetryLimits;
use crate::notification::RuleFilter;

/// The settings of a [`Notifier`](super::Notifier).
#[derive(Clone, Debug)]
pub struct NotifierSettings {
    /// The endpoint's name.
    pub name: String,
    /// The kind of the endpoint.
    pub kind: &'static str,
    /// The rules whose alerts it receives.
    pub rules: RuleFilter,
    /// How long a notification is retried.
    pub retry: RetryLimits,
    /// Whether the queue is lost when this process ends, so that it must be delivered first.
    pub volatile: bool,
}
