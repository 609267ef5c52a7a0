//! Merges the files of an hour into one.
//!
//! A compaction writes the merged file aside, appends a record to the hour's chain, deletes the files that it has merged,
//! and moves the merged one into place. The record decides: any process can finish what follows it. Between the deletion
//! and the move, readers miss the rows of the hour; they never see them twice.

mod compactor;
mod merge;

pub(crate) use compactor::{CompactionRules, Compactor, HourOutcome};
