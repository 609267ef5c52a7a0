use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::encoder::Change;
use super::slots::SlotAllocator;
use crate::domain::{Icao24, StateVector, UnixTime};

/// The newest state of every aircraft heard recently.
///
/// While an aircraft is in the picture it has a number, which identifies it on `/api/v1/stream`.
#[derive(Debug, Default)]
pub struct Picture {
    aircraft: BTreeMap<Icao24, u32>,
    /// Indexed by aircraft number.
    slots: Vec<Option<Arc<StateVector>>>,
    numbers: SlotAllocator,
    /// For each number that changed since the changes were last taken: its state at that time.
    before: BTreeMap<u32, Option<Arc<StateVector>>>,
    sequence: u64,
    observed_at: Option<UnixTime>,
}

/// The outcome of applying states to the picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// The applied states, in input order. An aircraft may occur more than once, each time with a newer state.
    pub states: Vec<Arc<StateVector>>,
    /// The number of states that were not newer than the picture's.
    pub not_newer: u64,
    /// The number of states older than the picture's timeout.
    pub outdated: u64,
    /// The number of states too far ahead of the local clock. They would block all correct states for a long time.
    pub ahead: u64,
}

impl Picture {
    /// The maximum time that a `last_contact` may be ahead of the local clock. Rows from the source are checked against
    /// its own clock before they are published. This limit is for records that other programs write to Kafka, and is
    /// generous because the local clock may be wrong.
    pub(super) const MAX_AHEAD: Duration = Duration::from_secs(3600);

