//! What the actors report about themselves, one file per actor. These types are separate from the actors, which depend
//! on this module, so that the vitals can contain any of them.

mod db_writer;
mod detector;
mod kafka_consumer;
mod kafka_producer;
mod merger;
mod notifier;
mod poller;
mod sse_hub;

use serde::Serialize;
use utoipa::ToSchema;

pub use db_writer::DbWriterObservation;
pub use detector::DetectorObservation;
pub use kafka_consumer::{BufferObservation, LiveObservation, StoreObservation};
pub use kafka_producer::KafkaProducerObservation;
pub use merger::MergerObservation;
pub use notifier::{EndpointState, NotifierObservation};
pub use poller::{PassedOver, PollerObservation, SourceState};
pub use sse_hub::{HubTotals, SseHubObservation};

/// The actor has not started yet.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoObservation {}

/// What an actor last reported about its work. In JSON it is a plain object, without a tag.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each variant is named after its actor")]
pub enum Observation {
    NotStarted(NoObservation),
    Poller(PollerObservation),
    Merger(MergerObservation),
    KafkaProducer(KafkaProducerObservation),
    StoreConsumer(StoreObservation),
    DbWriter(DbWriterObservation),
    LiveConsumer(LiveObservation),
    SseHub(SseHubObservation),
    Detector(DetectorObservation),
    Notifier(NotifierObservation),
}
