use std::time::Duration;

use rdkafka::error::KafkaResult;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

/// A Kafka broker inside this process: librdkafka's mock cluster, spoken to over TCP like any other.
///
/// It is volatile and bounded: it keeps about 5 MiB a partition and drops the oldest records silently, and everything is
/// gone when the process ends.
pub struct EmbeddedBroker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl EmbeddedBroker {
    /// Between two orders to the cluster's thread: it carries an order out first and clears the alarm that woke it
    /// second, so the alarm of an order that comes in between is lost, and the order waits for up to a second.
    const BETWEEN_ORDERS: Duration = Duration::from_millis(5);

    /// The most partitions a topic has here, since each one holds 5 MiB of memory for good.
    pub const MAX_PARTITIONS: i32 = 3;

    /// Starts a broker with these topics, each with its number of partitions.
    ///
    /// # Errors
    /// When librdkafka refuses: no port, no memory.
    pub fn start(topics: &[(&str, i32)]) -> KafkaResult<Self> {
        let cluster = MockCluster::new(1)?;
        for (topic, partitions) in topics {
            cluster.create_topic(topic, (*partitions).min(Self::MAX_PARTITIONS), 1)?;
            #[expect(clippy::disallowed_methods, reason = "at the start, before there are actors")]
            std::thread::sleep(Self::BETWEEN_ORDERS);
        }
        Ok(Self { cluster })
    }

    /// Where it listens, as `kafka.bootstrap_servers` would say.
    pub fn bootstrap_servers(&self) -> String {
        self.cluster.bootstrap_servers()
    }
}
