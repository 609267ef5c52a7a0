//! Every message, in the order in which the data flows.

use std::collections::HashSet;
use std::sync::Arc;

use actix::prelude::*;
use serde::Serialize;
use tokio::time::Instant;

use crate::batch::{Batch, DeadLetter, LogId, Position, Stored};
use crate::detect::Alert;
use crate::domain::{AddressBlock, BoundingBox, Icao24, StateVector, UnixTime};
use crate::event_stream::{Encoding, QueueReceiver};
use crate::ports::{PublishError, StoreError};

/// Poller → KafkaProducer: what is new since the last poll.
#[derive(Clone, Debug, Default, Message)]
#[rtype(result = "Accepted")]
pub struct PublishStates {
    /// The states that changed, to be published in this order.
    pub states: Vec<Arc<StateVector>>,
    /// The alerts that began with them.
    pub alerts: Vec<Alert>,
}

/// The producer holds the states and will publish them; those it had no room for are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, MessageResponse)]
pub struct Accepted {
    /// States held and not yet acknowledged by the broker.
    pub held: usize,
    /// States dropped to make room, in all.
    pub dropped: u64,
}

/// KafkaConsumer or DbWriter → KafkaProducer: records that nobody could use. The answer comes once the broker has them.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), PublishError>")]
pub struct PublishDeadLetters(pub Vec<DeadLetter>);

/// KafkaConsumer → DbWriter: how far were these partitions stored?
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<Position>, StoreError>")]
pub struct FindPositions {
    /// The log they belong to.
    pub log: LogId,
    /// Their numbers.
    pub partitions: Vec<i32>,
}

/// KafkaConsumer → DbWriter: store this and advance the positions, in one transaction.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<Stored, StoreError>")]
pub struct StoreBatch(pub Arc<Batch>);

/// KafkaConsumer → SseHub: show this.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Shown")]
pub struct ShowBatch(pub Arc<Batch>);

/// The batch is in the live picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, MessageResponse)]
pub struct Shown {
    /// Changes when the hub was restarted with an empty picture: what was shown before must be shown again.
    pub epoch: u64,
}

/// HTTP → SseHub: a browser wants to be told what changes.
#[derive(Debug, Message)]
#[rtype(result = "Result<Joined, Full>")]
pub struct Join {
    /// Who asks, for the limit of clients an address.
    pub address: AddressBlock,
    /// The form in which the stream's bytes are wanted.
    pub encoding: Encoding,
    /// What is asked for.
    pub wanted: Wanted,
}

/// What a client of the hub asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// `/sse/flights`: every newer state from now on.
    Telemetry,
    /// `/api/v1/stream`: the picture, and what changes in it.
    Stream {
        /// Of which aircraft; the client gets those of whole cells.
        scope: Scope,
        /// The `id` of the last event that the client has.
        last_event_id: Option<String>,
    },
}

/// A client's place in the hub. Dropping it leaves.
#[derive(Debug)]
pub struct Joined {
    /// Ready-made pieces of an event stream; its end is the hub's goodbye.
    pub frames: QueueReceiver,
}

/// The hub takes no more clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// `sse.max_clients` are connected.
    Clients,
    /// `sse.max_clients_per_address` are connected from this address.
    Address,
}

/// HTTP → SseHub: the live picture, or the part of it within a scope.
#[derive(Clone, Debug, Default, Message)]
#[rtype(result = "View")]
pub struct Look {
    /// Which part.
    pub scope: Scope,
    /// The version that the client has: the states are left out when it is still the present one.
    pub known: Option<Version>,
}

/// A version of the live picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// Changes with every restart.
    pub epoch: u32,
    /// Changes with every change.
    pub sequence: u64,
}

/// Which aircraft are meant; an empty scope is the world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// Those with a position in this box.
    pub bounding_box: Option<BoundingBox>,
    /// Those with one of these addresses, where there are any.
    pub icao24: HashSet<Icao24>,
}

impl Scope {
    /// Whether a state belongs to it. An aircraft without a position is in no box.
    pub fn contains(&self, state: &StateVector) -> bool {
        let in_box = self.bounding_box.is_none_or(|bounding_box| match (state.lat, state.lon) {
            (Some(lat), Some(lon)) => bounding_box.contains(lat, lon),
            _ => false,
        });
        in_box && (self.icao24.is_empty() || self.icao24.contains(&state.icao24))
    }
}

/// The newest state of each aircraft, ordered by address.
#[derive(Clone, Debug, Default, MessageResponse)]
pub struct View {
    /// Of the whole picture.
    pub version: Version,
    /// The newest response time that any of the picture's states came from; `None` while there is none.
    pub observed_at: Option<UnixTime>,
    /// The states; `None` when the client has them.
    pub states: Option<Vec<Arc<StateVector>>>,
}

/// HTTP → Poller: ask the source, or leave it alone, from now on.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct SetPolling(pub Polling);

/// Whether the source is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Polling {
    /// As often as its credits allow.
    #[default]
    Active,
    /// Not until it is to be asked again; what it is answering already is still used.
    Paused,
}

/// Shutdown → any actor: finish the operations in flight, then reply. Sent source first.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Drained")]
pub struct Drain {
    /// The reply is useless after this time.
    pub deadline: Instant,
}

/// What a drained actor left unfinished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, MessageResponse)]
pub struct Drained {
    /// States that it did not pass on; 0 is a clean end.
    pub left: usize,
}

/// HTTP → any actor, in builds with `fault-injection` only: panic while handling this.
#[cfg(feature = "fault-injection")]
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct InjectPanic;
