//! Supervises the actors: restarts them after a panic, and tracks the state of each and its changes.

pub(crate) mod backoff;
mod guardian;
pub(crate) mod in_flight;
mod journal;
mod name;
mod observation;
mod registry;
mod restart_policy;
mod restarts;
mod stalls;
mod status;
mod supervisor;
mod vitals;

pub use backoff::Backoff;
pub use journal::{Journal, JournalEntry, JournalEvent};
pub use name::{ActorName, Component, ConfiguredName, UnknownActor, WatchedPart};
pub use observation::{
    BufferObservation, DbWriterObservation, DetectorObservation, EndpointState, HubTotals, KafkaProducerObservation,
    LiveObservation, MergerObservation, NoObservation, NotifierObservation, Observation, PassedOver, PollerObservation,
    SourceState, SseHubObservation, StoreObservation,
};
pub use registry::ActorRegistry;
pub use restart_policy::{RestartDecision, RestartHistory, RestartPolicy};
pub use restarts::Restarts;
pub use stalls::{StallWatch, Stalls};
pub use status::{ActorStatus, LastError, Phase, Readiness, WatchedStatus};
pub use supervisor::{Failure, Supervisor};
pub use vitals::Vitals;
