//! The books of the bench: every record that Kafka ever had, as a witness read them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::support::{Key, Topic, key};

/// What was read from the topic until now.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Where to read on.
    offsets: BTreeMap<i32, i64>,
    /// The first message of each key in each partition. An aircraft has one partition, unless partitions are added.
    first: HashMap<Key, Vec<Message>>,
    /// Values that are no state vectors.
    pub(crate) garbage: BTreeSet<Vec<u8>>,
    /// Keys that Kafka gave up before anybody had stored them.
    pub(crate) given_up: BTreeSet<Key>,
    pub(crate) records: u64,
}

/// What a record said, and where.
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
    /// Reads on to the end.
    pub(crate) fn read(&mut self, topic: &Topic) {
        for record in topic.records_from(&self.offsets) {
            self.records += 1;
            self.offsets.insert(record.partition, record.offset + 1);
            let value = record.value.unwrap_or_default();
            match serde_json::from_slice::<Value>(&value) {
                Ok(json) if json["last_contact"].is_i64() => {
                    let messages = self.first.entry(key(&json)).or_default();
                    if messages.iter().all(|message| message.partition != record.partition) {
                        messages.push(Message { partition: record.partition, value: value.into() });
                    }
                }
                _ => drop(self.garbage.insert(value)),
            }
        }
    }

    /// The topic is made anew, and its offsets begin again.
    pub(crate) fn turn_the_page(&mut self) {
        self.offsets.clear();
    }

    /// The offset after the last record of each partition.
    pub(crate) fn ends(&self) -> &BTreeMap<i32, i64> {
        &self.offsets
    }

    /// Every key that ever was a message.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.first.keys()
    }

    pub(crate) fn has(&self, key: &Key) -> bool {
        self.first.contains_key(key)
    }

    /// The first message of a key; of several partitions, one for each.
    pub(crate) fn first(&self, key: &Key) -> &[Message] {
        self.first.get(key).map_or(&[], Vec::as_slice)
    }
}
