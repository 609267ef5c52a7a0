//! Converting the rows of a database that an earlier version wrote, in which numbers were stored as floating point.

use std::sync::Arc;

/// The table that holds the rows of the earlier schema until they are converted.
pub(super) const UNSCALED: &str = "state_vectors_unscaled";
/// The table that keeps rows with a number or time that does not fit in the integers of the new schema.
pub(super) const UNCONVERTIBLE: &str = "state_vectors_unconvertible";

/// How far the conversion of a database has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConversionProgress {
    /// Rows converted since the conversion was started or continued.
    pub rows: u64,
    /// The part of this run's work that is done, from 0 to 1.
    pub done: f64,
}

/// What a conversion did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// Rows converted, without those of earlier runs that were interrupted.
    pub rows: u64,
    /// Rows that do not fit the new schema, kept in the table `state_vectors_unconvertible`.
    pub unconvertible: u64,
}

/// Reports the progress of a conversion.
pub type ReportProgress = Arc<dyn Fn(ConversionProgress) + Send + Sync>;

/// What to do about rows that have not been converted.
#[derive(Clone)]
pub(super) enum OnUnconverted {
    Refuse,
    Convert(ReportProgress),
}
