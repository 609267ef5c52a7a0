//! Merges the states of all sources into one state per aircraft and second, and passes on those that are new.

mod actor;
mod kept_fields;
mod merge;

pub use actor::Merger;
pub use merge::{MergeRules, MergedSource};

#[cfg(test)]
mod tests;
