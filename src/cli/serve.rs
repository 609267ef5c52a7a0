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
    /// Show simulated flights instead of real ones
    #[arg(long, conflicts_with = "replay")]
    demo: bool,

    /// Number of simulated aircraft
    #[arg(long, value_name = "N", default_value_t = 2000, requires = "demo", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    demo_aircraft: u32,

    /// Show these recorded OpenSky responses instead of real flights
    #[arg(long, value_name = "FILE", num_args = 1..)]
    replay: Vec<PathBuf>,

    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags,
}

/// The source of the flights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlightSource {
    /// The API at `opensky.base_url`.
    OpenSky,
    /// The simulator in this process.
    Demo {
        /// Number of aircraft.
        aircraft: u32,
    },
    /// Recorded responses, served by the simulator in this process.
    Recorded(Vec<PathBuf>),
}

impl ServeArgs {
    /// The source of the flights.
    pub fn source(&self) -> FlightSource {
        match (&*self.replay, self.demo) {
            ([], false) => FlightSource::OpenSky,
            ([], true) => FlightSource::Demo { aircraft: self.demo_aircraft },
            (files, _) => FlightSource::Recorded(files.to_vec()),
        }
    }
}
