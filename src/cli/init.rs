//! `init`: a first `config.yaml` and `credentials.json`.

mod answers;
mod files;
mod terminal;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use thiserror::Error;

use super::ExitStatus;
use crate::config::{CONFIG_FILE, Problem};

pub use answers::Answers;
pub use terminal::{NoTerminal, Questioner, Terminal};

/// `init`: write a first config.yaml and credentials.json.
#[derive(Args, Debug, Default)]
#[command(after_long_help = "\
On a terminal it asks for what no flag gives; elsewhere what no flag gives takes its default.

Examples:
  flight-monitor init
  flight-monitor init --opensky-client-id me-api-client --opensky-client-secret-file - < secret.txt
  flight-monitor --config /etc/flight-monitor/config.yaml init --database-url postgres://flights@db/flights")]
pub struct InitArgs {
    /// The OpenSky API client's id; without one requests are anonymous
    #[arg(long, value_name = "ID")]
    opensky_client_id: Option<String>,

    /// The file with the OpenSky API client's secret, or - for the standard input
    #[arg(long, value_name = "FILE", requires = "opensky_client_id")]
    opensky_client_secret_file: Option<PathBuf>,

    /// Only this area: lamin,lomin,lamax,lomax in degrees; empty for the world
    #[arg(long, value_name = "LAMIN,LOMIN,LAMAX,LOMAX", allow_hyphen_values = true)]
    opensky_bounding_box: Option<String>,

    /// The Kafka brokers as host:port,host:port; empty for the embedded one
    #[arg(long, value_name = "HOST:PORT,…")]
    kafka_bootstrap_servers: Option<String>,

    /// The database: sqlite://PATH or postgres://…
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,

    /// Replace files that are there already
    #[arg(long)]
    force: bool,
}

/// Why nothing, or not everything, was written.
#[derive(Debug, Error)]
pub enum InitError {
    /// Files are never overwritten unasked.
    #[error("{0} is there already; --force replaces it")]
    Exists(PathBuf),
    /// An answer that was given by a flag is no such value.
    #[error(transparent)]
    Answer(#[from] Problem),
    /// An id alone is of no use.
    #[error(
        "the client's secret is missing; give it by --opensky-client-secret-file FILE, or - for the standard input"
    )]
    NoSecret,
    /// A file or the terminal cannot be read or written.
    #[error("{what}: {error}")]
    Io {
        /// Which one.
        what: String,
        /// The system's word.
        #[source]
        error: io::Error,
    },
}

impl InitError {
    /// What to exit with.
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::Exists(_) | Self::Answer(_) | Self::NoSecret => ExitStatus::Usage,
            Self::Io { .. } => ExitStatus::Failed,
        }
    }

    fn io(what: &(impl ToString + ?Sized)) -> impl FnOnce(io::Error) -> Self {
        let what = what.to_string();
        move |error| Self::Io { what, error }
    }
}

/// Asks for what the flags leave open and writes the files: `config.yaml` (or the file named by `--config`) and, where
/// there is an API client, `credentials.json` beside it. Returns what was written.
///
/// # Errors
/// Nothing is overwritten without `--force`, and nothing is written when an answer is missing or wrong.
pub fn run(
    args: &InitArgs,
    config: Option<&Path>,
    questioner: &mut impl Questioner,
    stdin: &mut impl Read,
) -> Result<Vec<PathBuf>, InitError> {
    let config = config.unwrap_or(Path::new(CONFIG_FILE));
    let credentials = config.with_file_name("credentials.json");
    let refuse_existing = |file: &Path| match file.try_exists() {
        Ok(true) if !args.force => Err(InitError::Exists(file.to_owned())),
        Ok(_) => Ok(()),
        Err(error) => Err(InitError::io(&file.display())(error)),
    };
    // Before the first question, or the answers would be in vain.
    refuse_existing(config)?;
    let answers = answers::gather(args, questioner, stdin)?;
    if answers.client.is_some() {
        refuse_existing(&credentials)?;
    }
    files::write(&answers, config, &credentials, args.force)
}

/// Says what was written and how to go on.
///
/// # Errors
/// When nothing can be written there.
pub fn tell(written: &[PathBuf], out: &mut impl Write) -> Result<(), InitError> {
    let mut tell = || {
        written.iter().try_for_each(|file| writeln!(out, "wrote {}", file.display()))?;
        writeln!(out, "next: flight-monitor check-config, then flight-monitor")
    };
    tell().map_err(InitError::io("standard output"))
}

#[cfg(test)]
mod tests;
