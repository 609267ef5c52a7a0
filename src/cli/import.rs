use std::path::PathBuf;

use clap::Args;

use super::SettingFlags;
use crate::import::FileFormat;

/// `import`: bring files of recorded state vectors into the database.
#[derive(Args, Debug)]
#[command(after_long_help = "\
What is in the file says what it is: CSV with the names of the columns, as `GET /api/v1/history` exports it; NDJSON of
the same; recorded responses of OpenSky, one a line or one a file. Each of them may be gzipped.

A file is known by what is in it. An import that was broken off, whatever ended it, goes on where it was when it is
started again, and a file that was imported is not imported twice; rows that are in the database stay as they are.

Rows that are older than database.retention are refused, for they would be deleted at once. Widen it to keep them, in
the server's configuration too.

Examples:
  flight-monitor import history.csv monday.ndjson.gz recorded/*.json
  flight-monitor import --database-retention 400d last-year.csv.gz")]
pub struct ImportArgs {
    /// CSV, NDJSON or recorded responses of /states/all, also gzipped
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
    pub settings: SettingFlags,
}
