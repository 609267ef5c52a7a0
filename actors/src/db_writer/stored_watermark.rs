use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::batch::{Batch, Stored};
use crate::domain::{Icao24, UnixTime};
use crate::ports::LikelyNew;

/// Remembers the newest stored `last_contact` of each aircraft, in bounded memory, to predict which rows are new to the
/// table. A wrong prediction only costs time; rows are never lost.
#[derive(Debug, Default)]
pub(super) struct StoredWatermark {
    young: Newest,
    /// The previous generation. When `young` is full it becomes the previous generation, so active aircraft are kept.
    old: Newest,
    /// Whether the last batch contained rows that were predicted to be new but existed already, as when the log is read
    /// again after a restart.
    mispredicted: bool,
}

/// Uses a fast hash, since each row needs several lookups.
type Newest = HashMap<Icao24, UnixTime, RandomState>;

/// The prediction for a batch.
#[derive(Debug, Default)]
pub(super) struct Classification {
    pub(super) likely_new: LikelyNew,
    /// The number of rows newer than every remembered `last_contact`.
    newer: u64,
}

impl StoredWatermark {
    const GENERATION: usize = 65_536;

    fn get(&self, icao24: Icao24) -> Option<UnixTime> {
        self.young.get(&icao24).or_else(|| self.old.get(&icao24)).copied()
    }

    /// Predicts that a row is new if it is newer than all stored rows and all earlier rows of the batch. Predicts no
    /// new rows while the last prediction was wrong.
    pub(super) fn classify(&self, batch: &Batch) -> Classification {
        let mut within = Newest::with_capacity_and_hasher(batch.states(), RandomState::default());
        let likely_new = batch.parts.iter().map(|part| {
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
        let likely_new: Vec<Vec<bool>> = likely_new.collect();
        let newer = likely_new.iter().flatten().filter(|newer| **newer).count() as u64;
        Classification {
            likely_new: if self.mispredicted { LikelyNew::default() } else { LikelyNew(likely_new) },
            newer,
        }
    }

    /// Remembers the rows of a stored batch, and whether their prediction was right.
    pub(super) fn remember(&mut self, batch: &Batch, classification: &Classification, stored: &Stored) {
        // It is unknown which rows of a fenced part were new.
        if stored.fenced.is_empty() {
            self.mispredicted = stored.inserted < classification.newer;
        }
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
    use crate::batch::Fenced;
    use crate::test_support::{batch, state};

    fn all_new(batch: &Batch) -> Stored {
        Stored { inserted: batch.states() as u64, ..Stored::default() }
    }

    fn remember(memory: &mut StoredWatermark, batch: &Batch) {
        memory.remember(batch, &memory.classify(batch), &all_new(batch));
    }

    #[test]
    fn only_rows_newer_than_all_earlier_ones_are_likely_new() {
        let mut memory = StoredWatermark::default();
        remember(&mut memory, &batch(0, 0, [state("aaaaaa", 10)]));
        let rows =
            [state("aaaaaa", 10), state("aaaaaa", 11), state("aaaaaa", 11), state("bbbbbb", 1), state("aaaaaa", 9)];
        let classification = memory.classify(&batch(0, 1, rows));
        assert_eq!(classification.likely_new, LikelyNew(vec![vec![false, true, false, true, false]]));
    }

    #[test]
    fn nothing_is_likely_new_after_a_wrong_prediction() {
        let mut memory = StoredWatermark::default();
        let mut next = 0;
        let mut store = |inserted: u64, fenced: Vec<Fenced>| {
            next += 2;
            let batch = batch(0, next, [state("aaaaaa", next), state("aaaaaa", next + 1)]);
            let classification = memory.classify(&batch);
            let stored = Stored { inserted, duplicates: 2 - inserted, fenced };
            memory.remember(&batch, &classification, &stored);
            classification.likely_new != LikelyNew::default()
        };
        let fenced = || vec![Fenced { partition: 0, found: None }];
        let trusted = [
            (0, vec![]),
            (0, vec![]),
            (0, fenced()),
            (1, vec![]),
            (2, vec![]),
            (2, vec![]),
            (0, fenced()),
            (2, vec![]),
        ]
        .map(|(inserted, fenced)| store(inserted, fenced));
        assert_eq!(trusted, [true, false, false, false, false, true, true, true]);
    }

    #[test]
    fn the_watermark_stays_bounded_and_keeps_active_aircraft() {
        let mut memory = StoredWatermark::default();
        let aircraft = |number: u32| state(&format!("{number:06x}"), 1);
        for number in 0..3 * StoredWatermark::GENERATION as u32 {
            remember(&mut memory, &batch(0, 0, [aircraft(number), aircraft(0xffffff)]));
        }
        assert!(memory.young.len() + memory.old.len() <= 2 * StoredWatermark::GENERATION);
        assert_eq!(memory.get(Icao24::from_u32(0xffffff)), Some(UnixTime(1)));
    }
}
