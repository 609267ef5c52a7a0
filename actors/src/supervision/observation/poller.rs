use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::domain::UnixTime;
use crate::ports::{CadenceReason, SourceError};

/// What the Poller reports about itself and its source: the admin page shows all of it, `/api/v1/status` a part.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct PollerObservation {
    /// The state of the source.
    pub source: SourceState,
    /// When that state began.
    pub source_since: Option<UnixTime>,
    /// Why the source cannot be used, without details that are not public. The actor's last error has them.
    pub reason: Option<String>,
    /// Completed polls.
    pub polls: u64,
    /// Polls that failed.
    pub failed_polls: u64,
    /// When the newest valid response arrived, by this machine's clock.
    pub answered_at: Option<UnixTime>,
    /// The time in that response.
    pub response_time: Option<UnixTime>,
    /// The number of states in that response.
    pub states: usize,
    /// When a response last contained states.
    pub last_states_at: Option<UnixTime>,
    /// The number of its states that were published.
    pub changed: usize,
    /// The number of aircraft whose newest state is from this source.
    pub aircraft_held: usize,
    /// Its other states, by reason.
    pub passed_over: PassedOver,
    /// Bad rows in all responses.
    pub bad_rows: u64,
    /// Credits left, if the source reports them.
    pub credits_left: Option<u32>,
    /// The pause before the next poll.
    pub next_poll_seconds: f64,
    /// Why that pause is not shorter; `None` after a failed poll.
    pub next_poll_reason: Option<CadenceReason>,
    /// The time of the next poll; `None` while polling is paused.
    pub next_poll_at: Option<UnixTime>,
    /// Aircraft whose newest state, from any source, is remembered.
    pub aircraft_known: usize,
    /// States waiting in the KafkaProducer.
    pub held_by_producer: usize,
}

impl PollerObservation {
    pub(crate) fn set_source(&mut self, state: SourceState, reason: Option<String>) {
        if self.source != state {
            self.source = state;
            self.source_since = Some(UnixTime::now());
        }
        self.reason = reason;
    }
}

/// The number of rows of a response that were not published, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PassedOver {
    /// The same `last_contact` and values as the published state.
    pub unchanged: u64,
    /// A `last_contact` before that of the published state.
    pub older: u64,
    /// The address and `last_contact` of an earlier row of the response, with other values: two transmitters, such as
    /// ADS-B and FLARM, share the address.
    pub duplicate_address: u64,
    /// The `last_contact` of the published state, with other values: the source corrected it.
    pub revised: u64,
    /// The aircraft is reported by another source, with a higher priority or a newer state.
    pub other_source: u64,
}

impl PassedOver {
    /// Each reason with its count.
    pub(crate) fn by_reason(self) -> [(&'static str, u64); 5] {
        let Self { unchanged, older, duplicate_address, revised, other_source } = self;
        [
            ("unchanged", unchanged),
            ("older", older),
            ("duplicate_address", duplicate_address),
            ("revised", revised),
            ("other_source", other_source),
        ]
    }
}

/// The state of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum SourceState {
    /// Not polled yet.
    #[default]
    NotYetAsked,
    /// It answers with aircraft.
    Live,
    /// It answers, but reports no aircraft.
    Quiet,
    /// It answers, but its times stand still.
    Stale,
    /// It limits the request rate.
    RateLimited,
    /// It rejects the credentials or the request.
    Refused,
    /// It is down, slow or unreachable.
    Unavailable,
    /// Its responses are invalid.
    Malformed,
}

impl SourceState {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::NotYetAsked,
        Self::Live,
        Self::Quiet,
        Self::Stale,
        Self::RateLimited,
        Self::Refused,
        Self::Unavailable,
        Self::Malformed,
    ];

    /// Returns whether the newest poll got a valid response.
    pub fn has_answered(self) -> bool {
        matches!(self, Self::Live | Self::Quiet | Self::Stale)
    }

    /// The state as JSON and the metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotYetAsked => "not_yet_asked",
            Self::Live => "live",
            Self::Quiet => "quiet",
            Self::Stale => "stale",
            Self::RateLimited => "rate_limited",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Malformed => "malformed",
        }
    }
}

impl Serialize for SourceState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
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
