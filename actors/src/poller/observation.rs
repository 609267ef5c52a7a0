use serde::{Deserialize, Serialize};

use super::change_filter::PassedOver;
use crate::domain::UnixTime;
use crate::ports::SourceError;

/// What the Poller says about itself and the source: the admin page shows all of it, `/api/v1/status` a part.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PollerObservation {
    /// The state of the source.
    pub source: SourceState,
    /// The start of that state.
    pub source_since: Option<UnixTime>,
    /// Why the source cannot be used, in words for everybody; the details are in the actor's last error.
    pub reason: Option<String>,
    /// Polls that were answered or failed.
    pub polls: u64,
    /// Polls that failed.
    pub failed_polls: u64,
    /// When the newest good answer came, by this machine's clock.
    pub answered_at: Option<UnixTime>,
    /// The time that this answer gave.
    pub response_time: Option<UnixTime>,
    /// How many states this answer held.
    pub states: usize,
    /// When an answer last held any.
    pub last_states_at: Option<UnixTime>,
    /// The states of the newest good answer that were news.
    pub changed: usize,
    /// Its other states, by reason.
    pub passed_over: PassedOver,
    /// Bad rows of all answers.
    pub bad_rows: u64,
    /// Credits that are left, where the source says so.
    pub credits_left: Option<u32>,
    /// The pause before the next poll.
    pub next_poll_seconds: f64,
    /// The time of the next poll; `None` while polling is paused.
    pub next_poll_at: Option<UnixTime>,
    /// Aircraft whose newest state is remembered.
    pub aircraft_known: usize,
    /// States that wait in the producer.
    pub held_by_producer: usize,
}

/// The state of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the variants of `SourceError`, and the two states without one")]
pub enum SourceState {
    #[default]
    NotYetAsked,
    Live,
    RateLimited,
    Refused,
    Unavailable,
    Malformed,
}

impl SourceState {
    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotYetAsked => "not_yet_asked",
            Self::Live => "live",
            Self::RateLimited => "rate_limited",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Malformed => "malformed",
        }
    }
}

impl From<&SourceError> for SourceState {
    fn from(error: &SourceError) -> Self {
        match error {
            SourceError::Refused(_) => Self::Refused,
            SourceError::RateLimited { .. } => Self::RateLimited,
            SourceError::Unavailable(_) => Self::Unavailable,
            SourceError::Malformed(_) => Self::Malformed,
        }
    }
}

impl PollerObservation {
    pub(super) fn source(&mut self, state: SourceState, reason: Option<String>) {
        if self.source != state {
            self.source = state;
            self.source_since = Some(UnixTime::now());
        }
        self.reason = reason;
    }
}
