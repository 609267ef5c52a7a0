//! The command line, parsed into plain data. Each command has its own file.

mod archive;
pub mod check_config;
mod dead_letters;
mod exit;
mod export;
pub mod health;
mod import;
pub mod init;
mod migrate;
mod replay;
pub mod rules;
mod serve;
mod setting_flags;
mod simulate;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};

pub use archive::{ArchiveArgs, ArchiveCommand, CompactArgs};
pub use check_config::CheckConfigArgs;
pub use dead_letters::DeadLettersArgs;
pub use exit::ExitStatus;
pub use export::ExportArgs;
pub use health::HealthArgs;
pub use import::ImportArgs;
pub use init::InitArgs;
pub use migrate::MigrateArgs;
pub use replay::ReplayArgs;
pub use rules::{RulesArgs, RulesCommand, TestRulesArgs};
pub use serve::ServeArgs;
pub use setting_flags::{
    ArchiveKeys, ConsumingKeys, DatabaseKeys, EverySetting, HistoryKeys, InitialKeys, ListeningKeys, PublishingKeys,
    RuleKeys, SettingFlags, UsedSettings,
};
pub use simulate::SimulateArgs;
pub use values::{Addresses, SpeedFactor};

/// Live flights from the OpenSky Network: Kafka, TimescaleDB and Server-Sent Events in one server.
#[derive(Debug, Parser)]
#[command(name = "flight-monitor", version, override_usage = "flight-monitor [--config FILE] [COMMAND]", after_help = "See --help for examples and exit codes.", after_long_help = GUIDE)]
struct Cli {
    /// Read this configuration file instead of config.yaml in the working directory
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

const GUIDE: &str = "\
Examples:
  flight-monitor serve --demo            everything in one process, with simulated flights
  flight-monitor init                    ask for the settings of a first deployment, write config.yaml
  flight-monitor check-config            every setting in effect, with its origin
  flight-monitor                         the same as `flight-monitor serve`
  flight-monitor --http-port 9000        `serve` may be omitted before its flags
  flight-monitor serve --roles store --kafka-bootstrap-servers kafka:9092

Configuration:
  Built-in defaults < config.yaml < environment < flags. A key's environment variable is its
  section and name in upper case: KAFKA_GROUP_ID for kafka.group_id; its flag is
  --kafka-group-id. Secrets (OPENSKY_CLIENT_SECRET, ADMIN_TOKEN) have no flag.
  `flight-monitor serve --help` lists every key.

Environment:
  RUST_LOG          log filter, such as info or warn,flight_monitor=debug
  RUST_LOG_STYLE    colours: auto, always, never
  RUST_BACKTRACE    1 logs a backtrace with a panic

Exit codes:
  0  done
  1  failed; the last lines of the log have the reason
  2  invalid command line or configuration
  3  gave up: an actor failed repeatedly in spite of restarts
  4  exited before everything was drained, at the shutdown timeout or a second signal";

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Collect, store and serve flights (the default)
    Serve(ServeArgs),
    /// Simulate the OpenSky Network: tokens, credits and moving aircraft
    Simulate(SimulateArgs),
    /// Update the database schema
    Migrate(MigrateArgs),
    /// Import files of recorded state vectors into the database
    Import(ImportArgs),
    /// Publish recorded OpenSky responses to Kafka
    Replay(ReplayArgs),
    /// List the dead letters, and publish them again after a fix
    DeadLetters(DeadLettersArgs),
    /// Write the history as Parquet, CSV or NDJSON
    Export(ExportArgs),
    /// Maintain the archive of Parquet files
    Archive(ArchiveArgs),
    /// Check files of rules, and try rules on the history
    Rules(RulesArgs),
    /// Show the configuration in effect, secrets masked
    CheckConfig(CheckConfigArgs),
    /// Write a first config.yaml and credentials.json
    Init(InitArgs),
    /// Check whether a running server is alive, for container health checks
    Health(HealthArgs),
}

/// A parsed command line.
#[derive(Debug)]
pub struct Invocation {
    /// The file of `--config`.
    pub config: Option<PathBuf>,
    /// The command.
    pub command: Command,
}

/// Parses a command line that starts with the program's name. Prints help and usage errors.
///
/// # Errors
/// Returns the exit status if help or a usage error was printed.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Invocation, ExitStatus> {
    try_parse(args).map_err(|error| {
        // Nothing to do if the pipe is closed.
        let _ = error.print();
        if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Done }
    })
}

fn try_parse(args: impl IntoIterator<Item = OsString>) -> Result<Invocation, clap::Error> {
    let Cli { config, command } = Cli::try_parse_from(with_default_command(args.into_iter().collect()))?;
    if let Command::Export(args) = &command {
        args.check(&mut Cli::command())?;
    }
    Ok(Invocation { config, command })
}

/// Inserts `serve` if no command is named, so that its flags work without naming it.
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
    // The parser reports a `--config` without a value.
    let incomplete = args.last().is_some_and(|last| last == "--config");
    if !names_command && !incomplete {
        args.insert(at, "serve".into());
    }
    args
}

#[cfg(test)]
mod tests;
