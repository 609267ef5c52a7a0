use std::path::PathBuf;

use clap::Args;

use super::SettingFlags;

/// `serve`: collect, store and serve flights.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  flight-monitor serve --demo
  flight-monitor serve --opensky-bounding-box 45.8,5.9,47.9,10.6
  flight-monitor serve --replay monday-1.json monday-2.json
  flight-monitor serve --roles live --kafka-bootstrap-servers kafka:9092")]
pub struct ServeArgs {
    /// Show simulated flights in place of the real ones
    #[arg(long, conflicts_with = "replay")]
    demo: bool,

    /// How many aircraft the demonstration has
    #[arg(long, value_name = "N", default_value_t = 2000, requires = "demo", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    demo_aircraft: u32,

    /// Show these recorded OpenSky responses in place of the real flights
    #[arg(long, value_name = "FILE", num_args = 1..)]
    replay: Vec<PathBuf>,

    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags,
}

/// Where the flights that are served come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlightSource {
    /// What `opensky.base_url` names.
    OpenSky,
    /// The simulator in this process.
    Demo {
        /// How many aircraft it moves.
        aircraft: u32,
    },
    /// Recorded responses, by the simulator in this process.
    Recorded(Vec<PathBuf>),
}

impl ServeArgs {
    /// Where the flights come from.
    pub fn source(&self) -> FlightSource {
        match (&*self.replay, self.demo) {
            ([], false) => FlightSource::OpenSky,
            ([], true) => FlightSource::Demo { aircraft: self.demo_aircraft },
            (files, _) => FlightSource::Recorded(files.to_vec()),
        }
    }
}
