//! The commands that need more than the configuration, one function each.

use std::path::Path;

use actix::System;
use anyhow::Context;

use super::compact::NoArchive;
use super::pipeline::NoKafka;
use super::{App, compact, dead_letters, export, import, probe, replay, try_rules};
use crate::cli::{
    ArchiveArgs, ArchiveCommand, CheckConfigArgs, DeadLettersArgs, ExitStatus, ExportArgs, ImportArgs, MigrateArgs,
    ReplayArgs, ServeArgs, SimulateArgs, TestRulesArgs,
};
use crate::config::{ConfigError, Environment, Flags, Settings};
use crate::http::StartError;
use crate::proxy::InvalidProxy;
use crate::rules::InvalidRules;
use crate::sources::opensky::CredentialsError;

/// `serve`: runs the server until it is stopped.
pub fn serve(args: &ServeArgs, config: Option<&Path>) -> ExitStatus {
    with_settings(&args.settings.0, config, |settings| async {
        Ok(App::start(settings, &args.source).await?.run().await)
    })
}

/// `migrate`: brings the database's schema up to date.
pub fn migrate(args: &MigrateArgs, config: Option<&Path>) -> ExitStatus {
    with_settings(&args.settings.0, config, |settings| async move { super::migrate::run(&settings).await })
}

/// `import`: imports recorded state vectors into the database.
pub fn import(args: &ImportArgs, config: Option<&Path>) -> ExitStatus {
    with_settings(&args.settings.0, config, |settings| async move { import::run(args, &settings).await })
}

/// `replay`: publishes recorded responses to Kafka.
pub fn replay(args: &ReplayArgs, config: Option<&Path>) -> ExitStatus {
    with_settings(&args.settings.0, config, |settings| async move {
        replay::run(args, &settings).await?;
        Ok(ExitStatus::Done)
    })
}

/// `dead-letters`: lists the dead letters, or publishes them again.
pub fn dead_letters(args: &DeadLettersArgs, config: Option<&Path>) -> ExitStatus {
    with_settings(&args.settings.0, config, |settings| async move {
        dead_letters::run(args, &settings).await?;
        Ok(ExitStatus::Done)
    })
}

/// `export`: writes the history to a file or standard output.
pub fn export(args: &ExportArgs, config: Option<&Path>) -> ExitStatus {
    with_settings(&args.settings.0, config, |settings| async move {
        export::run(args, &settings).await?;
        Ok(ExitStatus::Done)
    })
}

/// `archive`: maintains the archive.
pub fn archive(args: &ArchiveArgs, config: Option<&Path>) -> ExitStatus {
    match &args.command {
        ArchiveCommand::Compact(args) => {
            with_settings(&args.settings.0, config, |settings| async move { compact::run(args, &settings).await })
        }
    }
}

/// `rules test`: applies rules to the history.
pub fn test_rules(args: &TestRulesArgs, config: Option<&Path>) -> ExitStatus {
    with_settings(&args.settings.0, config, |settings| async move { try_rules::run(args, &settings).await })
}

/// `check-config --probe`: asks each configured source once.
pub fn probe(args: &CheckConfigArgs, config: Option<&Path>) -> ExitStatus {
    with_settings(&args.settings.0, config, |settings| async move { probe::run(&settings, std::io::stdout()).await })
}

/// `simulate`: runs the OpenSky simulator until it is stopped.
pub fn simulate(args: &SimulateArgs) -> ExitStatus {
    in_system(async {
        // Registered first, so that a signal during the start is not lost.
        let mut signals = super::shutdown::Signals::new()?;
        let simulator = simulator::start(args.options())?;
        log::info!("simulating the OpenSky Network; to use it, start a server with");
        log::info!("  OPENSKY_BASE_URL={}", simulator.base_url());
        log::info!("  OPENSKY_AUTH_URL={}", simulator.auth_url());
        log::info!("receiver: {}", simulator.aircraft_url());
        for (name, address) in [("SBS", simulator.sbs_address()), ("Beast", simulator.beast_address())] {
            if let Some(address) = address {
                log::info!("receiver: {name} at {address}");
            }
        }
        log::info!("community: {}", simulator.community_url());
        let name = signals.next().await;
        log::info!("{name}: shutting down");
        simulator.stop();
        Ok(ExitStatus::Done)
    })
}

/// Loads the configuration, logs its problems or warnings, and runs `work` with it.
fn with_settings<F>(flags: &Flags, config: Option<&Path>, work: impl FnOnce(Settings) -> F) -> ExitStatus
where
    F: Future<Output = anyhow::Result<ExitStatus>>,
{
    let settings = match Settings::load(config, &Environment::of_process(), flags) {
        Ok(settings) => settings,
        Err(error) => {
            log_problems(&error);
            return ExitStatus::Usage;
        }
    };
    for warning in &settings.warnings {
        log::warn!("{warning}");
    }
    in_system(work(settings))
}

/// Logs the problems of the configuration, one line each.
pub fn log_problems(ConfigError(problems): &ConfigError) {
    for problem in problems {
        log::error!("configuration: {problem}");
    }
}

fn in_system(work: impl Future<Output = anyhow::Result<ExitStatus>>) -> ExitStatus {
    match System::new().block_on(work).context("flight-monitor") {
        Ok(status) => status,
        Err(error) => {
            log::error!("{}", error.chain().skip(1).map(ToString::to_string).collect::<Vec<_>>().join(": "));
            status_of(&error)
        }
    }
}

/// Returns the exit status for an error. Errors that only a different command line or configuration can fix have their
/// own status, so that a supervisor does not restart the process for nothing.
fn status_of(error: &anyhow::Error) -> ExitStatus {
    let is_bad_tls = matches!(error.downcast_ref(), Some(StartError::Tls(_)));
    if is_bad_tls
        || error.is::<CredentialsError>()
        || error.is::<InvalidProxy>()
        || error.is::<NoKafka>()
        || error.is::<NoArchive>()
        || error.is::<InvalidRules>()
    {
        ExitStatus::Usage
    } else {
        ExitStatus::Failed
    }
}
