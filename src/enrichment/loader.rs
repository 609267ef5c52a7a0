use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use actors::domain::Icao24;
use actors::enrichment::TableBuilder;
use thiserror::Error;

use super::basestation;
use super::columns::Columns;
use super::fields::Fields;
use super::loaded::LoadedTable;
use crate::files::lines::{Line, Lines};
use crate::files::stream::Stream;

/// Why a file is not used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct TableError {
    path: PathBuf,
    /// The line, if the error is on one.
    line: Option<u64>,
    reason: String,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// The line and the reason of an error.
pub(super) type Located = (Option<u64>, String);

/// The maximum size of a line in bytes.
const MAX_LINE: usize = 64 * 1024;

/// The maximum size of a text file in bytes, without its compression.
const MAX_SIZE: u64 = 1 << 30;

/// Reads an aircraft table. Recognises its form, and its compression by gzip or zstd, by its content. Blocks.
///
/// Invalid rows are left out and counted.
///
/// # Errors
/// Fails if the file cannot be read, is not a table of aircraft, has no valid row, or more than half of its rows are
/// invalid.
pub fn load_table(path: &Path) -> Result<LoadedTable, TableError> {
    let loaded = load(path).map_err(|(line, reason)| TableError { path: path.to_owned(), line, reason })?;
    let error = |line, reason| Err(TableError { path: path.to_owned(), line, reason });
    match &loaded.first_bad_row {
        Some((line, reason)) if loaded.bad_rows > loaded.table.len() as u64 => {
            let (bad, good) = (loaded.bad_rows, loaded.table.len());
            error(Some(*line), format!("{reason}; {bad} rows are invalid, and {good} are valid"))
        }
        _ if loaded.table.is_empty() => error(None, "no aircraft in it".to_owned()),
        _ => Ok(loaded),
    }
}

fn load(path: &Path) -> Result<LoadedTable, Located> {
    let plain = |error: std::io::Error| (None, error.to_string());
    let file = File::open(path).map_err(plain)?;
    if !file.metadata().map_err(plain)?.is_file() {
        return Err((None, "not a file".to_owned()));
    }
    let stream = Stream::new(file).map_err(plain)?;
    if stream.beginning.starts_with(basestation::MAGIC) {
        if stream.was_compressed {
            return Err((None, "a compressed SQLite database; decompress it".to_owned()));
        }
        return basestation::load(path).map_err(|reason| (None, reason));
    }
    for (mark, what) in [
        (&b"PK\x03\x04"[..], "a ZIP archive; unpack it"),
        (b"\x1f\x8b", "compressed twice; decompress it once"),
        (b"PAR1", "Parquet; convert it to CSV"),
        (b"<", "HTML or XML; was an error page saved?"),
        (b"{", "JSON; convert it to CSV"),
        (b"[", "JSON; convert it to CSV"),
    ] {
        if stream.beginning.trim_ascii_start().starts_with(mark) {
            return Err((Some(1), format!("the file is {what}")));
        }
    }
    read_text(stream.into_bytes())
}

/// Reads a text table.
pub(super) fn read_text(text: impl BufRead) -> Result<LoadedTable, Located> {
    let mut lines = Lines::new(text.take(MAX_SIZE + 1), MAX_LINE);
    let mut number = 0;
    let mut size = 0_u64;
    let mut layout: Option<Layout> = None;
    let mut builder = TableBuilder::default();
    let mut first_bad_row = None;
    let mut bad_rows = 0;
    loop {
        let line = lines.next().map_err(|error| (Some(number + 1), error.to_string()))?;
        let Some(line) = line else { break };
        number += 1;
        let parsed = match (line, &mut layout) {
            (Line::TooLong, None) => return Err((Some(number), format!("the line has more than {MAX_LINE} bytes"))),
            (Line::TooLong, Some(_)) => Err(format!("the line has more than {MAX_LINE} bytes")),
            (Line::Whole(line), layout) => {
                size += line.len() as u64 + 1;
                if size > MAX_SIZE {
                    return Err((Some(number), format!("the file has more than {MAX_SIZE} bytes")));
                }
                let line = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
                if line.trim_ascii().is_empty() {
                    continue;
                }
                let layout = match layout {
                    Some(layout) => layout,
                    None => {
                        let found = Layout::of(line).map_err(|reason| (Some(number), reason))?;
                        let has_header = found.has_header;
                        let found = layout.insert(found);
                        if has_header {
                            continue;
                        }
                        found
                    }
                };
                layout.add(line, &mut builder)
            }
        };
        match parsed {
            Ok(Ok(())) => {}
            Ok(Err(too_large)) => return Err((Some(number), too_large.to_string())),
            Err(reason) => {
                bad_rows += 1;
                first_bad_row.get_or_insert((number, reason));
            }
        }
    }
    let Some(layout) = layout else { return Err((None, "the file is empty".to_owned())) };
    let format = if layout.has_header { "CSV" } else { "tar1090-db" };
    Ok(LoadedTable { table: builder.build(), format, bad_rows, first_bad_row })
}

/// How the lines of a table are to be read.
struct Layout {
    fields: Fields,
    columns: Columns,
    has_header: bool,
}

impl Layout {
    /// Recognises the layout by the first line.
    fn of(line: &[u8]) -> Result<Self, String> {
        if line.contains(&0) {
            return Err("the file is binary; expected CSV or a SQLite database".to_owned());
        }
        let mut fields = Fields::new(b';', None);
        fields.split(line)?;
        let first = fields.text(line, 0).unwrap_or_default();
        if fields.len() >= 5 && Icao24::parse(&first).is_ok() {
            return Ok(Self { fields, columns: Columns::TAR1090, has_header: false });
        }
        let header = std::str::from_utf8(line).map_err(|_| "the header line is not UTF-8".to_owned())?;
        let known = |separator: &u8| {
            Columns::known(header.split(char::from(*separator)).map(|name| name.trim_matches(['"', '\'', ' '])))
        };
        let separator = [b'\t', b';', b','].into_iter().max_by_key(known).unwrap_or(b',');
        let quote = if header.starts_with('\'') { b'\'' } else { b'"' };
        let mut fields = Fields::new(separator, Some(quote));
        fields.split(line)?;
        let names = (0..fields.len()).map(|index| fields.text(line, index));
        let names = names.collect::<Result<Vec<Cow<'_, str>>, _>>()?;
        Ok(Self { columns: Columns::of_header(&names)?, fields, has_header: true })
    }

    /// Adds a row. The inner error is that of a table that is too large.
    fn add(
        &mut self,
        line: &[u8],
        builder: &mut TableBuilder,
    ) -> Result<Result<(), actors::enrichment::TableTooLarge>, String> {
        self.fields.split(line)?;
        self.columns.parse(&self.fields, line, |icao24, entry| builder.add(icao24, entry))
    }
}

#[cfg(test)]
mod tests;
