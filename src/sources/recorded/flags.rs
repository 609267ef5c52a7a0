use std::path::PathBuf;

use clap::Args;

use super::source;
use crate::sources::source::{Source, SourceSettings};

/// The flags of recorded responses.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[group(skip)]
pub struct RecordedFlags {
    /// Show these recorded OpenSky responses instead of real flights
    #[arg(long, value_name = "FILE", num_args = 1.., group = "source")]
    pub replay: Vec<PathBuf>,
}

impl RecordedFlags {
    pub(in crate::sources) fn open(&self, settings: &SourceSettings) -> anyhow::Result<Option<Source>> {
        if self.replay.is_empty() { Ok(None) } else { source::open(self.replay.clone(), settings).map(Some) }
    }
}
