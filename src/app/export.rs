use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use actors::domain::UnixTime;
use anyhow::{Context, bail};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use super::pipeline::open_storage;
use super::shutdown::Signals;
use crate::cli::ExportArgs;
use crate::config::Settings;
use crate::export::{FileForm, RowFile};
use crate::storage::{HistoryQuery, HistoryReader};

/// Writes the history into a file, which is there as a whole or not at all.
pub(super) async fn run(args: &ExportArgs, settings: &Settings) -> anyhow::Result<()> {
    let form = FileForm::of(&args.file)?;
    refuse_to_replace(args)?;
    let query = HistoryQuery {
        from: args.from,
        to: args.to.unwrap_or_else(UnixTime::now),
        bounding_box: args.bbox,
        icao24: args.icao24.clone(),
        callsign: None,
    };
    if query.from > query.to {
        bail!("--from {} lies after --to {}", query.from, query.to);
    }
    let mut signals = Signals::new()?;
    let mut reader = open_storage(settings)?.history(&query).await?;
    let partial = Partial::beside(&args.file)?;
    let rows = tokio::select! {
        rows = write(form, &mut reader, &partial, &query) => rows?,
        name = signals.next() => bail!("{name}: nothing was written"),
    };
    refuse_to_replace(args)?;
    let bytes = partial.take_the_place_of(&args.file)?;
    log::info!(rows, bytes, file:% = args.file.display(); "exported");
    Ok(())
}

fn refuse_to_replace(args: &ExportArgs) -> anyhow::Result<()> {
    if !args.force && args.file.exists() {
        bail!("{} is there already; --force replaces it", args.file.display());
    }
    Ok(())
}

/// The number of rows.
async fn write(
    form: FileForm,
    reader: &mut HistoryReader,
    partial: &Partial,
    query: &HistoryQuery,
) -> anyhow::Result<u64> {
    let bar = progress_bar(query)?;
    let explain = || partial.path.display().to_string();
    let mut file = RowFile::new(form, partial.file.try_clone()?).with_context(explain)?;
    let (mut rows, mut more) = (0, true);
    while more {
        more = reader
            .read(|row| {
                file.row(row);
                rows += 1;
            })
            .await?;
        file.write().with_context(explain)?;
        bar.set_position(reader.reached().seconds_since(query.from).unsigned_abs());
        bar.set_message(format!("{} rows", HumanCount(rows)));
    }
    file.finish().with_context(explain)?;
    bar.finish_with_message(format!("{} rows, {}", HumanCount(rows), HumanBytes(partial.length()?)));
    Ok(rows)
}

/// How much of the time that is exported is done: how many rows there are nobody knows before.
fn progress_bar(query: &HistoryQuery) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:30} {percent} %  {msg}  {elapsed}, {eta} left")
        .context("the progress bar's template")?;
    Ok(ProgressBar::new(query.to.seconds_since(query.from).unsigned_abs() + 1).with_style(style))
}

/// A file under a name of its own beside the one that it is to be. Dropped before that, it is removed.
struct Partial {
    path: PathBuf,
    file: File,
}

impl Partial {
    fn beside(file: &Path) -> anyhow::Result<Self> {
        let Some(name) = file.file_name() else { bail!("{} is no name of a file", file.display()) };
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

    /// The length.
    fn take_the_place_of(self, file: &Path) -> anyhow::Result<u64> {
        let length = self.length()?;
        fs::rename(&self.path, file).with_context(|| file.display().to_string())?;
        Ok(length)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Renamed, it is not there any more.
        let _ = fs::remove_file(&self.path);
    }
}
