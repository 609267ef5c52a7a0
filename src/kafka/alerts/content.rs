use std::collections::BTreeMap;

use actors::batch::Position;
use actors::detect::{Alert, AlertKey};
use actors::ports::{DetectPosition, LogPlace, Recovered};

use crate::kafka::codec;

/// What a partition of the topic contains.
#[derive(Debug, Default)]
pub(super) struct AlertsContent {
    active: BTreeMap<AlertKey, Alert>,
    ended: BTreeMap<AlertKey, (Alert, i64)>,
    position: Option<Position>,
    /// Records that are not alerts of this kind: those of versions whose key was the address alone, and those of other
    /// writers.
    pub(super) ignored: u64,
}

impl AlertsContent {
    /// Adds a record, with its time in Unix milliseconds and the position up to which it was made.
    pub(super) fn add(&mut self, key: Option<&[u8]>, value: Option<&[u8]>, timestamp: i64, position: Option<Position>) {
        let key = key.and_then(|key| std::str::from_utf8(key).ok()).and_then(|key| key.parse::<AlertKey>().ok());
        let Some(key) = key else {
            self.ignored += 1;
            return;
        };
        self.position = self.position.into_iter().chain(position).max_by_key(|position| position.next_offset);
        if value.is_none() {
            self.active.remove(&key);
            self.ended.remove(&key);
            return;
        }
        match codec::decode_alert(value) {
            Ok(alert) if AlertKey::from(&alert) == key => {
                if alert.ended.is_some() {
                    self.active.remove(&key);
                    self.ended.insert(key, (alert, timestamp));
                } else {
                    self.ended.remove(&key);
                    self.active.insert(key, alert);
                }
            }
            _ => self.ignored += 1,
        }
    }

    /// Returns the state of the partition. Kafka deletes the offsets of a group that nobody was a member of for a week;
    /// then the records say how far the states were processed.
    pub(super) fn into_recovered(self, partition: i32, committed: Option<DetectPosition>) -> Recovered {
        let published = self.position.map(|Position { next_offset, last_timestamp, .. }| {
            let place = LogPlace { next_offset, last_timestamp: Some(last_timestamp) };
            DetectPosition { next: place, look_back: place }
        });
        Recovered {
            partition,
            position: committed.or(published),
            active: self.active.into_values().collect(),
            ended: self.ended.into_values().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actors::domain::{StateVector, StateVectorParts, UnixTime};

    use super::*;

    fn alert(rule: &str, ended: Option<i64>) -> (String, Vec<u8>) {
        let parts =
            StateVectorParts { icao24: "4b1814".into(), last_contact: Some(100), ..StateVectorParts::default() };
        let state: StateVector = parts.try_into().unwrap();
        let alert = Alert { ended: ended.map(UnixTime), ..Alert::starting(rule, "in words", Arc::new(state)) };
        (AlertKey::from(&alert).to_string(), serde_json::to_vec(&alert).unwrap())
    }

    #[test]
    fn the_last_record_of_each_key_counts() {
        let mut content = AlertsContent::default();
        for (rule, ended) in [("a", None), ("b", None), ("a", Some(200)), ("c", None), ("c", Some(300)), ("c", None)] {
            let (key, value) = alert(rule, ended);
            content.add(Some(key.as_bytes()), Some(&value), 5, None);
        }
        content.add(Some(b"b/4b1814"), None, 6, None);
        let recovered = content.into_recovered(3, None);
        let rules: Vec<_> = recovered.active.iter().map(|alert| &*alert.rule).collect();
        assert_eq!(rules, ["c"]);
        assert_eq!(recovered.ended.iter().map(|(alert, at)| (&*alert.rule, *at)).collect::<Vec<_>>(), [("a", 5)]);
        assert_eq!((recovered.partition, recovered.position), (3, None));
    }

    #[test]
    fn records_of_other_kinds_are_ignored() {
        let mut content = AlertsContent::default();
        let (key, value) = alert("a", None);
        content.add(None, Some(&value), 1, None);
        content.add(Some(b"4b1814"), Some(&value), 1, None);
        content.add(Some(b"b/4b1814"), Some(&value), 1, None);
        content.add(Some(key.as_bytes()), Some(b"{\"icao24\":\"4b1814\"}"), 1, None);
        content.add(Some(b"\xff/4b1814"), Some(b""), 1, None);
        assert_eq!(content.ignored, 5);
        assert_eq!(content.into_recovered(0, None), Recovered::default());
    }

    #[test]
    fn without_committed_offsets_the_records_say_the_position() {
        let mut content = AlertsContent::default();
        let position = |next_offset| Some(Position { partition: 0, next_offset, last_timestamp: next_offset * 10 });
        let (key, value) = alert("a", None);
        content.add(Some(key.as_bytes()), Some(&value), 1, position(9));
        content.add(Some(key.as_bytes()), Some(&value), 1, position(7));
        let place = LogPlace { next_offset: 9, last_timestamp: Some(90) };
        let expected = DetectPosition { next: place, look_back: place };
        assert_eq!(content.into_recovered(0, None).position, Some(expected));
    }
}
