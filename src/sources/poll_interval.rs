use std::time::Duration;

/// The configured poll interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PollInterval {
    /// As often as the source allows. With a quota, the remaining quota is spread over the time until it is refilled.
    #[default]
    Auto,
    /// A fixed interval, whatever the quota. The source rejects polls that exceed it.
    Every(Duration),
}
