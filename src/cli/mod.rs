//! The command line: parsed into plain data, one command a file.

pub mod check_config;
mod dead_letters;
mod exit;
mod export;
pub mod health;
mod import;
pub mod init;
mod migrate;
mod replay;
mod serve;
mod setting_flags;
mod simulate;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use check_config::CheckConfigArgs;
pub use dead_letters::DeadLettersArgs;
pub use exit::ExitStatus;
pub use export::ExportArgs;
pub use health::HealthArgs;
pub use import::ImportArgs;
pub use init::InitArgs;
pub use migrate::MigrateArgs;
pub use replay::ReplayArgs;
pub use serve::ServeArgs;
pub use setting_flags::{
    ConsumingKeys, DatabaseKeys, DatabaseUrlOnly, EveryKey, ListeningKeys, PublishingKeys, SettingFlags, UsedKeys,
};
pub use simulate::SimulateArgs;
pub use values::{Addresses, SpeedFactor};

/// Live flights from the OpenSky Network: Kafka, TimescaleDB and Server-Sent Events in one server.
#[derive(Debug, Parser)]
#[command(name = "flight-monitor", version, override_usage = "flight-monitor [--config FILE] [COMMAND]", after_help = "See --help for examples and exit codes.", after_long_help = GUIDE)]
struct Cli {
    /// Read this configuration file, in place of config.yaml in the working directory
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

const GUIDE: &str = "\
Examples:
  flight-monitor serve --demo            everything in one process, with simulated flights
  flight-monitor init                    asks what a first deployment needs, writes config.yaml
  flight-monitor check-config            what is in effect, and where each value comes from
  flight-monitor                         the same as `flight-monitor serve`
  flight-monitor --http-port 9000        serve's flags work without the word
  flight-monitor serve --roles store --kafka-bootstrap-servers kafka:9092

Configuration:
  Built-in defaults < config.yaml < environment < flags. A key's environment variable is its
  section and name in upper case: KAFKA_GROUP_ID for kafka.group_id; its flag is
  --kafka-group-id. Secrets (OPENSKY_CLIENT_SECRET, ADMIN_TOKEN) have no flag.
  `flight-monitor serve --help` lists every key.

Environment:
  RUST_LOG          what is logged, such as info or warn,flight_monitor=debug
  RUST_LOG_STYLE    colours: auto, always, never
  RUST_BACKTRACE    1 adds a backtrace to a panic's line

Exit codes:
  0  done
  1  it failed; the last lines of the log say why
  2  the command line or the configuration is wrong
  3  gave up: a part failed again and again, and restarting it did not help
  4  ended before everything was drained: the shutdown's deadline passed, or a second
     signal came";

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Collect, store and serve flights (the default)
    Serve(ServeArgs),
    /// Stand in for the OpenSky Network: tokens, credits and moving aircraft
    Simulate(SimulateArgs),
    /// Bring the database's tables up to date
    Migrate(MigrateArgs),
    /// Bring files of recorded state vectors into the database
    Import(ImportArgs),
    /// Publish recorded OpenSky responses to Kafka
    Replay(ReplayArgs),
    /// List what nobody could use, and send it again after a fix
    DeadLetters(DeadLettersArgs),
    /// Write the history as Parquet, CSV or NDJSON
    Export(ExportArgs),
    /// Show the configuration in effect, secrets masked
    CheckConfig(CheckConfigArgs),
    /// Write a first config.yaml and credentials.json
    Init(InitArgs),
    /// Ask a running server whether it is alive, for container health checks
    Health(HealthArgs),
}

/// A parsed command line.
#[derive(Debug)]
pub struct Invocation {
    /// The configuration file that was named.
    pub config: Option<PathBuf>,
    /// What is to be done.
    pub command: Command,
}

/// Parses a command line, the program's name first. Help and complaints are printed here.
///
/// # Errors
/// There is nothing (more) to do: the status to exit with.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Invocation, ExitStatus> {
    try_parse(args).map_err(|error| {
        // A closed pipe is no reason to say more.
        let _ = error.print();
        if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Done }
    })
}

fn try_parse(args: impl IntoIterator<Item = OsString>) -> Result<Invocation, clap::Error> {
    let Cli { config, command } = Cli::try_parse_from(with_default_command(args.into_iter().collect()))?;
    Ok(Invocation { config, command })
}

/// Puts `serve` where no command is named, so that its flags work without the word.
fn with_default_command(mut args: Vec<OsString>) -> Vec<OsString> {
    let mut at = 1;
    while let Some(arg) = args.get(at).and_then(|arg| arg.to_str()) {
        match arg {
            "--config" => at += 2,
            _ if arg.starts_with("--config=") => at += 1,
            _ => break,
        }
    }
    let at = at.min(args.len());
    let names_command = args.get(at).is_some_and(|arg| {
        let arg = arg.to_string_lossy();
        !arg.starts_with('-') || matches!(&*arg, "-h" | "--help" | "-V" | "--version")
    });
    // `--config` without its value is for the parser to complain about.
    let incomplete = args.last().is_some_and(|last| last == "--config");
    if !names_command && !incomplete {
        args.insert(at, "serve".into());
    }
    args
}

#[cfg(test)]
mod tests;
