use std::time::Duration;

use crate::config::section::section;
use crate::config::values::{mins, secs};

section! {
    /// How the sources are merged into one picture.
    pub struct MergeSettings in "merge" {
        /// A source keeps an aircraft until it has been silent about it for this long, or until one of a higher priority
        /// reports it, so that tracks do not jump between receivers with different delays.
        handover: Duration = "10s", secs(1)..=mins(5);
    }
}
