use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Headers;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde_json::Value;

use super::{Key, TEST_TIMEOUT, eventually};

/// A topic on a real Kafka.
pub(crate) struct Topic {
    servers: String,
    name: String,
}

/// A consumed record.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Record {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.value.as_deref().unwrap()).unwrap()
    }
}

impl Topic {
    pub(crate) fn of(servers: &str, name: &str) -> Self {
        Self { servers: servers.to_owned(), name: name.to_owned() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the settings shared by every client of the topic.
    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.servers).set("message.max.bytes", "2000000");
        config
    }

    fn consumer(&self, group: &str) -> BaseConsumer {
        let mut config = self.config();
        config.set("group.id", group).set("enable.auto.commit", "false").set("fetch.wait.max.ms", "20");
        // The last offsets of a partition may be those of the markers that end transactions.
        config.set("enable.partition.eof", "true");
        config.create().unwrap()
    }

    fn partitions(&self, consumer: &BaseConsumer) -> Vec<i32> {
        eventually(&format!("the topic {} exists", self.name), || {
            let metadata = consumer.fetch_metadata(Some(&self.name), Duration::from_secs(10)).ok()?;
            let partitions: Vec<_> = metadata.topics().first()?.partitions().iter().map(|p| p.id()).collect();
            (!partitions.is_empty()).then_some(partitions)
        })
    }

    /// Creates the topic with this setting.
    pub(crate) fn create(&self, setting: &str, value: &str) {
        self.make(&NewTopic::new(&self.name, 1, TopicReplication::Fixed(1)).set(setting, value));
    }

    /// Creates the topic with this many partitions.
    pub(crate) fn create_with(&self, partitions: i32) {
        self.make(&NewTopic::new(&self.name, partitions, TopicReplication::Fixed(1)));
    }

    fn make(&self, topic: &NewTopic<'_>) {
        let made = self.administer(async |admin, options| admin.create_topics([topic], options).await);
        assert!(made.iter().all(Result::is_ok), "{made:?}");
    }

    /// Deletes the topic and its records.
    pub(crate) fn delete(&self) {
        let deleted = self.administer(async |admin, options| admin.delete_topics(&[self.name()], options).await);
        assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    }

    fn administer<T>(
        &self,
        order: impl AsyncFnOnce(&AdminClient<DefaultClientContext>, &AdminOptions) -> KafkaResult<T>,
    ) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let admin = self.config().create().unwrap();
        runtime.block_on(order(&admin, &AdminOptions::new().operation_timeout(Some(TEST_TIMEOUT)))).unwrap()
    }

    /// Returns whether the topic exists.
    pub(crate) fn exists(&self) -> bool {
        let metadata = self.consumer("reader-of-the-tests").fetch_metadata(None, TEST_TIMEOUT).unwrap();
        metadata.topics().iter().any(|topic| topic.name() == self.name)
    }

    /// Returns every record currently in the topic.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.records_from(&BTreeMap::new())
    }

    /// Returns the current records, in the given partitions only from the given offsets on.
    pub(crate) fn records_from(&self, offsets: &BTreeMap<i32, i64>) -> Vec<Record> {
        let consumer = self.consumer("reader-of-the-tests");
        let (mut list, mut left) = (TopicPartitionList::new(), BTreeMap::new());
        for partition in self.partitions(&consumer) {
            let (low, high) = consumer.fetch_watermarks(&self.name, partition, TEST_TIMEOUT).unwrap();
            let first = offsets.get(&partition).map_or(low, |&offset| offset.max(low));
            if high > first {
                list.add_partition_offset(&self.name, partition, Offset::Offset(first)).unwrap();
                left.insert(partition, high);
            }
        }
        consumer.assign(&list).unwrap();
        let (mut records, deadline) = (Vec::new(), Instant::now() + TEST_TIMEOUT);
        while !left.is_empty() {
            assert!(Instant::now() < deadline, "timed out reading the topic {} to its end", self.name);
            let Some(message) = consumer.poll(Duration::from_secs(1)) else { continue };
            let message = match message {
                Err(KafkaError::PartitionEOF(partition)) => {
                    left.remove(&partition);
                    continue;
                }
                message => message.unwrap(),
            };
            if left.get(&message.partition()).is_some_and(|&end| message.offset() + 1 >= end) {
                left.remove(&message.partition());
            }
            let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap();
            let headers = message
                .headers()
                .map(|headers| headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect());
            records.push(Record {
                partition: message.partition(),
                offset: message.offset(),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().map(<[u8]>::to_vec),
                headers: headers.unwrap_or_default(),
            });
        }
        records
    }

    /// Returns the distinct states in the topic.
    pub(crate) fn states(&self) -> BTreeSet<Key> {
        let key = |record: &Record| {
            let value = record.json();
            (value["icao24"].as_str().unwrap().to_owned(), value["last_contact"].as_i64().unwrap())
        };
        self.records().iter().map(key).collect()
    }

    /// Returns a group's committed offsets, by partition.
    pub(crate) fn committed(&self, group: &str) -> BTreeMap<i32, i64> {
        let consumer = self.consumer(group);
        let mut list = TopicPartitionList::new();
        for partition in self.partitions(&consumer) {
            list.add_partition(&self.name, partition);
        }
        let committed = consumer.committed_offsets(list, TEST_TIMEOUT).unwrap();
        let offset = |offset| match offset {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        committed.elements().iter().filter_map(|e| Some((e.partition(), offset(e.offset())?))).collect()
    }

    /// Writes records in order, to the given partition or, with `None`, partitioned by key.
    pub(crate) fn write(&self, partition: Option<i32>, records: &[(Option<&str>, Option<Vec<u8>>)]) {
        self.write_by(&self.config().create().unwrap(), partition, records);
    }

    /// Writes records in a transaction. Its commit marker takes an offset, but is not delivered to consumers.
    pub(crate) fn write_in_a_transaction(&self, partition: i32, records: &[(Option<&str>, Option<Vec<u8>>)]) {
        let producer: ThreadedProducer<_> = self.config().set("transactional.id", &self.name).create().unwrap();
        producer.init_transactions(TEST_TIMEOUT).unwrap();
        producer.begin_transaction().unwrap();
        self.write_by(&producer, Some(partition), records);
        producer.commit_transaction(TEST_TIMEOUT).unwrap();
    }

    fn write_by(
        &self,
        producer: &ThreadedProducer<DefaultProducerContext>,
        partition: Option<i32>,
        records: &[(Option<&str>, Option<Vec<u8>>)],
    ) {
        for (key, value) in records {
            let mut record: BaseRecord<'_, str, [u8]> = BaseRecord::to(&self.name);
            record.partition = partition;
            record.key = *key;
            record.payload = value.as_deref();
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(TEST_TIMEOUT).unwrap();
    }
}
