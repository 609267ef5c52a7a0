use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actors::db_writer::DbWriter;
use actors::domain::UnixTime;
use actors::import::{ImportError, ImportRules, Imported, Importer};
use actors::metrics::Metrics;
use actors::supervision::{ActorName, ActorRegistry, RestartPolicy, Supervisor};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use super::pipeline::open_storage;
use crate::cli::{ExitStatus, ImportArgs};
use crate::config::Settings;
use crate::import::{FileReader, ImportFile, files_in};

/// How far a row's time may be ahead of this machine's clock.
const FUTURE_TOLERANCE: Duration = Duration::from_secs(60);

/// How long to wait for a database that becomes unavailable during an import.
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);

/// Imports the files one by one. If a file fails, the others are still imported.
pub(super) async fn run(args: &ImportArgs, settings: &Settings) -> anyhow::Result<ExitStatus> {
    let files = files_in(&args.files)?;
    let storage = open_storage(settings)?;
    storage.migrate_schema().await?;
    let (supervisor, _failures) = Supervisor::new(ActorRegistry::default(), RestartPolicy::default());
    let db_writer = supervisor.start(ActorName::DbWriter, move |vitals| {
        DbWriter::new(storage.writer(), vitals, Metrics::unregistered()).without_maintenance()
    });
    let now = UnixTime::now();
    let importer = Importer {
        positions: db_writer.clone().recipient(),
        db_writer: db_writer.recipient(),
        rules: ImportRules {
            oldest: now.minus(settings.database.retention),
            newest: UnixTime(now.0.saturating_add_unsigned(FUTURE_TOLERANCE.as_secs())),
            max_bad: args.max_bad,
            again: args.again,
            retry_timeout: RETRY_TIMEOUT,
        },
    };
    let (mut failed, mut total) = (Vec::new(), Imported::default());
    for (index, file) in files.iter().enumerate() {
        let name = file.display().to_string();
        match import(&importer, file, args).await {
            Ok((imported, records)) => {
                total += imported;
                if !log_result(&name, &imported, records, settings.database.retention) {
                    failed.push(name);
                }
            }
            Err(error) => {
                log::error!("{name}: {error:#}");
                let unavailable = matches!(error.downcast_ref(), Some(ImportError::Unavailable(_)));
                if unavailable {
                    log::error!("the database is unavailable; run the import again later to continue from here");
                }
                if unavailable || matches!(error.downcast_ref(), Some(ImportError::Refused(_))) {
                    failed.extend(files[index..].iter().map(|file| file.display().to_string()));
                    break;
                }
                failed.push(name);
            }
        }
    }
    supervisor.stop();
    if files.len() > 1 {
        log_counts(&format!("all {} files", files.len()), &total);
    }
    if failed.is_empty() {
        return Ok(ExitStatus::Done);
    }
    if files.len() > 1 {
        log::error!("{} of {} files were not imported: {}", failed.len(), files.len(), failed.join(", "));
    }
    Ok(ExitStatus::Failed)
}

async fn import(importer: &Importer, path: &Path, args: &ImportArgs) -> anyhow::Result<(Imported, i64)> {
    let opening = path.to_owned();
    let file = tokio::task::spawn_blocking(move || ImportFile::open(&opening)).await??;
    let bar = ProgressBar::new(file.length).with_style(
        ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}  {msg}  {elapsed}, {eta} left")
            .context("invalid progress bar template")?,
    );
    let (log, bytes_read) = (file.log(), file.bytes_read());
    let mut reader = FileReader::start(file, args.format)?;
    let imported = importer
        .import(log, &mut reader, |imported| {
            bar.set_message(format!(
                "{} rows",
                imported.inserted + imported.duplicates + imported.repeated + imported.passed_over
            ));
            bar.set_position(bytes_read.load(Ordering::Relaxed));
        })
        .await;
    bar.finish_and_clear();
    Ok((imported?, reader.records()))
}

/// Logs the counts of a file, or of all of them.
fn log_counts(file: &str, imported: &Imported) {
    let Imported { inserted, duplicates, repeated, too_old, bad, skipped, passed_over } = *imported;
    log::info!(file, inserted, duplicates, too_old, bad, passed_over, repeated, skipped; "imported");
}

/// Logs the result for a file that was read to the end. Returns `false` if no row of it was imported, now or earlier.
fn log_result(file: &str, imported: &Imported, records: i64, retention: Duration) -> bool {
    let Imported { inserted, duplicates, too_old, bad, skipped, passed_over, .. } = *imported;
    let retention = humantime::format_duration(retention);
    if inserted + duplicates + passed_over == 0 {
        if skipped > 0 && too_old + bad == 0 {
            log::warn!(file, skipped; "nothing to import from {file}: its aircraft have no ICAO address");
            return true;
        }
        let advice = match (too_old, bad) {
            // OpenSky's response when there are no aircraft in the area.
            (0, 0) if records > 0 => {
                log::warn!(file; "{file}: the recorded response contains no rows; nothing to import");
                return true;
            }
            (0, 0) => "the file has a header line but no rows".to_owned(),
            (0, _) => {
                "every row is invalid; the first ones are logged above with the reasons. `import --help` lists the \
                       columns, and docs/import.md the accepted values"
                    .to_owned()
            }
            (_, 0) => format!(
                "all rows are older than database.retention ({retention}); increase it in the server's configuration, \
                 and import the file again with the same --database-retention"
            ),
            (..) => format!(
                "every row is invalid or older than database.retention ({retention}); the reasons are logged above. \
                 Correct the file, or import it again with a longer --database-retention"
            ),
        };
        log::error!(file, too_old, bad; "nothing imported from {file}: {advice}");
        return false;
    }
    log_counts(file, imported);
    if too_old > 0 {
        log::warn!(
            "{file}: skipped {too_old} rows that are older than database.retention ({retention}); to import them, \
             increase it and import the file with --again"
        );
    }
    true
}
