//! `rules`: check files of rules, and try rules on the history.

use std::io::{self, Write};
use std::path::PathBuf;

use actors::domain::UnixTime;
use clap::{Args, Subcommand};

use super::setting_flags::RuleKeys;
use super::{ExitStatus, SettingFlags};
use crate::export::parse_time;
use crate::rules::RuleSources;

/// `rules`: check files of rules, and try rules on the history.
#[derive(Args, Debug)]
pub struct RulesArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: RulesCommand,
}

/// A command on rules.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Check files of rules, and say how each rule is understood
    Check(CheckRulesArgs),
    /// Apply rules to the history, and count the alerts
    Test(TestRulesArgs),
}

/// `rules check`: check files of rules.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  flight-monitor rules check rules.yaml
  flight-monitor rules check fences.yaml rules/

A rule may use the fences of files that are named before its own. Exit code 2 means that a file has an error.")]
pub struct CheckRulesArgs {
    /// YAML files, JSON files ending with .json, or folders of them
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `rules test`: apply rules to the history.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  flight-monitor rules test --from 2026-01-01T00:00:00Z --to 2026-01-02T00:00:00Z
  flight-monitor rules test --from 1767225600 --rules fences.yaml --rules rules.yaml
  flight-monitor rules test --from 1767225600 --json | jq '.rules[] | select(.alerts > 100)'
  flight-monitor rules test --from 1767225600 --alerts > alerts.ndjson

The alerts are those that a running server would have raised on the stored states. Nothing is published. The database is
only read, so that a SQLite file may be in use by a running server.")]
pub struct TestRulesArgs {
    /// Count the alerts that begin at this time or later: Unix seconds or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = parse_time, allow_hyphen_values = true)]
    pub from: UnixTime,

    /// The latest last_contact, included; by default the present
    #[arg(long, value_name = "TIME", value_parser = parse_time, allow_hyphen_values = true)]
    pub to: Option<UnixTime>,

    /// A file or folder of rules, in place of those of the configuration; may be repeated
    #[arg(long, value_name = "FILE")]
    pub rules: Vec<PathBuf>,

    /// Write the summary as JSON
    #[arg(long, conflicts_with = "alerts")]
    pub json: bool,

    /// Write each alert that begins or ends as a line of JSON, in place of the summary
    #[arg(long)]
    pub alerts: bool,

    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags<RuleKeys>,
}

/// Prints how each rule is understood, or every error to `errors`.
///
/// # Errors
/// Returns an error if the output is closed.
pub fn check(args: &CheckRulesArgs, mut out: impl Write, mut errors: impl Write) -> io::Result<ExitStatus> {
    let sources = RuleSources { files: args.files.clone(), ..RuleSources::default() };
    match sources.load().rules {
        Ok(rules) => {
            for rule in rules.rules() {
                writeln!(out, "{rule}")?;
            }
            writeln!(out, "{} rules and {} fences are valid", rules.rules().len(), rules.fences())?;
            Ok(ExitStatus::Done)
        }
        Err(problems) => {
            for problem in problems.lines() {
                writeln!(errors, "{problem}")?;
            }
            Ok(ExitStatus::Usage)
        }
    }
}
