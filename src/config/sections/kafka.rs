use std::time::Duration;

use crate::config::reader::Reader;
use crate::config::section::section;
use crate::config::values::{Brokers, ByteSize, KafkaProperties, Topic, days, secs};

section! {
    /// Kafka, which carries the state vectors from the source to the database and to browsers.
    pub struct KafkaSettings in "kafka", checked by check {
        /// The brokers, as host:port,host:port. Empty: an embedded broker in this process, whose messages do not
        /// survive a restart.
        bootstrap_servers: Brokers = "";
        /// The topic of the state vectors; created at start if missing.
        topic_raw: Topic = "telemetry.raw";
        /// The topic of records that cannot be processed; created at start if missing.
        topic_dead_letter: Topic = "telemetry.dead-letter";
        /// The compacted topic of the alerts, such as of aircraft that squawk 7500, 7600 or 7700. It has as many
        /// partitions as topic_raw. The roles detect and live create it at start if it is missing.
        topic_alerts: Topic = "telemetry.alerts";
        /// The topic of the outcome of each poll. The roles collect and store create it, with a single partition, at
        /// start if it is missing.
        topic_polls: Topic = "telemetry.polls";
        /// The compacted topic with the newest state of each aircraft, and a tombstone when it leaves the picture, such
        /// as telemetry.latest. Processes with the role store publish to it. Empty: none.
        topic_latest: Option<Topic> = "";
        /// The topic of the state vectors with what is known about their aircraft, such as telemetry.enriched. It has
        /// as many partitions as topic_raw. Processes with the role detect publish to it. Empty: none.
        topic_enriched: Option<Topic> = "";
        /// Partitions of a topic that is created at start.
        partitions: i32 = "6", 1..=10_000;
        /// Replicas of a topic that is created at start; with 3 or more, at least two brokers must have a message
        /// (min.insync.replicas 2).
        replication_factor: i32 = "1", 1..=100;
        /// The consumer group of the storing consumers. That of the archiving consumers has the suffix -archive, those
        /// of the consumers that store polls and alerts -polls and -alert-history, and that of the detecting consumers
        /// -detect.
        group_id: String = "opensky-processor";
        /// Properties of librdkafka, for SASL, TLS and tuning: a mapping in the file, k=v,k=v in the environment (a
        /// comma in a value is written \,). Those of the file, the environment and the flag are merged. They override
        /// the program's own, except for those that its guarantees rely on (acks, message.timeout.ms, isolation.level,
        /// …), which are refused.
        properties: KafkaProperties = "";
        /// How much is buffered while Kafka is unavailable; beyond it the oldest is dropped.
        max_held: ByteSize = "64MiB", ByteSize(64 << 10)..=ByteSize(64 << 30);
        /// How long it is buffered while Kafka is unavailable.
        max_held_age: Duration = "30m", secs(1)..=days(30);
    }
}

impl KafkaSettings {
    fn check(&self, reader: &mut Reader) {
        let mut topics = vec![
            (Self::topic_raw, &self.topic_raw),
            (Self::topic_dead_letter, &self.topic_dead_letter),
            (Self::topic_alerts, &self.topic_alerts),
            (Self::topic_polls, &self.topic_polls),
        ];
        topics.extend(self.topic_latest.as_ref().map(|topic| (Self::topic_latest, topic)));
        topics.extend(self.topic_enriched.as_ref().map(|topic| (Self::topic_enriched, topic)));
        for (index, (setting, topic)) in topics.iter().enumerate() {
            for (earlier, _) in topics[..index].iter().filter(|(_, earlier)| earlier == topic) {
                reader.conflict(setting, format!("{} is the same topic; expected a different one", earlier.path));
            }
        }
        let external = [(Self::topic_latest, &self.topic_latest), (Self::topic_enriched, &self.topic_enriched)];
        for (setting, _) in external.into_iter().filter(|(_, topic)| topic.is_some()) {
            if self.bootstrap_servers == Brokers::Embedded {
                reader.conflict(setting, "the embedded Kafka cannot have it; set kafka.bootstrap_servers, or leave it empty");
            }
        }
    }
}
