use actors::domain::UnixTime;
use anyhow::{Context, bail};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use thiserror::Error;

use super::shutdown::Signals;
use crate::archive::{self, CompactionRules, Compactor, Hour, HourOutcome};
use crate::cli::{CompactArgs, ExitStatus};
use crate::config::Settings;

/// The error for a command on the archive when none is configured.
#[derive(Debug, Error)]
#[error("archive.url is empty; set it to the archive's folder or S3 bucket")]
pub(super) struct NoArchive;

/// Compacts the selected hours one by one. If an hour fails, the others are still compacted.
pub(super) async fn run(args: &CompactArgs, settings: &Settings) -> anyhow::Result<ExitStatus> {
    let url = settings.archive.url.as_ref().ok_or(NoArchive)?;
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        bail!("--from {from} is after --to {to}");
    }
    let mut signals = Signals::new()?;
    let compact = async {
        let compactor = Compactor::new(archive::open(url, settings.archive.endpoint.as_ref()).await?);
        compactor.finish_interrupted().await?;
        let complete_before =
            if args.recent { UnixTime(i64::MAX) } else { UnixTime::now().minus(settings.archive.max_delay) };
        let rules = CompactionRules { from: args.from, to: args.to, complete_before };
        let hours = compactor.hours(&rules).await?;
        all(&compactor, &hours).await
    };
    tokio::select! {
        outcome = compact => outcome,
        name = signals.next() => bail!("{name}: interrupted; the next compaction continues"),
    }
}

async fn all(compactor: &Compactor, hours: &[Hour]) -> anyhow::Result<ExitStatus> {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} hours  {msg}  {elapsed}, {eta} left");
    let bar = ProgressBar::new(hours.len() as u64).with_style(style.context("invalid progress bar template")?);
    let (mut merged, mut skipped, mut failed, mut total) = (0_u64, 0_u64, 0_u64, 0_u64);
    for &hour in hours {
        bar.set_message(hour.to_string());
        match compactor.compact(hour).await {
            Ok(HourOutcome::Merged { files, rows, before, after }) => {
                merged += 1;
                total += rows;
                bar.suspend(|| {
                    log::info!(
                        "{hour}: {files} files with {} rows became one, {} instead of {}",
                        HumanCount(rows),
                        HumanBytes(after),
                        HumanBytes(before)
                    );
                });
            }
            Ok(HourOutcome::Compact) => {}
            Ok(HourOutcome::TooNew) => {
                skipped += 1;
                bar.suspend(|| log::info!("{hour}: skipped, its files are too new"));
            }
            Ok(HourOutcome::Contended) => {
                skipped += 1;
                bar.suspend(|| log::info!("{hour}: skipped, another process compacts it"));
            }
            Err(error) => {
                failed += 1;
                bar.suspend(|| log::error!("{hour}: {error}"));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    log::info!(hours = merged, rows = total, skipped, failed; "compacted");
    Ok(if failed == 0 { ExitStatus::Done } else { ExitStatus::Failed })
}
