//! The books of the bench: every record that Kafka ever had, as a witness read them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::support::{Key, Topic, key};

/// What was read from the topic until now.
pub(crate) struct Ledger {
    /// Of the aircraft whose addresses end so the messages are kept, of the others that they were there.
    endings: &'static str,
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
    /// An empty one. What lasts long, and so has millions of messages, keeps those of a part of the aircraft only.
    pub(crate) fn new(of_a_part: bool) -> Self {
        Self {
            endings: if of_a_part { "0" } else { "0123456789abcdef" },
            offsets: BTreeMap::new(),
            first: HashMap::new(),
            garbage: BTreeSet::new(),
            given_up: BTreeSet::new(),
            records: 0,
        }
    }

    pub(crate) fn endings(&self) -> &'static str {
        self.endings
    }

    /// Reads on to the end.
    pub(crate) fn read(&mut self, topic: &Topic) {
        for record in topic.records_from(&self.offsets) {
            self.records += 1;
            self.offsets.insert(record.partition, record.offset + 1);
            let value = record.value.unwrap_or_default();
            match serde_json::from_slice::<Value>(&value) {
                Ok(json) if json["last_contact"].is_i64() => {
                    let key = key(&json);
                    let value = if key.0.ends_with(|end| self.endings.contains(end)) { value } else { Vec::new() };
                    let messages = self.first.entry(key).or_default();
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
