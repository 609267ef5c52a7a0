use std::time::Duration;

/// The configured poll interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PollInterval {
    /// As often as the source allows; with a quota, as what is left of it lasts until its refill.
    #[default]
    Auto,
    /// A fixed interval, whatever the quota; the source refuses polls that it does not cover.
    Every(Duration),
}
