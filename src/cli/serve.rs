use clap::Args;

use super::SettingFlags;
use crate::sources::SourceFlags;

/// `serve`: collect, store and serve flights.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  flight-monitor serve --demo
  flight-monitor serve --opensky-bounding-box 45.8,5.9,47.9,10.6
  flight-monitor serve --replay monday-1.json monday-2.json
  flight-monitor serve --roles live --kafka-bootstrap-servers kafka:9092")]
pub struct ServeArgs {
    /// The source, if it is not the OpenSky Network.
    #[command(flatten)]
    pub source: SourceFlags,

    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags,
}
