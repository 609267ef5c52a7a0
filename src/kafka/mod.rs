//! Kafka, real or embedded: implements the actors' ports with one producer and two kinds of consumer.

mod alerts;
mod batch_assembler;
mod blocking;
mod causes;
mod client;
mod cluster;
pub mod codec;
mod consumer;
mod dead_letters;
mod delivery_reports;
mod delivery_watchdog;
mod embedded;
mod end_watch;
mod latest;
mod membership;
mod options;
mod producer;
mod properties;
mod rebalances;
mod record;
mod schemas;
mod silence;
mod topics;

pub use alerts::{EmbeddedAlerts, SharedGroup, TransactionalAlerts};
pub use cluster::KafkaCluster;
pub use consumer::KafkaSubscription;
pub use dead_letters::{DeadLetterReader, FoundLetter, ReadFrom};
pub use embedded::EmbeddedBroker;
pub use latest::{LatestContent, LatestTopic};
pub use membership::Membership;
pub use options::KafkaOptions;
pub use producer::KafkaPublisher;
pub use properties::{check_properties, check_property};
pub use record::SCHEMA_VERSION;
pub use schemas::schemas;
