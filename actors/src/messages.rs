//! All actor messages, in the order in which the data flows.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use serde::Serialize;
use tokio::time::Instant;

use crate::batch::{Batch, DeadLetter, LogId, Position, Stored};
use crate::detect::Alert;
use crate::domain::{AddressBlock, BoundingBox, Icao24, PollRecord, Snapshot, StateVector, UnixTime};
use crate::event_stream::{Encoding, QueueReceiver};
use crate::ports::{DeliveryError, PublishError, StoreError};
use crate::supervision::PassedOver;

/// Poller → Merger: merge the states in a response of a source.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<Merged, ShuttingDown>")]
pub struct MergeStates {
    /// The index of the source in [`MergeRules::sources`](crate::merger::MergeRules::sources).
    pub source: usize,
    /// The response.
    pub snapshot: Arc<Snapshot>,
}

/// Confirms that the producer has taken the states that are new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// The number of states that were published.
    pub published: usize,
    /// The other states, by reason.
    pub passed_over: PassedOver,
    /// The number of aircraft whose newest state is from this source.
    pub aircraft_held: usize,
    /// The number of aircraft whose newest state is remembered.
    pub aircraft_known: usize,
    /// States not yet acknowledged by Kafka.
    pub held_by_producer: usize,
}

/// The process shuts down before the states were passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShuttingDown;

/// Merger → KafkaProducer: publish the states that are new.
#[derive(Clone, Debug, Default, Message)]
#[rtype(result = "Accepted")]
pub struct PublishStates {
    /// The changed states, published in this order.
    pub states: Vec<Arc<StateVector>>,
}

/// Confirms that the producer has taken the states and will publish them. States that did not fit are counted as
/// dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, MessageResponse)]
pub struct Accepted {
    /// The number of states not yet acknowledged by the broker.
    pub held: usize,
    /// The total number of states dropped because they were too old or did not fit into the backlog.
    pub dropped: u64,
}

/// Poller → KafkaProducer: publish records of polls. The reply says that the producer has taken them; the oldest are
/// dropped if too many wait.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct PublishPolls(pub Vec<PollRecord>);

/// KafkaConsumer or DbWriter → KafkaProducer: publish records that could not be processed. The reply is sent after the
/// broker has acknowledged them.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), PublishError>")]
pub struct PublishDeadLetters(pub Vec<DeadLetter>);

/// KafkaConsumer → DbWriter: return the stored positions of these partitions.
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<Position>, StoreError>")]
pub struct FindPositions {
    /// The log of the partitions.
    pub log: LogId,
    /// The partition numbers.
    pub partitions: Vec<i32>,
}

/// KafkaConsumer → DbWriter: store this batch and advance its positions, in one transaction.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<Stored, StoreError>")]
pub struct StoreBatch(pub Arc<Batch>);

/// KafkaConsumer → SseHub: apply this batch to the live picture.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Shown")]
pub struct ShowBatch(pub Arc<Batch>);

/// KafkaConsumer → SseHub: these alerts are active, and no others.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct ShowAlerts(pub Vec<Alert>);

/// Confirms that the batch is in the live picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, MessageResponse)]
pub struct Shown {
    /// Changes when the hub restarts with an empty picture. All earlier batches must then be sent again.
    pub epoch: u64,
}

/// HTTP → SseHub: subscribe a client to changes.
#[derive(Debug, Message)]
#[rtype(result = "Result<Joined, TooManyClients>")]
pub struct Join {
    /// The client's address, for the limit of clients per address.
    pub address: AddressBlock,
    /// The content encoding of the stream.
    pub encoding: Encoding,
    /// The requested stream.
    pub stream: RequestedStream,
}

/// The stream that a client requests.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestedStream {
    /// `/sse/flights`: every newer state from now on.
    Telemetry,
    /// `/api/v1/stream`: the live picture, then its changes.
    Stream {
        /// The requested aircraft. The client receives all aircraft of the tiles that cover the scope.
        scope: Scope,
        /// The `id` of the last event that the client received.
        last_event_id: Option<String>,
    },
}

/// A client's subscription. Dropping it unsubscribes the client.
#[derive(Debug)]
pub struct Joined {
    /// The encoded frames of the event stream. The queue ends when the hub disconnects the client.
    pub frames: QueueReceiver,
}

/// The hub accepts no more clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooManyClients {
    /// `sse.max_clients` are connected.
    Total,
    /// `sse.max_clients_per_address` are connected from this address.
    PerAddress,
}

/// HTTP → SseHub: return the live picture, or the part of it within a scope.
#[derive(Clone, Debug, Default, Message)]
#[rtype(result = "View")]
pub struct GetPicture {
    /// The requested aircraft.
    pub scope: Scope,
    /// The version that the client holds. If it is still current, the reply contains no states.
    pub known: Option<Version>,
}

/// The version of the live picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// Changes with each restart of the hub.
    pub epoch: u32,
    /// Changes with each change of the picture.
    pub sequence: u64,
}

/// A selection of aircraft. The default scope is the whole world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// Selects aircraft with a position in this box.
    pub bounding_box: Option<BoundingBox>,
    /// Selects aircraft with one of these addresses; an empty set selects all.
    pub icao24: HashSet<Icao24>,
}

impl Scope {
    /// Returns whether a state is in the scope. A state without a position is in no bounding box.
    pub fn contains(&self, state: &StateVector) -> bool {
        let in_box = self.bounding_box.is_none_or(|bounding_box| match (state.lat, state.lon) {
            (Some(lat), Some(lon)) => bounding_box.contains(lat, lon),
            _ => false,
        });
        in_box && (self.icao24.is_empty() || self.icao24.contains(&state.icao24))
    }
}

/// The newest state of each aircraft in a scope, ordered by address.
#[derive(Clone, Debug, Default, MessageResponse)]
pub struct View {
    /// The version of the whole picture.
    pub version: Version,
    /// The newest response time of any state applied to the picture so far; `None` before the first one.
    pub observed_at: Option<UnixTime>,
    /// The number of states received since the start of the process.
    pub received: u64,
    /// The states; `None` if the client already holds this version.
    pub states: Option<Vec<Arc<StateVector>>>,
}

/// HTTP → Poller: pause or resume polling.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct SetPolling(pub Polling);

/// Whether the Poller polls its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Polling {
    /// Polls as often as the credits allow.
    #[default]
    Active,
    /// Does not poll until resumed. The response to a poll in flight is still used.
    Paused,
}

/// Operator → Notifier: send a test message to the endpoint now.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "TestedEndpoint")]
pub struct TestEndpoint;

/// The outcome of a test message.
#[derive(Clone, Debug, PartialEq, Eq, MessageResponse)]
pub struct TestedEndpoint {
    /// The id of the notification that was sent.
    pub id: String,
    /// Whether the endpoint accepted it.
    pub result: Result<(), DeliveryError>,
    /// How long that took.
    pub duration: Duration,
}

/// Shutdown → any actor: finish the operations in flight, then reply. Actors are drained in the order of the data
/// flow, starting at the source.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Drained")]
pub struct Drain {
    /// The caller stops waiting for the reply at this time.
    pub deadline: Instant,
}

/// The result of draining an actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, MessageResponse)]
pub struct Drained {
    /// The number of states that were not passed on; 0 after a clean shutdown.
    pub left: usize,
}

/// HTTP → any actor, only in builds with `fault-injection`: panic in the handler.
#[cfg(feature = "fault-injection")]
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct InjectPanic;
