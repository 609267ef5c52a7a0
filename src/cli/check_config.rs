//! `check-config`: the configuration in effect.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use clap::Args;

use super::{ExitStatus, SettingFlags};
use crate::config::{self, Environment, Settings};

/// `check-config`: show the configuration in effect.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  flight-monitor check-config
  flight-monitor --config /etc/flight-monitor.yaml check-config
  flight-monitor check-config --probe
  flight-monitor check-config --template > config.yaml")]
pub struct CheckConfigArgs {
    /// Print a commented config.yaml with every default, and check nothing
    #[arg(long, conflicts_with = "markdown")]
    template: bool,

    /// Print the table of all settings in Markdown, and check nothing
    #[arg(long)]
    markdown: bool,

    /// Ask each source once, and say what it gives; this may cost credits. Load the aircraft table, and connect to each
    /// endpoint of notifications without sending one
    #[arg(long, conflicts_with_all = ["template", "markdown"])]
    pub probe: bool,

    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags,
}

/// Prints the effective configuration as YAML, with the origin of each value. Warnings and errors go to `errors`.
/// Also checks the files that the settings name.
///
/// # Errors
/// Returns an error if the output is closed.
pub fn run(
    args: &CheckConfigArgs,
    file: Option<&Path>,
    environment: &Environment,
    mut out: impl Write,
    mut errors: impl Write,
) -> io::Result<ExitStatus> {
    if args.template {
        write!(out, "{}", config::config_file(&BTreeMap::new()))?;
        return Ok(ExitStatus::Done);
    }
    if args.markdown {
        write!(out, "{}", config::markdown_table())?;
        return Ok(ExitStatus::Done);
    }
    let settings = Settings::load(file, environment, &args.settings.0);
    match settings.and_then(|settings| settings.check_files().map(|()| settings)) {
        Ok(settings) => {
            for warning in &settings.warnings {
                writeln!(errors, "warning: {warning}")?;
            }
            write!(out, "{}", config::effective(&settings))?;
            match settings.proxied() {
                Ok(proxies) => {
                    for proxy in proxies {
                        writeln!(out, "# proxy: {proxy}")?;
                    }
                    Ok(ExitStatus::Done)
                }
                Err(error) => {
                    writeln!(errors, "{error}")?;
                    Ok(ExitStatus::Usage)
                }
            }
        }
        Err(error) => {
            writeln!(errors, "{error}")?;
            Ok(ExitStatus::Usage)
        }
    }
}
