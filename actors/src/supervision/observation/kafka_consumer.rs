use serde::Serialize;
use utoipa::ToSchema;

/// What a storing KafkaConsumer, or one that writes to a sink, reports about itself. Totals count from the start of the process.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct StoreObservation {
    /// The partitions that it reads.
    pub partitions: Vec<i32>,
    /// Records that were stored, or cannot be.
    pub records: u64,
    /// Records that cannot be stored. The storing consumer publishes them as dead letters; a sink skips them.
    pub dead_letters: u64,
    /// Batch parts that another writer had stored before.
    pub fenced: u64,
    /// Offsets that Kafka had deleted before they were read.
    pub lost_offsets: u64,
    /// Records on Kafka that are not stored yet.
    pub lag: Option<u64>,
    /// What a sink that buffers has read and not written yet; `null` if each record is written at once.
    pub buffer: Option<BufferObservation>,
}

/// What a sink holds in memory, and what it has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct BufferObservation {
    /// Records in memory that are not in a file yet.
    pub records: u64,
    /// The time of the oldest of them in Kafka, in Unix seconds.
    pub oldest: Option<i64>,
    /// Files written.
    pub files: u64,
    /// State vectors in these files.
    pub rows: u64,
    /// The total size of these files in bytes.
    pub bytes: u64,
    /// When the last file was written, in Unix seconds.
    pub last_flush: Option<i64>,
}

/// What the live KafkaConsumer reports about itself. Totals count from the start of the process.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct LiveObservation {
    /// The number of partitions that it reads.
    pub partitions: usize,
    /// Records that the SseHub received.
    pub records: u64,
    /// Offsets that Kafka had deleted before they were read.
    pub lost_offsets: u64,
    /// The number of times that it reread its window for a restarted SseHub.
    pub rewinds: u64,
    /// Records on Kafka that the SseHub has not received yet.
    pub lag: Option<u64>,
}
