use std::path::{Path, PathBuf};

use actors::domain::{BoundingBox, UnixTime};
use clap::error::ErrorKind;
use clap::{Args, Command, ValueEnum};

use super::SettingFlags;
use super::setting_flags::HistoryKeys;
use super::values::{Addresses, addresses};
use crate::export::{Columns, ExportFormat, Fields, parse_callsign, parse_time};
use crate::files::parquet::NumberType;

/// `export`: write the history into a file or to standard output.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  flight-monitor export --from 2026-01-01T00:00:00Z --to 2026-01-02T00:00:00Z january-1.parquet
  flight-monitor export --from 1767225600 --bbox 45.8,5.9,47.9,10.6 switzerland.csv
  flight-monitor export --from 1767225600 --icao24 4b1814,3c6444 two.ndjson
  flight-monitor export --from 1767225600 --columns traffic --aircraft for-traffic.parquet
  flight-monitor export --from 1767225600 --callsign SWR123 --fields last_contact,lat,lon --format csv - | head

The filters and fields have the syntax of GET /api/v1/history. The database is only read, so that a SQLite file may be
in use by a running server. Rows are written in the order of time; in Parquet, a million rows at a time are sorted by
aircraft, then by time, and each row group is later than the one before it.")]
pub struct ExportArgs {
    /// The file to write: .parquet, .csv or .ndjson, or - for standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The format: csv, ndjson or parquet [default: by the file's extension]
    #[arg(long, value_name = "FORMAT", required_if_eq("file", "-"))]
    format: Option<ExportFormat>,

    /// The earliest last_contact, included: Unix seconds or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = parse_time, allow_hyphen_values = true)]
    pub from: UnixTime,

    /// The latest last_contact, included; by default the present
    #[arg(long, value_name = "TIME", value_parser = parse_time, allow_hyphen_values = true)]
    pub to: Option<UnixTime>,

    /// Only positions in this box; with LOMIN > LOMAX it crosses the antimeridian
    #[arg(long, value_name = "LAMIN,LOMIN,LAMAX,LOMAX", allow_hyphen_values = true)]
    pub bbox: Option<BoundingBox>,

    /// Only these aircraft; may be repeated
    #[arg(long, value_name = "ADDRESS,…", value_parser = addresses)]
    pub icao24: Vec<Addresses>,

    /// Only this callsign, without the padding around it
    #[arg(long, value_name = "CALLSIGN", value_parser = parse_callsign)]
    pub callsign: Option<String>,

    /// Only these fields, in this order [default: all]
    #[arg(long, value_name = "FIELD,…")]
    fields: Option<Fields>,

    /// The columns of another program, with its names and units, as CSV or Parquet
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["fields", "numbers"])]
    columns: Option<OtherColumns>,

    /// Add what is known about the aircraft: registration, type, operator (from enrichment.aircraft_table) and airline
    #[arg(long)]
    pub aircraft: bool,

    /// The type of numbers in Parquet [default: decimal]
    #[arg(long, value_name = "TYPE")]
    numbers: Option<NumberType>,

    /// Replace an existing file
    #[arg(long)]
    pub force: bool,

    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags<HistoryKeys>,
}

/// The columns of another program.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum OtherColumns {
    /// The Python library: feet, knots, feet a minute, times with a zone
    Traffic,
}

impl ExportArgs {
    /// Returns the columns of the file.
    pub(crate) fn columns(&self) -> Columns {
        match self.columns {
            Some(OtherColumns::Traffic) => Columns::Traffic,
            None => Columns::Fields(self.fields.clone().unwrap_or_default()),
        }
    }

    /// Returns the format of the file.
    ///
    /// # Errors
    /// Returns an error if there is no `--format`, and the file's extension indicates none.
    pub(crate) fn format(&self) -> anyhow::Result<ExportFormat> {
        let format = self.format.map_or_else(|| ExportFormat::of(&self.file), Ok)?;
        Ok(match format {
            ExportFormat::Parquet(numbers) => ExportFormat::Parquet(self.numbers.unwrap_or(numbers)),
            ExportFormat::Csv | ExportFormat::NdJson => format,
        })
    }

    /// Rejects `--numbers` with a format other than Parquet, and `--columns` with NDJSON.
    pub(super) fn check(&self, command: &mut Command) -> Result<(), clap::Error> {
        match self.format() {
            Ok(ExportFormat::Csv | ExportFormat::NdJson) if self.numbers.is_some() => {
                Err(command
                    .error(ErrorKind::ArgumentConflict, "--numbers is for Parquet; other formats write decimals"))
            }
            Ok(ExportFormat::NdJson) if self.columns.is_some() => {
                Err(command.error(ErrorKind::ArgumentConflict, "--columns is for CSV and Parquet"))
            }
            // A missing format is reported by the command.
            _ => Ok(()),
        }
    }

    /// Returns the file to write, or `None` for standard output.
    pub(crate) fn target(&self) -> Option<&Path> {
        (self.file.as_os_str() != "-").then_some(&*self.file)
    }
}
