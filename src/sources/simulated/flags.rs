use clap::Args;

use super::source;
use crate::sources::source::{Source, SourceSettings};

/// The flags of the demonstration.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[group(skip)]
pub struct SimulatedFlags {
    /// Show simulated flights instead of real ones
    #[arg(long, group = "source")]
    pub demo: bool,

    /// Number of simulated aircraft
    #[arg(long, value_name = "N", default_value_t = Self::DEFAULT_AIRCRAFT, requires = "demo", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub demo_aircraft: u32,

    /// Merge a simulated receiver, which hears 250 km far every second, with an OpenSky that is polled once a minute
    #[arg(long, requires = "demo")]
    pub demo_receiver: bool,
}

impl SimulatedFlags {
    const DEFAULT_AIRCRAFT: u32 = 2_000;

    pub(in crate::sources) fn open(&self, settings: &SourceSettings) -> anyhow::Result<Vec<Source>> {
        if !self.demo {
            return Ok(Vec::new());
        }
        source::open(self.demo_aircraft, self.demo_receiver, settings)
    }
}

impl Default for SimulatedFlags {
    fn default() -> Self {
        Self { demo: false, demo_aircraft: Self::DEFAULT_AIRCRAFT, demo_receiver: false }
    }
}
