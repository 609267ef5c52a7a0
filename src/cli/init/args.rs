use std::io;
use std::path::PathBuf;

use clap::Args;
use thiserror::Error;

use crate::cli::{ExitStatus, InitialKeys, SettingFlags};
use crate::config::ConfigProblem;

/// `init`: write a first config.yaml and credentials.json.
#[derive(Args, Debug, Default)]
#[command(after_long_help = "\
On a terminal it asks for the settings below that no flag sets; elsewhere they take their defaults. A flag of any
other setting is written to the file too.

Examples:
  flight-monitor init
  flight-monitor init --receiver http://roof/tar1090/data/aircraft.json
  flight-monitor init --opensky-client-id me-api-client --opensky-client-secret-file - < secret.txt
  flight-monitor --config /etc/flight-monitor/config.yaml init --database-url postgres://flights@db/flights")]
pub struct InitArgs {
    /// The file with the OpenSky API client's secret, or - for standard input
    #[arg(long, value_name = "FILE", requires = "opensky-client-id")]
    pub(super) opensky_client_secret_file: Option<PathBuf>,

    /// A receiver or a feed, in addition to OpenSky: its URL, host:port or path
    #[arg(long, value_name = "ADDRESS")]
    pub(super) receiver: Option<String>,

    /// Replace existing files
    #[arg(long)]
    pub(super) force: bool,

    /// Settings to write to the file.
    #[command(flatten)]
    pub(super) settings: SettingFlags<InitialKeys>,
}

/// The reason why nothing, or only one of the files, was written.
#[derive(Debug, Error)]
pub enum InitError {
    /// The file exists and `--force` was not given.
    #[error("{0} already exists; use --force to replace it")]
    Exists(PathBuf),
    /// A flag has an invalid value.
    #[error(transparent)]
    Answer(#[from] ConfigProblem),
    /// The address of the receiver is invalid, or does not tell its kind.
    #[error("--receiver {0}")]
    Receiver(String),
    /// The client id was given without its secret.
    #[error("the client secret is missing; pass it with --opensky-client-secret-file FILE, or - for standard input")]
    NoSecret,
    /// A file or the terminal cannot be read or written.
    #[error("{what}: {error}")]
    Io {
        /// The file, or the terminal.
        what: String,
        /// The cause.
        #[source]
        error: io::Error,
    },
}

impl InitError {
    /// Returns the exit status for this error.
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::Exists(_) | Self::Answer(_) | Self::Receiver(_) | Self::NoSecret => ExitStatus::Usage,
            Self::Io { .. } => ExitStatus::Failed,
        }
    }

    pub(super) fn io(what: &(impl ToString + ?Sized)) -> impl FnOnce(io::Error) -> Self {
        let what = what.to_string();
        move |error| Self::Io { what, error }
    }
}
