//! The backlog in Kafka.

use std::sync::Arc;

use actors::ports::Publisher;
use anyhow::Context;
use flight_monitor::kafka::{KafkaCluster, KafkaOptions, KafkaPublisher};

use crate::sky::Sky;

/// The server's default.
const PARTITIONS: i32 = 6;

/// A topic with a given number of distinct messages, published the way the server does.
pub(crate) struct Topic {
    pub(crate) kafka: String,
    pub(crate) name: String,
    pub(crate) dead_letters: String,
    pub(crate) messages: usize,
}

impl Topic {
    pub(crate) fn filled_by(sky: &Sky, messages: usize) -> anyhow::Result<Self> {
        let kafka = std::env::var("TEST_KAFKA").context("TEST_KAFKA is not set: use `make bench-backlog`")?;
        let name = format!("bench-{}", std::process::id());
        let topic = Self { kafka, dead_letters: format!("{name}.dead-letter"), name, messages };
        eprintln!("publishing {messages} messages …");
        let publisher = KafkaPublisher::new(KafkaCluster::new(topic.options()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut left = messages;
        for poll in sky.polls() {
            let mut states: Vec<_> = poll?.into_iter().map(Arc::new).collect();
            states.truncate(left);
            runtime.block_on(publisher.publish(&states))?;
            left -= states.len();
            if left == 0 {
                break;
            }
        }
        Ok(topic)
    }

    fn options(&self) -> KafkaOptions {
        KafkaOptions {
            bootstrap_servers: self.kafka.clone(),
            topic_raw: (&*self.name).into(),
            topic_dead_letter: (&*self.dead_letters).into(),
            partitions: PARTITIONS,
            group_id: self.name.clone(),
            ..KafkaOptions::default()
        }
    }

    /// Returns the settings that make a server archive the topic into this folder.
    pub(crate) fn archive_settings(&self, folder: &std::path::Path) -> Vec<(&'static str, String)> {
        let mut settings = self.settings("sqlite://unused.db").to_vec();
        settings.retain(|(name, _)| !matches!(*name, "SERVER_ROLES" | "DATABASE_URL"));
        settings.push(("SERVER_ROLES", "archive".to_owned()));
        settings.push(("ARCHIVE_URL", folder.display().to_string()));
        settings
    }

    /// Returns the settings that make a server store the topic into this database.
    pub(crate) fn settings(&self, database_url: &str) -> [(&'static str, String); 6] {
        [
            ("SERVER_ROLES", "store".to_owned()),
            ("KAFKA_BOOTSTRAP_SERVERS", self.kafka.clone()),
            ("KAFKA_TOPIC_RAW", self.name.clone()),
            ("KAFKA_TOPIC_DEAD_LETTER", self.dead_letters.clone()),
            ("KAFKA_GROUP_ID", self.name.clone()),
            ("DATABASE_URL", database_url.to_owned()),
        ]
    }
}
