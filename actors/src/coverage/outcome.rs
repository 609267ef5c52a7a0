use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::domain::PollOutcome;

/// What is known about a source during a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanOutcome {
    /// The outcome of its polls.
    Polled(PollOutcome),
    /// It was not polled: there is no record, as while no process runs.
    NoRecord,
    /// Before the first record, after the latest one that can be stored by now, or in the future.
    Unknown,
}

/// Whether the sky was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Observed {
    /// A source answered.
    Covered,
    /// No source answered.
    Gap,
    /// There are no records of that time.
    Unknown,
}

impl SpanOutcome {
    /// Returns whether the sky was observed. A stale source repeats an earlier picture, so it does not observe the sky.
    pub fn observed(self) -> Observed {
        match self {
            Self::Polled(outcome) if outcome.is_covered() => Observed::Covered,
            Self::Polled(_) | Self::NoRecord => Observed::Gap,
            Self::Unknown => Observed::Unknown,
        }
    }

    /// Returns the name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Polled(outcome) => outcome.name(),
            Self::NoRecord => "no_record",
            Self::Unknown => "unknown",
        }
    }
}

impl Serialize for SpanOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
