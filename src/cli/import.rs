use std::path::PathBuf;

use clap::Args;

use super::SettingFlags;
use super::setting_flags::DatabaseKeys;
use crate::import::FileFormat;

/// `import`: bring files of recorded state vectors into the database.
#[derive(Args, Debug)]
#[command(after_long_help = "\
The content of a file says what it is: CSV with the names of the columns, as `GET /api/v1/history` exports it, and as
spreadsheets and pandas save it; NDJSON of the same; recorded responses of OpenSky, one a line or one a file; OpenSky's
state vector dumps as CSV; Parquet, as `export` writes it. Text may be gzipped. A pipe works, too: `-` is the standard
input.

Columns: icao24 and last_contact, which are needed; callsign, origin_country, lat, lon, velocity, true_track,
vertical_rate, baro_altitude, geo_altitude, on_ground, squawk, spi, position_source, category, time_position, observed_at.
OpenSky's names for the same are understood. docs/import.md lists all names and values.

A file of which nothing can be imported is an error (exit code 1), and is not remembered.

A file is known by what is in it. An import that was broken off, whatever ended it, goes on where it was when it is
started again, and a file that was imported is not imported twice; rows that are in the database stay as they are.

Rows that are older than database.retention are refused, for they would be deleted at once. Widen it to keep them, in
the server's configuration too.

Examples:
  flight-monitor import history.csv monday.ndjson.gz monday.parquet recorded/*.json
  zstd -dc tuesday.csv.zst | flight-monitor import -
  flight-monitor import --database-retention 400d last-year.csv.gz")]
pub struct ImportArgs {
    /// CSV, NDJSON or recorded responses of /states/all, also gzipped; Parquet; - for the standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// What the files are, in place of what their first lines tell
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<FileFormat>,

    /// Give a file up after more bad records than this
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub max_bad: u64,

    /// Read files from their beginning though they were imported before: after rows were refused or deleted
    #[arg(long)]
    pub again: bool,

    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags<DatabaseKeys>,
}
