use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::UnixTime;

/// What the Notifier of an endpoint reports about itself. Totals count from the start of the process.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct NotifierObservation {
    /// The kind of the endpoint.
    pub kind: String,
    /// Whether the endpoint accepts notifications.
    pub state: EndpointState,
    /// When it entered that state, in Unix seconds.
    pub state_since: UnixTime,
    /// Why it does not accept notifications.
    pub reason: Option<String>,
    /// The partitions of the topic of alerts that this process delivers.
    pub partitions: usize,
    /// Records that were read and not delivered yet. More may wait on Kafka.
    pub waiting: usize,
    /// When the oldest of them was published, in Unix seconds.
    pub oldest_waiting: Option<UnixTime>,
    /// Delivered notifications.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed_tries: u64,
    /// Notifications that could not be delivered and became dead letters.
    pub dead_letters: u64,
    /// Records that are not delivered on purpose: those of other rules, and tombstones.
    pub passed_over: u64,
}

/// Whether an endpoint accepts notifications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    /// It accepts them, or there were none yet.
    #[default]
    Delivering,
    /// It is unavailable; deliveries are retried.
    Retrying,
    /// It refuses the address or the credentials; the operator must act. Deliveries are retried.
    Refused,
}

impl NotifierObservation {
    /// Enters a state, unless it is in that state already.
    pub(crate) fn enter(&mut self, state: EndpointState, now: UnixTime) {
        if self.state != state {
            self.state = state;
            self.state_since = now;
        }
    }
}
