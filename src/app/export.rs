use std::collections::HashSet;
use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actors::domain::UnixTime;
use actors::enrichment::FactBook;
use anyhow::{Context, bail};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::pipeline::open_storage_read_only;
use super::shutdown::Signals;
use crate::cli::ExportArgs;
use crate::config::Settings;
use crate::enrichment::load_table;
use crate::export::{Columns, ExportFormat, RowFile, check_addresses};
use crate::storage::{HistoryQuery, HistoryReader};

/// Writes the history to standard output, or to a file that appears only when it is complete.
pub(super) async fn run(args: &ExportArgs, settings: &Settings) -> anyhow::Result<()> {
    let format = args.format()?;
    let query = query(args)?;
    let layout = Layout { format, columns: args.columns(), facts: facts(args, settings)? };
    let Some(file) = args.target() else { return to_stdout(layout, &query, settings).await };
    refuse_to_replace(args)?;
    let mut signals = Signals::new()?;
    let mut reader = open_storage_read_only(settings)?.history(&query).await?;
    let partial = PartialFile::create_for(file)?;
    let rows = tokio::select! {
        rows = write(layout, &mut reader, partial.file.try_clone()?, &query) => {
            rows.with_context(|| partial.path.display().to_string())?
        }
        name = signals.next() => bail!("{name}: export aborted, no file was written"),
    };
    refuse_to_replace(args)?;
    let bytes = partial.rename_to(file)?;
    log::info!(rows, bytes, file:% = file.display(); "exported");
    Ok(())
}

/// What is written for each row, and how.
struct Layout {
    format: ExportFormat,
    columns: Columns,
    facts: Option<Arc<FactBook>>,
}

/// Returns what is known about aircraft if the export includes it.
fn facts(args: &ExportArgs, settings: &Settings) -> anyhow::Result<Option<Arc<FactBook>>> {
    if !args.aircraft {
        return Ok(None);
    }
    let table = settings.enrichment.aircraft_table.as_ref();
    let loaded = table.map(|file| load_table(file.path())).transpose().context("enrichment.aircraft_table")?;
    let table = loaded.map(|loaded| loaded.table).unwrap_or_default();
    Ok(Some(Arc::new(FactBook { table, version: 0 })))
}

async fn to_stdout(layout: Layout, query: &HistoryQuery, settings: &Settings) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let mut reader = open_storage_read_only(settings)?.history(query).await?;
    // `Stdout` would flush after every line.
    let out = File::from(io::stdout().as_fd().try_clone_to_owned().context("standard output")?);
    let written = tokio::select! {
        rows = write(layout, &mut reader, out, query) => rows,
        name = signals.next() => bail!("{name}: the output is incomplete"),
    };
    match written {
        Ok(rows) => log::info!(rows; "exported"),
        // The consumer of the output, such as `head`, has closed the pipe.
        Err(error) if is_broken_pipe(&error) => {}
        Err(error) => return Err(error.context("standard output")),
    }
    Ok(())
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = |cause: &(dyn Error + 'static)| cause.downcast_ref::<io::Error>().map(io::Error::kind);
    error.chain().any(|cause| kind(cause) == Some(io::ErrorKind::BrokenPipe))
}

fn query(args: &ExportArgs) -> anyhow::Result<HistoryQuery> {
    let mut icao24 = HashSet::new();
    for addresses in &args.icao24 {
        icao24.extend(&addresses.0);
    }
    check_addresses(&icao24).context("--icao24")?;
    let mut icao24: Vec<_> = icao24.into_iter().collect();
    icao24.sort_unstable();
    let to = args.to.unwrap_or_else(UnixTime::now);
    let query = HistoryQuery { from: args.from, to, bounding_box: args.bbox, icao24, callsign: args.callsign.clone() };
    if query.from > query.to {
        bail!("--from {} is after --to {}", query.from, query.to);
    }
    Ok(query)
}

fn refuse_to_replace(args: &ExportArgs) -> anyhow::Result<()> {
    if !args.force && args.file.exists() {
        bail!("{} already exists; use --force to replace it", args.file.display());
    }
    Ok(())
}

/// Writes the rows to a file, and returns their number.
async fn write(
    Layout { format, columns, facts }: Layout,
    reader: &mut HistoryReader,
    into: File,
    query: &HistoryQuery,
) -> anyhow::Result<u64> {
    let bar = progress_bar(query)?;
    let mut file = RowFile::new(format, &columns, facts, into)?;
    let (mut rows, mut more) = (0, true);
    while more {
        more = reader
            .read(|row| {
                file.row(row);
                rows += 1;
            })
            .await?;
        file.write()?;
        bar.set_position(reader.reached().seconds_since(query.from).unsigned_abs());
        bar.set_message(format!("{} rows", HumanCount(rows)));
    }
    file.finish()?;
    bar.finish_with_message(format!("{} rows", HumanCount(rows)));
    Ok(rows)
}

/// Creates a progress bar that measures exported time, because the number of rows is unknown.
fn progress_bar(query: &HistoryQuery) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:30} {percent} %  {msg}  {elapsed}, {eta} left")
        .context("invalid progress bar template")?;
    Ok(ProgressBar::new(query.to.seconds_since(query.from).unsigned_abs() + 1).with_style(style))
}

/// A file with a temporary name in the target's directory. It is deleted on drop, unless it has been renamed.
struct PartialFile {
    path: PathBuf,
    file: File,
}

impl PartialFile {
    fn create_for(file: &Path) -> anyhow::Result<Self> {
        let Some(name) = file.file_name() else { bail!("{} is not a file name", file.display()) };
        let mut partial = name.to_owned();
        partial.push(format!(".{}.partial", std::process::id()));
        let path = file.with_file_name(partial);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.with_context(|| path.display().to_string())?;
        Ok(Self { path, file })
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Renames the file to its final name, and returns its length in bytes.
    fn rename_to(self, file: &Path) -> anyhow::Result<u64> {
        self.file.sync_all().with_context(|| self.path.display().to_string())?;
        let length = self.length()?;
        fs::rename(&self.path, file).with_context(|| file.display().to_string())?;
        Ok(length)
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // Fails after the rename, because the file no longer has this name.
        let _ = fs::remove_file(&self.path);
    }
}
