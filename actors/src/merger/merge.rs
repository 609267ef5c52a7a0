use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use crate::domain::{FIELDS, FieldValue, Icao24, Snapshot, StateVector, UnixTime};
use crate::supervision::PassedOver;

/// Remembers the newest published state of each aircraft, to separate changed states from repeated ones.
#[derive(Debug, Default)]
pub(super) struct ChangeFilter {
    published: HashMap<Icao24, StateDigest>,
}

/// The time and the hash of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StateDigest {
    last_contact: UnixTime,
    values: u64,
}

/// The newest row of an aircraft in a response so far; the first one if several have the same time.
#[derive(Clone, Copy, Debug)]
struct FirstRow {
    digest: StateDigest,
    /// Whether the row was counted as revised.
    revised: bool,
}

/// The states of a snapshot to publish, and the counts of those that were passed over.
#[derive(Debug, Default, PartialEq)]
pub(super) struct FilteredStates {
    pub(super) states: Vec<Arc<StateVector>>,
    pub(super) passed_over: PassedOver,
}

impl ChangeFilter {
    /// Aircraft not heard for this many seconds before a response are forgotten. The source repeats a state for five
    /// minutes, so after an hour no repeated state can be taken for a new one.
    const MEMORY: i64 = 3600;

    /// Returns the states that are newer than the published ones, in the snapshot's order.
    pub(super) fn apply(&self, snapshot: Snapshot) -> FilteredStates {
        let mut filtered = FilteredStates::default();
        let mut rows: HashMap<Icao24, FirstRow> = HashMap::with_capacity(snapshot.states.len());
        for state in snapshot.states {
            let (icao24, digest) = (state.icao24, StateDigest::of(&state));
            let published = self.published.get(&icao24);
            let newest = rows.get(&icao24).map(|row| row.digest.last_contact).max(published.map(|it| it.last_contact));
            match newest.map_or(Ordering::Greater, |newest| digest.last_contact.cmp(&newest)) {
                Ordering::Less => filtered.passed_over.older += 1,
                Ordering::Equal => {
                    let is_published = published == Some(&digest);
                    let row = rows.get_mut(&icao24).filter(|row| row.digest.last_contact == digest.last_contact);
                    if let Some(row) = row {
                        filtered.passed_over.count_duplicate(row, digest, is_published);
                        continue;
                    }
                    rows.insert(icao24, FirstRow { digest, revised: !is_published });
                    let count = &mut filtered.passed_over;
                    *(if is_published { &mut count.unchanged } else { &mut count.revised }) += 1;
                }
                Ordering::Greater => {
                    rows.insert(icao24, FirstRow { digest, revised: false });
                    filtered.states.push(Arc::new(state));
                }
            }
        }
        filtered
    }

    /// Records that these states were published. `now` is the time of their response.
    pub(super) fn published(&mut self, states: &[Arc<StateVector>], now: UnixTime) {
        for state in states {
            let digest = StateDigest::of(state);
            let newest = self.published.entry(state.icao24).or_insert(digest);
            if digest.last_contact > newest.last_contact {
                *newest = digest;
            }
        }
        self.published.retain(|_, digest| now.seconds_since(digest.last_contact) <= Self::MEMORY);
    }

    pub(super) fn aircraft(&self) -> usize {
        self.published.len()
    }
}

impl PassedOver {
    /// Counts a row with the same address and time as an earlier row of the same response.
    fn count_duplicate(&mut self, first: &mut FirstRow, row: StateDigest, is_published: bool) {
        if first.digest == row {
            self.unchanged += 1;
        } else if is_published && first.revised {
            // This row is the published state, so the first row came from the other transmitter.
            first.revised = false;
            self.revised -= 1;
            self.duplicate_address += 1;
            self.unchanged += 1;
        } else if is_published {
            self.unchanged += 1;
        } else {
            self.duplicate_address += 1;
        }
    }
}

impl StateDigest {
    fn of(state: &StateVector) -> Self {
        Self { last_contact: state.last_contact, values: hash_of_values(state) }
    }
}

