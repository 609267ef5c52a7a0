use std::collections::HashMap;

use crate::batch::Batch;
use crate::domain::{Icao24, UnixTime};
use crate::ports::LikelyNew;

/// The newest key that was stored for each aircraft, within a bound: tells which rows will hardly meet one of
/// their key in the table. A wrong guess costs time, never a row.
#[derive(Debug, Default)]
pub(super) struct NewestStored {
    young: HashMap<Icao24, UnixTime>,
    /// The previous generation: when `young` is full it becomes this one, so that what is still heard of is kept.
    old: HashMap<Icao24, UnixTime>,
}

impl NewestStored {
    const GENERATION: usize = 65_536;

    fn get(&self, icao24: Icao24) -> Option<UnixTime> {
        self.young.get(&icao24).or_else(|| self.old.get(&icao24)).copied()
    }

    /// For each row, whether it is newer than everything stored and everything before it in the batch.
    pub(super) fn judge(&self, batch: &Batch) -> LikelyNew {
        let mut within: HashMap<Icao24, UnixTime> = HashMap::with_capacity(batch.states());
        let judged = batch.parts.iter().map(|part| {
            let rows = part.states.iter().map(|state| {
                let before = within.get(&state.icao24).copied().or_else(|| self.get(state.icao24));
                let newer = before.is_none_or(|before| state.last_contact > before);
                if newer {
                    within.insert(state.icao24, state.last_contact);
                }
                newer
            });
            rows.collect()
        });
        LikelyNew(judged.collect())
    }

    /// Remembers the rows of a stored batch.
    pub(super) fn remember(&mut self, batch: &Batch) {
        for state in batch.iter() {
            let newest = self.get(state.icao24).map_or(state.last_contact, |known| known.max(state.last_contact));
            self.young.insert(state.icao24, newest);
            if self.young.len() >= Self::GENERATION {
                self.old = std::mem::take(&mut self.young);
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{batch, state};

    #[test]
    fn rows_not_newer_than_the_stored_or_an_earlier_one_are_doubtful() {
        let mut memory = NewestStored::default();
        memory.remember(&batch(0, 0, [state("aaaaaa", 10)]));
        let rows =
            [state("aaaaaa", 10), state("aaaaaa", 11), state("aaaaaa", 11), state("bbbbbb", 1), state("aaaaaa", 9)];
        assert_eq!(memory.judge(&batch(0, 1, rows)), LikelyNew(vec![vec![false, true, false, true, false]]));
    }

    #[test]
    fn it_stays_bounded_and_keeps_what_is_still_heard_of() {
        let mut memory = NewestStored::default();
        let aircraft = |number: u32| state(&format!("{number:06x}"), 1);
        for number in 0..3 * NewestStored::GENERATION as u32 {
            memory.remember(&batch(0, 0, [aircraft(number), aircraft(0xffffff)]));
        }
        assert!(memory.young.len() + memory.old.len() <= 2 * NewestStored::GENERATION);
        assert_eq!(memory.get(Icao24::from_u32(0xffffff)), Some(UnixTime(1)));
    }
}
