//! `init`: a first `config.yaml` and `credentials.json`.

mod answers;
mod files;
mod terminal;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use thiserror::Error;

use super::{ExitStatus, InitialKeys, SettingFlags};
use crate::atomic_file::Existing;
use crate::config::{CONFIG_FILE, Problem};

use answers::Answers;
pub use terminal::{NoTerminal, Questioner, Terminal};

/// `init`: write a first config.yaml and credentials.json.
#[derive(Args, Debug, Default)]
#[command(after_long_help = "\
On a terminal it asks for the settings below that no flag sets; elsewhere they take their defaults. A flag of any
other setting is written to the file too.

Examples:
  flight-monitor init
  flight-monitor init --opensky-client-id me-api-client --opensky-client-secret-file - < secret.txt
  flight-monitor --config /etc/flight-monitor/config.yaml init --database-url postgres://flights@db/flights")]
pub struct InitArgs {
    /// The file with the OpenSky API client's secret, or - for standard input
    #[arg(long, value_name = "FILE", requires = "opensky-client-id")]
    opensky_client_secret_file: Option<PathBuf>,

    /// Replace existing files
    #[arg(long)]
    force: bool,

    /// Settings to write to the file.
    #[command(flatten)]
    settings: SettingFlags<InitialKeys>,
}

/// Why nothing, or only a part, was written.
#[derive(Debug, Error)]
pub enum InitError {
    /// Files are only overwritten on request.
    #[error("{0} already exists; --force replaces it")]
    Exists(PathBuf),
    /// A flag with an invalid value.
    #[error(transparent)]
    Answer(#[from] Problem),
    /// A client id without its secret.
    #[error("the client's secret is missing; pass it with --opensky-client-secret-file FILE, or - for standard input")]
    NoSecret,
    /// A file or the terminal that cannot be read or written.
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

/// Asks for the settings that no flag sets, and writes `config.yaml` (or the file named by `--config`) and, for an API
/// client, `credentials.json` next to it. Returns the written files.
///
/// # Errors
/// A missing or invalid answer, or an existing file without `--force`; nothing is written then.
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
    // Before the first question, so that no answer is lost.
    refuse_existing(config)?;
    let answers = answers::gather(args, questioner, stdin)?;
    if answers.client.is_some() {
        refuse_existing(&credentials)?;
    }
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    files::write(&answers, config, &credentials, existing)
}

/// Lists the written files and the next step.
///
/// # Errors
/// A closed output.
pub fn tell(written: &[PathBuf], out: &mut impl Write) -> Result<(), InitError> {
    let mut tell = || {
        written.iter().try_for_each(|file| writeln!(out, "wrote {}", file.display()))?;
        writeln!(out, "next: flight-monitor check-config, then flight-monitor")
    };
    tell().map_err(InitError::io("standard output"))
}

#[cfg(test)]
mod tests;