/// Returns a hash of all values of a state except the response time.
fn hash_of_values(state: &StateVector) -> u64 {
    let values = StateVector { observed_at: None, ..state.borrowed() };
    let mut hasher = DefaultHasher::new();
    for field in FIELDS {
        match field.value(&values) {
            FieldValue::Address(address) => address.hash(&mut hasher),
            FieldValue::Text(text) => text.hash(&mut hasher),
            // Adding 0 turns −0 into +0, so that both have the same hash.
            FieldValue::Number(number) => number.map(|number| (number + 0.0).to_bits()).hash(&mut hasher),
            FieldValue::Code(code) => code.hash(&mut hasher),
            FieldValue::Flag(flag) => flag.hash(&mut hasher),
            FieldValue::Time(time) => time.hash(&mut hasher),
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_support::state;

    fn snapshot(states: &[(&str, i64)]) -> Snapshot {
        let states = states.iter().map(|(icao24, last_contact)| state(icao24, *last_contact)).collect();
        Snapshot { time: UnixTime(1000), states, ..Snapshot::default() }
    }

    fn names(filtered: &FilteredStates) -> Vec<(String, i64)> {
        filtered.states.iter().map(|s| (s.icao24.to_string(), s.last_contact.0)).collect()
    }

    #[test]
    fn only_newer_states_pass() {
        let mut filter = ChangeFilter::default();
        let first = filter.apply(snapshot(&[("aaaaaa", 990), ("bbbbbb", 991)]));
        assert_eq!(first.states.len(), 2);
        filter.published(&first.states, UnixTime(1000));

        let second = filter.apply(snapshot(&[("aaaaaa", 990), ("bbbbbb", 992), ("cccccc", 5), ("aaaaaa", 989)]));
        assert_eq!(names(&second), [("bbbbbb".into(), 992), ("cccccc".into(), 5)]);
        assert_eq!(second.passed_over, PassedOver { unchanged: 1, older: 1, ..PassedOver::default() });
    }

    /// Returns a snapshot with one row at 990 for each of these callsigns of the aircraft `aaaaaa`.
    fn transmitters(callsigns: &[&str]) -> Snapshot {
        let row = |callsign: &&str| StateVector { callsign: Some((*callsign).into()), ..state("aaaaaa", 990) };
        Snapshot { time: UnixTime(1000), states: callsigns.iter().map(row).collect(), ..Snapshot::default() }
    }

    #[test]
    fn two_transmitters_with_one_address_are_not_taken_for_repetition() {
        let mut filter = ChangeFilter::default();
        let counts = |filter: &ChangeFilter, callsigns: &[&str]| {
            let FilteredStates { states, passed_over } = filter.apply(transmitters(callsigns));
            let PassedOver { unchanged, older, duplicate_address, revised } = passed_over;
            assert_eq!(older, 0);
            (states.len() as u64, unchanged, duplicate_address, revised)
        };
        assert_eq!(counts(&filter, &["ADSB", "FLARM"]), (1, 0, 1, 0));
        assert_eq!(counts(&filter, &["ADSB", "ADSB", "FLARM", "FLARM"]), (1, 1, 2, 0));
        filter.published(&filter.apply(transmitters(&["ADSB", "FLARM"])).states, UnixTime(1000));
        // The source repeats both rows until it receives from one of the transmitters again.
        assert_eq!(counts(&filter, &["ADSB"]), (0, 1, 0, 0));
        assert_eq!(counts(&filter, &["ADSB", "FLARM"]), (0, 1, 1, 0));
        assert_eq!(counts(&filter, &["FLARM", "ADSB"]), (0, 1, 1, 0));
        assert_eq!(counts(&filter, &["FLARM"]), (0, 0, 0, 1));
        assert_eq!(counts(&filter, &["FLARM", "FLARM"]), (0, 1, 0, 1));
    }

    #[test]
    fn any_different_value_changes_the_digest() {
        let digest = StateDigest::of(&state("aaaaaa", 990));
        let others = [
            StateVector { lat: Some(1.0), ..state("aaaaaa", 990) },
            StateVector { lat: None, ..state("aaaaaa", 990) },
            StateVector { velocity: Some(0.0), ..state("aaaaaa", 990) },
            StateVector { time_position: Some(UnixTime(989)), ..state("aaaaaa", 990) },
            StateVector { squawk: Some("7700".into()), ..state("aaaaaa", 990) },
            StateVector { position_source: Some(3), ..state("aaaaaa", 990) },
        ];
        assert!(others.iter().all(|other| StateDigest::of(other) != digest));
        for same in [
            StateVector { observed_at: Some(UnixTime(5)), ..state("aaaaaa", 990) },
            StateVector { lat: Some(-0.0), ..state("aaaaaa", 990) },
        ] {
            assert_eq!(StateDigest::of(&same), digest);
        }
    }

    proptest! {
        #[test]
        fn every_row_passes_or_is_counted_once(
            responses in prop::collection::vec(prop::collection::vec((0..4u8, 0..4i64, 0..3u8), 0..12), 0..6),
        ) {
            let mut filter = ChangeFilter::default();
            for response in responses {
                let row = |(aircraft, at, category)| StateVector {
                    category: Some(i16::from(category)),
                    ..state(&format!("aaaaa{aircraft}"), at)
                };
                let rows = response.len() as u64;
                let states = response.into_iter().map(row).collect();
                let filtered = filter.apply(Snapshot { time: UnixTime(9), states, ..Snapshot::default() });
                let passed_over: u64 = filtered.passed_over.by_reason().iter().map(|(_, count)| count).sum();
                prop_assert_eq!(filtered.states.len() as u64 + passed_over, rows);
                filter.published(&filtered.states, UnixTime(9));
            }
        }
    }

    #[test]
    fn states_that_were_not_published_pass_again() {
        let filter = ChangeFilter::default();
        assert_eq!(filter.apply(snapshot(&[("aaaaaa", 990)])).states.len(), 1);
        assert_eq!(filter.apply(snapshot(&[("aaaaaa", 990)])).states.len(), 1);
    }

    #[test]
    fn repeated_rows_of_an_aircraft_pass_only_in_ascending_order() {
        let filtered = ChangeFilter::default().apply(snapshot(&[("aaaaaa", 990), ("aaaaaa", 992), ("aaaaaa", 991)]));
        assert_eq!(names(&filtered), [("aaaaaa".into(), 990), ("aaaaaa".into(), 992)]);
    }

    #[test]
    fn aircraft_are_forgotten_after_an_hour() {
        let mut filter = ChangeFilter::default();
        filter.published(&[Arc::new(state("aaaaaa", 990))], UnixTime(1000));
        filter.published(&[], UnixTime(990 + ChangeFilter::MEMORY));
        assert_eq!(filter.aircraft(), 1);
        filter.published(&[], UnixTime(991 + ChangeFilter::MEMORY));
        assert_eq!(filter.aircraft(), 0);
    }
}
