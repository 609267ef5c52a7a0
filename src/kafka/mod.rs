//! Kafka, real or embedded: one producer and two kinds of consumer behind the actors' ports.

mod causes;
mod client;
mod cluster;
pub mod codec;
mod consumer;
mod dead_letters;
mod embedded;
mod gathering;
mod producer;
mod properties;
mod rebalances;
mod topics;

pub use cluster::{KafkaCluster, KafkaOptions};
pub use consumer::{KafkaSubscription, Membership};
pub use dead_letters::{DeadLetterBox, FoundLetter, ReadFrom};
pub use embedded::EmbeddedBroker;
pub use producer::KafkaPublisher;
pub use properties::{check_properties, check_property};