    /// Applies the states that are newer than the picture's. A state is outdated if its `last_contact` is more than
    /// `timeout` before `now`.
    pub fn apply<'a>(
        &mut self,
        states: impl IntoIterator<Item = &'a Arc<StateVector>>,
        now: UnixTime,
        timeout: Duration,
    ) -> Applied {
        let sequence = self.sequence + 1;
        let mut applied = Applied::default();
        let (oldest, latest) = (now.minus(timeout), now.plus(Self::MAX_AHEAD));
        for state in states {
            if state.last_contact > latest {
                applied.ahead += 1;
                continue;
            }
            if state.last_contact < oldest {
                applied.outdated += 1;
                continue;
            }
            let number = *self.aircraft.entry(state.icao24).or_insert_with(|| self.numbers.allocate());
            let index = number as usize;
            if self.slots.len() <= index {
                self.slots.resize_with(index + 1, || None);
            }
            let Some(slot) = self.slots.get_mut(index) else { continue };
            if slot.as_ref().is_some_and(|known| known.last_contact >= state.last_contact) {
                applied.not_newer += 1;
                continue;
            }
            let known = slot.replace(state.clone());
            self.before.entry(number).or_insert(known);
            self.observed_at = self.observed_at.max(state.observed_at);
            applied.states.push(state.clone());
            self.sequence = sequence;
        }
        applied
    }

    /// Removes aircraft not heard for longer than `timeout` before `now`, and returns how many.
    pub fn sweep(&mut self, now: UnixTime, timeout: Duration) -> usize {
        let oldest = now.minus(timeout);
        let before = self.aircraft.len();
        let (slots, numbers, changed) = (&mut self.slots, &mut self.numbers, &mut self.before);
        self.aircraft.retain(|_, number| {
            let Some(slot) = slots.get_mut(*number as usize) else { return false };
            let Some(gone) = slot.take_if(|state| state.last_contact < oldest) else { return true };
            changed.entry(*number).or_insert(Some(gone));
            numbers.free(*number);
            false
        });
        let gone = before - self.aircraft.len();
        self.sequence += u64::from(gone > 0);
        gone
    }

    /// Returns the changes since the last call, ordered by number.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let changed = std::mem::take(&mut self.before).into_iter();
        changed
            .map(|(number, before)| Change { number, before, after: self.slot(number).cloned() })
            .filter(|change| change.before.is_some() || change.after.is_some())
            .collect()
    }

    /// Returns the maximum number of changes that [`Picture::take_changes`] would return.
    pub fn changed(&self) -> usize {
        self.before.len()
    }

    fn slot(&self, number: u32) -> Option<&Arc<StateVector>> {
        self.slots.get(number as usize)?.as_ref()
    }

    /// The sequence number of the last update that changed the picture.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The newest response time of any state applied so far.
    pub fn observed_at(&self) -> Option<UnixTime> {
        self.observed_at
    }

    /// The number of aircraft.
    pub fn len(&self) -> usize {
        self.aircraft.len()
    }

    /// Whether the picture contains no aircraft.
    pub fn is_empty(&self) -> bool {
        self.aircraft.is_empty()
    }

    /// All states, ordered by address.
    pub fn states(&self) -> impl Iterator<Item = &Arc<StateVector>> {
        self.aircraft.values().filter_map(|&number| self.slot(number))
    }

    /// All states as of the last [`Picture::take_changes`], with their numbers and ordered by them.
    pub fn published(&self) -> impl Iterator<Item = (u32, &Arc<StateVector>)> {
        (0..).zip(&self.slots).filter_map(|(number, slot)| {
            let state = match self.before.get(&number) {
                Some(before) => before.as_ref(),
                None => slot.as_ref(),
            };
            Some((number, state?))
        })
    }

    /// The state of one aircraft as of the last [`Picture::take_changes`], with its number.
    pub fn published_of(&self, icao24: Icao24) -> Option<(u32, &Arc<StateVector>)> {
        match self.aircraft.get(&icao24) {
            Some(&number) if !self.before.contains_key(&number) => Some((number, self.slot(number)?)),
            _ => {
                let mut before = self.before.iter().filter_map(|(number, before)| Some((*number, before.as_ref()?)));
                before.find(|(_, before)| before.icao24 == icao24)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_support::state;

    const TIMEOUT: Duration = Duration::from_secs(300);

    fn apply(picture: &mut Picture, now: i64, states: &[(&str, i64)]) -> Applied {
        let states: Vec<_> = states.iter().map(|(icao24, at)| Arc::new(state(icao24, *at))).collect();
        picture.apply(&states, UnixTime(now), TIMEOUT)
    }

    #[test]
    fn states_that_are_not_newer_are_ignored() {
        let mut picture = Picture::default();
        apply(&mut picture, 1000, &[("aaaaaa", 990)]);
        let applied = apply(&mut picture, 1001, &[("aaaaaa", 990), ("aaaaaa", 989), ("bbbbbb", 1)]);
        assert_eq!((applied.states.len(), applied.not_newer, applied.outdated), (0, 2, 1));
        assert_eq!(picture.len(), 1);
    }

    #[test]
    fn a_state_far_ahead_of_the_clock_does_not_block_later_states() {
        let mut picture = Picture::default();
        let applied = apply(&mut picture, 1000, &[("aaaaaa", 4601), ("bbbbbb", 4600), ("aaaaaa", 999)]);
        assert_eq!((applied.states.len(), applied.ahead), (2, 1));
        assert_eq!(apply(&mut picture, 1010, &[("aaaaaa", 1009)]).states.len(), 1);
    }

    #[test]
    fn an_aircraft_silent_for_the_timeout_is_removed() {
        let mut picture = Picture::default();
        apply(&mut picture, 1000, &[("aaaaaa", 990), ("bbbbbb", 999)]);
        assert_eq!(picture.sweep(UnixTime(1290), TIMEOUT), 0);
        assert_eq!(picture.sweep(UnixTime(1291), TIMEOUT), 1);
        assert_eq!(picture.states().map(|s| s.icao24.to_string()).collect::<Vec<_>>(), ["bbbbbb"]);
    }

    #[test]
    fn a_number_stays_with_its_aircraft_and_is_reused_afterwards() {
        let mut picture = Picture::default();
        let number =
            |picture: &Picture, icao24| picture.published_of(Icao24::parse(icao24).unwrap()).map(|(number, _)| number);
        apply(&mut picture, 1000, &[("aaaaaa", 990), ("bbbbbb", 999)]);
        apply(&mut picture, 1001, &[("bbbbbb", 1001), ("aaaaaa", 991)]);
        assert_eq!((number(&picture, "aaaaaa"), number(&picture, "bbbbbb")), (None, None), "not published yet");
        picture.take_changes();
        assert_eq!((number(&picture, "aaaaaa"), number(&picture, "bbbbbb")), (Some(0), Some(1)));
        picture.sweep(UnixTime(1295), TIMEOUT);
        apply(&mut picture, 1295, &[("cccccc", 1295), ("dddddd", 1295)]);
        assert_eq!((number(&picture, "aaaaaa"), number(&picture, "cccccc")), (Some(0), None), "as of the last update");
        let changes: Vec<_> = picture.take_changes();
        let ends = |change: &Change| [&change.before, &change.after].map(|s| s.as_ref().map(|s| s.icao24.to_string()));
        let seen: Vec<_> = changes.iter().map(|change| (change.number, ends(change))).collect();
        assert_eq!(seen, [(0, [Some("aaaaaa".into()), Some("cccccc".into())]), (2, [None, Some("dddddd".into())])]);
    }

    /// Generates the numbers and times of some states.
    fn states() -> impl Strategy<Value = Vec<(u32, i64)>> {
        prop::collection::vec((0_u32..6, 0_i64..900), 0..8)
    }

    proptest! {
        #[test]
        fn applying_the_changes_to_a_picture_yields_the_next_one(
            steps in prop::collection::vec((states(), 0_i64..900, any::<bool>()), 1..20),
        ) {
            let (mut picture, mut copy) = (Picture::default(), BTreeMap::new());
            for (states, now, take) in steps {
                let published = |picture: &Picture| -> BTreeMap<_, _> {
                    picture.published().map(|(number, state)| (number, state.clone())).collect()
                };
                let states: Vec<_> = states.iter().map(|(n, at)| Arc::new(state(&format!("{n:06x}"), *at))).collect();
                picture.apply(&states, UnixTime(now), TIMEOUT);
                picture.sweep(UnixTime(now), TIMEOUT);
                prop_assert_eq!(&copy, &published(&picture));
                if take {
                    for Change { number, before, after } in picture.take_changes() {
                        prop_assert_eq!(copy.remove(&number), before);
                        copy.extend(after.map(|after| (number, after)));
                    }
                    prop_assert_eq!(picture.changed(), 0);
                    prop_assert_eq!(&copy, &published(&picture));
                    prop_assert_eq!(copy.len(), picture.len());
                    for (number, state) in &copy {
                        prop_assert_eq!(picture.published_of(state.icao24), Some((*number, state)));
                    }
                }
            }
        }
    }
}
