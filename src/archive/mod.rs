//! The archive: Parquet files of state vectors by hour, in a folder or an S3 bucket, and the records of what is in them.
//!
//! ```text
//! date=2026-11-30/hour=03/telemetry.raw-2-1000-1900-7-0123456789abcdef.parquet   the rows, for readers
//! _commits/CLUSTER/TOPIC/PARTITION/SEQUENCE.json    one for each flush: the position, and the files to move into place
//! _compactions/date=…/hour=…/GENERATION.json        one for each compaction: the files to delete, and the one to move
//! _staging/…                                        files that are not yet in place
//! ```
//!
//! A flush writes its files aside, appends a commit record to the partition's [`chain`], and moves the files into place.
//! The record decides: before it, nothing of the flush counts, and after it, any process can finish the moves. Only one
//! writer can append the next record, so a writer that has lost its partition cannot write anything twice.

mod chain;
mod commits;
mod compaction;
mod layout;
mod local;
mod objects;
mod open;
mod remote;
#[cfg(test)]
mod tests;
mod url;

pub(crate) use commits::{Commit, Head, PartitionArchive, Segment};
pub(crate) use compaction::{CompactionRules, Compactor, HourOutcome};
pub(crate) use layout::Hour;
pub(crate) use objects::Objects;
pub(crate) use open::open;
pub use url::{ArchiveUrl, S3Endpoint};
