//! The test's own record of the topic: every record that Kafka ever held, read by an independent consumer.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::support::{Key, Topic, key};

/// Everything read from the topic so far.
pub(crate) struct Ledger {
    /// The message values are kept only for aircraft whose address ends in one of these digits. For the others, only
    /// the keys are kept.
    last_digits: &'static str,
    /// The offset to continue reading from, by partition.
    offsets: BTreeMap<i32, i64>,
    /// The first message of each key in each partition. An aircraft stays in one partition unless partitions are added.
    first: HashMap<Key, Vec<Message>>,
    /// Values that are not state vectors.
    pub(crate) garbage: BTreeSet<Vec<u8>>,
    /// Keys whose messages Kafka deleted before they were stored.
    pub(crate) expired: BTreeSet<Key>,
    pub(crate) records: u64,
}

/// The value of a record, and the partition it was read from.
pub(crate) struct Message {
    partition: i32,
    value: Box<[u8]>,
}

impl Message {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.value).unwrap()
    }
}

impl Ledger {
    /// Creates an empty ledger. Long runs have millions of messages, so with `sampled` it keeps the values of only
    /// one aircraft in 16.
    pub(crate) fn new(sampled: bool) -> Self {
        Self {
            last_digits: if sampled { "0" } else { "0123456789abcdef" },
            offsets: BTreeMap::new(),
            first: HashMap::new(),
            garbage: BTreeSet::new(),
            expired: BTreeSet::new(),
            records: 0,
        }
    }

    pub(crate) fn last_digits(&self) -> &'static str {
        self.last_digits
    }

    /// Reads from the last position to the end of the topic.
    pub(crate) fn read(&mut self, topic: &Topic) {
        for record in topic.records_from(&self.offsets) {
            self.records += 1;
            self.offsets.insert(record.partition, record.offset + 1);
            let value = record.value.unwrap_or_default();
            match serde_json::from_slice::<Value>(&value) {
                Ok(json) if json["last_contact"].is_i64() => {
                    let key = key(&json);
                    let value = if key.0.ends_with(|end| self.last_digits.contains(end)) { value } else { Vec::new() };
                    let messages = self.first.entry(key).or_default();
                    if messages.iter().all(|message| message.partition != record.partition) {
                        messages.push(Message { partition: record.partition, value: value.into() });
                    }
                }
                _ => drop(self.garbage.insert(value)),
            }
        }
    }

    /// Starts over at the beginning of the topic, after the topic was recreated.
    pub(crate) fn restart_from_beginning(&mut self) {
        self.offsets.clear();
    }

    /// Returns the offset after the last record of each partition.
    pub(crate) fn ends(&self) -> &BTreeMap<i32, i64> {
        &self.offsets
    }

    /// Returns every key that was ever published.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.first.keys()
    }

    pub(crate) fn has(&self, key: &Key) -> bool {
        self.first.contains_key(key)
    }

    /// Returns the first message of a key, one for each partition that has it.
    pub(crate) fn first(&self, key: &Key) -> &[Message] {
        self.first.get(key).map_or(&[], Vec::as_slice)
    }
}
