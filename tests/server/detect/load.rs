use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use serde_json::json;

use crate::support::{TEST_TIMEOUT, Topic, now};

/// Aircraft that change their codes often, vanish for hours, and whose states are repeated and out of order at times.
/// Time passes faster than the clock, and ends at the present.
pub(crate) struct Traffic<'a> {
    topic: &'a Topic,
    producer: ThreadedProducer<DefaultProducerContext>,
    random: StdRng,
    time: i64,
    squawks: BTreeMap<u32, Option<&'static str>>,
    /// When an aircraft that vanished is heard again.
    away_until: BTreeMap<u32, i64>,
    recent: Vec<(String, Vec<u8>)>,
}

const CODES: [Option<&str>; 6] = [Some("7500"), Some("7600"), Some("7700"), Some("1000"), Some("2000"), None];

impl<'a> Traffic<'a> {
    const AIRCRAFT: u32 = 150;
    /// Seconds between two steps.
    const STEP: i64 = 20;

    /// Returns traffic of this many steps on a topic.
    pub(crate) fn new(topic: &'a Topic, seed: u64, steps: i64) -> Self {
        let producer = topic.config().create().unwrap();
        let (squawks, away_until, recent) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self {
            topic,
            producer,
            random: StdRng::seed_from_u64(seed),
            time: now() - steps * Self::STEP,
            squawks,
            away_until,
            recent,
        }
    }

    /// Writes the states of the next step.
    pub(crate) fn step(&mut self) {
        self.time += Self::STEP;
        let mut records = Vec::new();
        for number in 0..Self::AIRCRAFT {
            if self.away_until.get(&number).is_some_and(|until| *until > self.time) {
                continue;
            }
            if self.random.random_ratio(1, 200) {
                self.away_until.insert(number, self.time + self.random.random_range(600..6_000));
            }
            if self.random.random_ratio(1, 30) {
                self.squawks.insert(number, CODES[self.random.random_range(0..CODES.len())]);
            }
            let icao24 = format!("{:06x}", 0x40_0000 + number);
            let squawk = self.squawks.get(&number).copied().flatten();
            let last_contact = self.time - self.random.random_range(0..15);
            let state = json!({ "icao24": icao24, "last_contact": last_contact, "squawk": squawk });
            records.push((icao24, serde_json::to_vec(&state).unwrap()));
        }
        if let Some((icao24, state)) = self.recent.get(self.random.random_range(0..self.recent.len().max(1))) {
            records.push((icao24.clone(), state.clone()));
        }
        let kept = records.len().min(20);
        self.recent.extend(records[..kept].iter().cloned());
        for (icao24, state) in &records {
            let record: BaseRecord<'_, str, [u8]> = BaseRecord::to(self.topic.name()).key(&**icao24).payload(&**state);
            self.producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        self.producer.flush(TEST_TIMEOUT).unwrap();
    }
}
