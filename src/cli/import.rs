use std::path::PathBuf;

use actors::domain::FIELDS;
use clap::Args;

use super::SettingFlags;
use super::setting_flags::DatabaseKeys;
use crate::import::FileFormat;

/// `import`: import files of recorded state vectors into the database.
#[derive(Args, Debug)]
#[command(after_long_help = long_help())]
pub struct ImportArgs {
    /// CSV, NDJSON, recorded responses of /states/all or traces of readsb, also compressed or in a tar archive; Parquet;
    /// a folder of such files; - for standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// The format of the files, instead of detecting it
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<FileFormat>,

    /// Abort a file after more bad records than this
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub max_bad: u64,

    /// Read files from the beginning even if they were imported before, for rows that were skipped or deleted since
    #[arg(long)]
    pub again: bool,

    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags<DatabaseKeys>,
}

fn long_help() -> String {
    let names =
        |required: bool| FIELDS.iter().filter(move |field| field.is_required() == required).map(|field| field.name);
    let required = names(true).collect::<Vec<_>>().join(" and ");
    let optional = names(false).collect::<Vec<_>>().join(", ");
    format!(
        "\
The format is detected from the content: CSV with a header, as from `GET /api/v1/history`, spreadsheets and pandas;
NDJSON with the same fields; recorded responses of OpenSky, one per line or one per file; OpenSky's state vector dumps;
traces of readsb; Parquet, as from `export`, pandas or OpenSky's Trino. Text may be compressed by gzip or zstd, and in a
tar archive. `-` is standard input.

Columns: {required}, which are required; {optional}.
OpenSky's names of the same fields are accepted. docs/import.md lists all names and values.

A file from which nothing can be imported is an error (exit code 1).

A file is identified by its content. An interrupted import continues where it stopped when it is started again, and a
file is not imported twice; existing rows do not change.

Rows older than database.retention are skipped, since they would be deleted immediately. Increase it to keep them, in
the server's configuration too.

Examples:
  flight-monitor import history.csv monday.ndjson.gz monday.parquet recorded/*.json
  flight-monitor import --database-retention 5000d states_2022-06-27-*.csv.tar
  flight-monitor import globe_history/2026/11/29/traces
  cat v2026.11.29-planes-readsb-prod-0.tar.a? | flight-monitor import -"
    )
}
