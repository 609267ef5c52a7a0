//! `rules`: check files of rules.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ExitStatus;
use crate::rules::RuleSources;

/// `rules`: check files of rules.
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
}

/// `rules check`: check files of rules.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  flight-monitor rules check rules.yaml
  flight-monitor rules check fences.yaml rules/*.yaml

A rule may use the fences of files that are named before its own. Exit code 2 means that a file has an error.")]
pub struct CheckRulesArgs {
    /// YAML files, JSON files ending with .json, or folders of them
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Prints how each rule is understood, or every error to `errors`.
///
/// # Errors
/// Returns an error if the output is closed.
pub fn run(args: &RulesArgs, mut out: impl Write, mut errors: impl Write) -> io::Result<ExitStatus> {
    let RulesCommand::Check(CheckRulesArgs { files }) = &args.command;
    let sources = RuleSources { files: files.clone(), ..RuleSources::default() };
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
