use std::collections::HashMap;
use std::sync::Arc;

use actors::batch::{PartitionBatch, Position};
use actors::domain::{Icao24, StateVector, UnixTime};

/// The newest states of the aircraft of one partition, and which of them have to be published.
#[derive(Debug, Default)]
pub(super) struct PartitionPicture {
    /// The last contact of every aircraft that has a state in the topic, or a pending one.
    aircraft: HashMap<Icao24, UnixTime>,
    /// The newest states that are not published yet; `None` for an aircraft that has left the picture.
    pending: HashMap<Icao24, Option<Arc<StateVector>>>,
    /// The position up to which records were accepted.
    accepted: Option<Position>,
    /// The records accepted since the last publication.
    records: u64,
    /// The time of the oldest of them in Kafka, in Unix milliseconds.
    oldest: Option<i64>,
}

/// What one publication contains.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Publication {
    /// The newest states; `None` is a tombstone.
    pub(super) states: Vec<(Icao24, Option<Arc<StateVector>>)>,
    /// The position up to which these states were read.
    pub(super) position: Option<Position>,
    records: u64,
}

impl PartitionPicture {
    /// Creates a picture of the aircraft that have a state in the topic, which was published up to a position.
    pub(super) fn recovered(aircraft: HashMap<Icao24, UnixTime>, position: Option<Position>) -> Self {
        Self { aircraft, accepted: position, ..Self::default() }
    }

    pub(super) fn accepted(&self) -> Option<Position> {
        self.accepted
    }

    pub(super) fn records(&self) -> u64 {
        self.records
    }

    pub(super) fn oldest(&self) -> Option<i64> {
        self.oldest
    }

    pub(super) fn has_pending(&self) -> bool {
        self.records > 0 || !self.pending.is_empty()
    }

    /// Accepts the records that follow the accepted position. States last heard before `since` have left the picture
    /// already.
    pub(super) fn accept(&mut self, part: &PartitionBatch, since: UnixTime) {
        for state in &part.states {
            let is_newer = self.aircraft.get(&state.icao24).is_none_or(|known| state.last_contact > *known);
            if is_newer && state.last_contact >= since {
                self.aircraft.insert(state.icao24, state.last_contact);
                self.pending.insert(state.icao24, Some(state.clone()));
            }
        }
        let (partition, next_offset) = (part.partition, part.next_offset);
        self.accepted = Some(Position { partition, next_offset, last_timestamp: part.last_timestamp });
        self.records += part.count_records() as u64;
        let oldest = part.records.iter().map(|record| record.timestamp).min();
        self.oldest = self.oldest.into_iter().chain(oldest).min();
    }

    /// Removes the aircraft that were last heard before `since`, so that a tombstone is published for each.
    pub(super) fn expire(&mut self, since: UnixTime) {
        let expired = self.aircraft.extract_if(|_, last_contact| *last_contact < since);
        self.pending.extend(expired.map(|(icao24, _)| (icao24, None)));
    }

    /// Returns what has to be published now.
    pub(super) fn publication(&self) -> Publication {
        let states = self.pending.iter().map(|(icao24, state)| (*icao24, state.clone())).collect();
        Publication { states, position: self.accepted, records: self.records }
    }

    /// Notes that a publication has been acknowledged. States that arrived meanwhile stay pending.
    pub(super) fn published(&mut self, publication: &Publication) {
        for (icao24, state) in &publication.states {
            let is_same = |pending: &Option<Arc<StateVector>>| match (pending, state) {
                (Some(pending), Some(state)) => Arc::ptr_eq(pending, state),
                (None, None) => true,
                _ => false,
            };
            if self.pending.get(icao24).is_some_and(is_same) {
                self.pending.remove(icao24);
            }
        }
        self.records -= publication.records.min(self.records);
        if self.records == 0 {
            self.oldest = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use actors::domain::StateVectorParts;

    use super::*;

    fn state(icao24: &str, last_contact: i64) -> Arc<StateVector> {
        let parts =
            StateVectorParts { icao24: icao24.into(), last_contact: Some(last_contact), ..StateVectorParts::default() };
        Arc::new(parts.try_into().unwrap())
    }

    fn part(next_offset: i64, states: &[(&str, i64)]) -> PartitionBatch {
        PartitionBatch {
            partition: 2,
            expected: None,
            next_offset,
            last_timestamp: next_offset * 10,
            states: states.iter().map(|(icao24, at)| state(icao24, *at)).collect(),
            records: Vec::new(),
            polls: Vec::new(),
            alerts: Vec::new(),
            skipped: 0,
            dead_letters: Vec::new(),
            lost: 0,
        }
    }

    fn published(picture: &mut PartitionPicture) -> Vec<(String, Option<i64>)> {
        let publication = picture.publication();
        picture.published(&publication);
        let mut states: Vec<_> = publication
            .states
            .iter()
            .map(|(icao24, state)| (icao24.to_string(), state.as_ref().map(|state| state.last_contact.0)))
            .collect();
        states.sort();
        states
    }

    #[test]
    fn only_the_newest_state_of_each_aircraft_is_published() {
        let mut picture = PartitionPicture::default();
        picture.accept(&part(3, &[("aaaaaa", 100), ("bbbbbb", 101), ("aaaaaa", 102)]), UnixTime(50));
        picture.accept(&part(5, &[("aaaaaa", 101), ("cccccc", 49)]), UnixTime(50));
        assert_eq!(published(&mut picture), [("aaaaaa".into(), Some(102)), ("bbbbbb".into(), Some(101))]);
        assert!(!picture.has_pending());
        assert_eq!(picture.accepted().unwrap().next_offset, 5);
        // A record that was read again publishes nothing.
        picture.accept(&part(6, &[("aaaaaa", 102)]), UnixTime(50));
        assert_eq!(published(&mut picture), []);
    }

    #[test]
    fn an_aircraft_that_leaves_the_picture_gets_one_tombstone() {
        let position = Position { partition: 2, next_offset: 9, last_timestamp: 90 };
        let recovered = [("aaaaaa", 100), ("bbbbbb", 200)].map(|(icao24, at)| (icao24.parse().unwrap(), UnixTime(at)));
        let mut picture = PartitionPicture::recovered(recovered.into(), Some(position));
        picture.expire(UnixTime(150));
        assert_eq!(published(&mut picture), [("aaaaaa".into(), None)]);
        picture.expire(UnixTime(150));
        assert_eq!(published(&mut picture), []);
        picture.accept(&part(10, &[("aaaaaa", 300)]), UnixTime(150));
        assert_eq!(published(&mut picture), [("aaaaaa".into(), Some(300))]);
    }

    #[test]
    fn a_state_that_arrives_during_a_publication_stays_pending() {
        let mut picture = PartitionPicture::default();
        picture.accept(&part(1, &[("aaaaaa", 100)]), UnixTime(50));
        let publication = picture.publication();
        picture.accept(&part(2, &[("aaaaaa", 105)]), UnixTime(50));
        picture.published(&publication);
        assert_eq!(published(&mut picture), [("aaaaaa".into(), Some(105))]);
    }
}
