use std::num::NonZeroU16;
use std::time::Duration;

use super::Rows;
use crate::config::reader::Reader;
use crate::config::values::{Brokers, ByteSize, KafkaProperties, Line, Shown, Topic, show_duration};

/// `kafka`: the log between the parts.
#[derive(Clone, Debug)]
pub struct KafkaSettings {
    /// Which Kafka.
    pub brokers: Brokers,
    /// The topic of the state vectors.
    pub topic_raw: Topic,
    /// The topic of what could not be read; another one.
    pub topic_dead_letter: Topic,
    /// The topic of the alerts; another one.
    pub topic_alerts: Topic,
    /// Partitions of a topic that is made at start.
    pub partitions: NonZeroU16,
    /// Replicas of a topic that is made at start.
    pub replication_factor: NonZeroU16,
    /// The consumer group of the storing consumers.
    pub group_id: String,
    /// Passed to librdkafka as it is.
    pub properties: KafkaProperties,
    /// How much is held back while Kafka is away.
    pub max_held: ByteSize,
    /// How old something held back may become.
    pub max_held_age: Duration,
}

impl KafkaSettings {
    pub(in crate::config) fn read(reader: &mut Reader) -> Option<Self> {
        let brokers = reader.read("kafka.bootstrap_servers");
        let topic_raw: Option<Topic> = reader.read("kafka.topic_raw");
        let topic_dead_letter: Option<Topic> = reader.read("kafka.topic_dead_letter");
        let topic_alerts: Option<Topic> = reader.read("kafka.topic_alerts");
        if topic_raw.is_some() && topic_raw == topic_dead_letter {
            reader.conflict("kafka.topic_dead_letter", "kafka.topic_raw is the same topic; expected another one");
        }
        for (key, other) in [("kafka.topic_raw", &topic_raw), ("kafka.topic_dead_letter", &topic_dead_letter)] {
            if topic_alerts.is_some() && topic_alerts == *other {
                reader.conflict("kafka.topic_alerts", &format!("{key} is the same topic; expected another one"));
            }
        }
        let partitions = reader.read("kafka.partitions");
        let replication_factor = reader.read("kafka.replication_factor");
        let group_id = reader.read::<Line>("kafka.group_id");
        let properties = reader.properties("kafka.properties");
        let max_held = reader.read("kafka.max_held");
        let max_held_age = reader.read("kafka.max_held_age");
        Some(Self {
            brokers: brokers?,
            topic_raw: topic_raw?,
            topic_dead_letter: topic_dead_letter?,
            topic_alerts: topic_alerts?,
            partitions: partitions?,
            replication_factor: replication_factor?,
            group_id: group_id?.0,
            properties: properties?,
            max_held: max_held?,
            max_held_age: max_held_age?,
        })
    }

    pub(in crate::config) fn rows(&self) -> Rows {
        vec![
            ("kafka.bootstrap_servers", Shown::text(&self.brokers)),
            ("kafka.topic_raw", Shown::text(&self.topic_raw)),
            ("kafka.topic_dead_letter", Shown::text(&self.topic_dead_letter)),
            ("kafka.topic_alerts", Shown::text(&self.topic_alerts)),
            ("kafka.partitions", Shown::text(&self.partitions)),
            ("kafka.replication_factor", Shown::text(&self.replication_factor)),
            ("kafka.group_id", Shown::text(&self.group_id)),
            ("kafka.properties", Shown::Map(self.properties.show())),
            ("kafka.max_held", Shown::text(&self.max_held)),
            ("kafka.max_held_age", Shown::Text(show_duration(self.max_held_age))),
        ]
    }
}
