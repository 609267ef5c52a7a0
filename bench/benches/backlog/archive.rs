//! Runs a server that archives the whole topic.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bench::server::Server;
use flight_monitor::files::parquet::ParquetRows;

use crate::figures::{Figures, Way, pause};
use crate::topic::Topic;
use crate::trial::Stored;

const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Maximum time to read the topic; a slower server is not worth measuring.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Measures the time until every message is in a file, from the first one that was read. An orderly shutdown ends it,
/// since the last files would otherwise wait for more rows.
pub(crate) fn measure(topic: &Topic, figures: &mut Figures) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let archive = folder.path().join("archive");
    let all = i64::try_from(topic.messages)?;
    let server = Server::start(&[], &topic.archive_settings(&archive))?;
    let (mut first, mut halfway) = (None, 0);
    loop {
        let (read, now) = (consumed(&server), Instant::now());
        if read > 0 && first.is_none() {
            first = Some((read, now, server.cpu()?));
        }
        if read >= all / 2 && halfway == 0 {
            halfway = server.memory()?.resident;
        }
        if read >= all {
            break;
        }
        if server.started.elapsed() > TIMEOUT {
            bail!("{read} of {all} messages were read; end of the server's log:\n{}", server.log());
        }
        pause(POLL_INTERVAL);
    }
    let (before, began, cpu_before) = first.context("everything was read before the second measurement")?;
    // Without what the shutdown takes.
    let cpu = server.cpu()? - cpu_before;
    let started = server.started;
    let peak = server.stop_and_measure()?;
    let ended = Instant::now();
    let rows = count(&archive)?;
    ensure!(rows == topic.messages, "{rows} rows in the files, {} messages", topic.messages);
    let stored =
        Stored { messages: all - before, elapsed: ended - began, cpu, since_start: ended - started, peak, halfway };
    figures.add(Way::Archive, stored);
    Ok(())
}

/// Returns the number of messages that the server has read; 0 while it does not listen.
fn consumed(server: &Server) -> i64 {
    let Ok(mut response) = ureq::get(format!("http://{}/metrics", server.address)).call() else { return 0 };
    let Ok(text) = response.body_mut().read_to_string() else { return 0 };
    let sample = "flight_monitor_consumed_total{kind=\"archive\"} ";
    text.lines().find_map(|line| line.strip_prefix(sample)?.parse().ok()).unwrap_or(0)
}

/// Returns the number of rows in the Parquet files below a folder.
fn count(folder: &Path) -> anyhow::Result<usize> {
    let mut count_of_rows = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            count_of_rows += count(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            let mut rows = ParquetRows::new(File::open(&path)?, Arc::default()).map_err(anyhow::Error::msg)?;
            while rows.next_row().map_err(anyhow::Error::msg)?.is_some() {
                count_of_rows += 1;
            }
        }
    }
    Ok(count_of_rows)
}
