use std::time::Duration;

use rdkafka::error::KafkaResult;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

/// A Kafka broker inside this process: librdkafka's mock cluster, reached over TCP like any other.
///
/// It is volatile and bounded: it keeps about 5 MiB per partition, silently drops the oldest records, and loses
/// everything when the process ends.
pub struct EmbeddedBroker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl EmbeddedBroker {
    /// The pause between two commands to the mock cluster. Its thread executes a command first and clears the wake-up
    /// that announced it second. The wake-up of a command that arrives in between is lost, and that command waits for
    /// up to a second.
    const COMMAND_INTERVAL: Duration = Duration::from_millis(5);

    /// The maximum number of partitions of a topic. Each partition permanently takes 5 MiB of memory.
    pub const MAX_PARTITIONS: i32 = 3;

    /// Starts a broker with these topics, given as names and partition counts.
    ///
    /// # Errors
    /// librdkafka fails to start the cluster, for example because no port or no memory is available.
    pub fn start(topics: &[(&str, i32)]) -> KafkaResult<Self> {
        let cluster = MockCluster::new(1)?;
        for (topic, partitions) in topics {
            cluster.create_topic(topic, (*partitions).min(Self::MAX_PARTITIONS), 1)?;
            #[expect(clippy::disallowed_methods, reason = "runs at startup, before the actors")]
            std::thread::sleep(Self::COMMAND_INTERVAL);
        }
        Ok(Self { cluster })
    }

    /// Returns the broker's address in the format of `kafka.bootstrap_servers`.
    pub fn bootstrap_servers(&self) -> String {
        self.cluster.bootstrap_servers()
    }
}
