use std::path::PathBuf;

use actors::domain::{BoundingBox, Icao24, UnixTime};
use clap::Args;

use super::SettingFlags;
use super::values::time;

/// `export`: write the history into a file.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  flight-monitor export --from 2026-01-01T00:00:00Z --to 2026-01-02T00:00:00Z january-1.parquet
  flight-monitor export --from 1767225600 --bbox 45.8,5.9,47.9,10.6 switzerland.csv
  flight-monitor export --from 1767225600 --icao24 4b1814,3c6444 two.ndjson")]
pub struct ExportArgs {
    /// What to write: a .parquet, .csv or .ndjson file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The earliest last_contact, included: Unix seconds or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    pub from: UnixTime,

    /// The latest last_contact, included; without it everything up to now
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    pub to: Option<UnixTime>,

    /// Only positions in this box; with LOMIN > LOMAX it crosses the antimeridian
    #[arg(long, value_name = "LAMIN,LOMIN,LAMAX,LOMAX", allow_hyphen_values = true)]
    pub bbox: Option<BoundingBox>,

    /// Only these aircraft
    #[arg(long, value_name = "ADDRESS,…", value_delimiter = ',')]
    pub icao24: Vec<Icao24>,

    /// Replace the file if it is there
    #[arg(long)]
    pub force: bool,

    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags,
}
