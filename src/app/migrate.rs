use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::pipeline::open_storage;
use crate::cli::ExitStatus;
use crate::config::Settings;
use crate::storage::{ConversionProgress, Converted, ReportProgress};

/// The time between two reports of a conversion's progress.
const INTERVAL: Duration = Duration::from_secs(5);

/// Brings the database's schema up to date, and converts the rows that an earlier version wrote.
pub(super) async fn run(settings: &Settings) -> anyhow::Result<ExitStatus> {
    let migrated = open_storage(settings)?.migrate_and_convert(progress_log()).await?;
    match &*migrated.applied {
        [] => log::info!("the schema is already up to date"),
        applied => log::info!("applied: {}", applied.join(", ")),
    }
    if let Some(Converted { rows, unconvertible }) = migrated.converted {
        log::info!("converted {rows} rows");
        if unconvertible > 0 {
            log::warn!("{unconvertible} rows do not fit and are kept in the table state_vectors_unconvertible");
        }
    }
    log::info!("hypertable: {}", migrated.hypertable);
    Ok(ExitStatus::Done)
}

/// Returns a function that logs the progress of a conversion every few seconds.
fn progress_log() -> ReportProgress {
    let started = Instant::now();
    let last_report: Mutex<Option<Instant>> = Mutex::new(None);
    Arc::new(move |progress| {
        let now = Instant::now();
        let mut last_report = last_report.lock().unwrap_or_else(PoisonError::into_inner);
        if last_report.is_none() {
            log::info!("converting the rows of an earlier version; interrupt it at any time and run it again to go on");
        }
        if last_report.is_none_or(|at| now - at >= INTERVAL) {
            *last_report = Some(now);
            log::info!("{}", report(progress, now - started));
        }
    })
}

/// Describes the progress after a time, with an estimate of the rest.
fn report(ConversionProgress { rows, done }: ConversionProgress, elapsed: Duration) -> String {
    let percent = (done * 100.0).floor();
    let left = elapsed.mul_f64((1.0 - done).max(0.0) / done.max(1e-6));
    let left = match left.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    };
    format!("converted {rows} rows ({percent} %), about {left} left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_estimates_the_time_left() {
        for (done, elapsed, expected) in [
            (0.5, 100, "converted 7 rows (50 %), about 100 s left"),
            (0.999, 3600, "converted 7 rows (99 %), about 3 s left"),
            (0.01, 60, "converted 7 rows (1 %), about 99 min left"),
            (0.001, 60, "converted 7 rows (0 %), about 16 h left"),
            (1.0, 60, "converted 7 rows (100 %), about 0 s left"),
        ] {
            let progress = ConversionProgress { rows: 7, done };
            assert_eq!(report(progress, Duration::from_secs(elapsed)), expected);
        }
    }
}
