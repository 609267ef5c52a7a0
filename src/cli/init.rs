//! `init`: writes a first `config.yaml` and `credentials.json`.

mod answers;
mod args;
mod files;
mod terminal;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::atomic_file::Existing;
use crate::config::CONFIG_FILE;

pub use args::{InitArgs, InitError};
pub use terminal::{NoTerminal, Questioner, Terminal};

/// Asks for the settings that are not set by flags, and writes `config.yaml` (or the file named by `--config`) and, for
/// an API client, `credentials.json` in the same directory. Returns the written files.
///
/// # Errors
/// Returns an error if an answer is missing or invalid, or a file exists and `--force` is not given. In these cases
/// nothing is written.
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
    // Checked before the first question, so that no answers are lost.
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
/// Returns an error if the output is closed.
pub fn print_next_steps(written: &[PathBuf], out: &mut impl Write) -> Result<(), InitError> {
    let mut print = || {
        written.iter().try_for_each(|file| writeln!(out, "wrote {}", file.display()))?;
        writeln!(out, "next: flight-monitor check-config, then flight-monitor")
    };
    print().map_err(InitError::io("standard output"))
}

#[cfg(test)]
mod tests;
