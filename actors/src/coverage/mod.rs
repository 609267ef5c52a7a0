//! Decides from the records of polls when the sky was observed, and where the gaps are.

mod combined;
mod outcome;
mod source_polls;
mod span;
#[cfg(test)]
mod tests;

pub use combined::combine;
pub use outcome::{Observed, SpanOutcome};
pub use source_polls::{MAX_PLAN, PollTotals, SourcePolls, Window};
pub use span::{ObservedTime, Span, simplify};
