use serde::Serialize;
use utoipa::ToSchema;

/// What the KafkaProducer reports about itself. Totals count from the start of the process.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct KafkaProducerObservation {
    /// States that Kafka acknowledged.
    pub published: u64,
    /// Dead letters that Kafka acknowledged.
    pub dead_letters: u64,
    /// Records of polls that Kafka acknowledged.
    pub polls: u64,
    /// Records of polls not acknowledged yet.
    pub polls_held: usize,
    /// Records of polls dropped because too many were waiting.
    pub polls_dropped: u64,
    /// Publications that failed and are retried.
    pub failed_tries: u64,
    /// States not acknowledged yet.
    pub held: usize,
    /// Their memory in bytes.
    pub held_bytes: usize,
    /// States dropped because they were too old or the backlog was full.
    pub dropped: u64,
}
