//! Reads the files of a tar archive one after the other, without unpacking them.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use tar::Archive;

use super::batches::{Batches, Stop};
use super::folder::is_companion;
use super::format::{FileFormat, records};
use crate::files::stream::{Stream, Truncated};

/// The maximum number of bytes between two files: headers, long names and padding. Without it, a name of many gigabytes
/// would be read into memory.
const MAX_HEADERS: u64 = 1 << 20;

/// The number of files left out that are named in the log.
const MAX_NAMED: usize = 5;

/// Reads the files of an archive. A file that cannot be read is a bad record, and does not affect the others.
///
/// # Errors
/// [`Stop::Failed`] if the archive is damaged or ends too early.
pub(super) fn read(bytes: impl Read, format: Option<FileFormat>, batches: &mut Batches) -> Result<(), Stop> {
    let budget = Rc::new(Cell::new(MAX_HEADERS));
    let reached_end = Rc::new(Cell::new(false));
    let mut archive = Archive::new(Guarded { bytes, budget: budget.clone(), reached_end: reached_end.clone() });
    let mut entries = archive.entries().map_err(|error| error.to_string())?;
    let (mut files, mut left_out) = (0_u64, Vec::new());
    let mut place = "at its beginning".to_owned();
    loop {
        budget.set(MAX_HEADERS);
        let Some(entry) = entries.next() else { break };
        let entry = entry.map_err(|error| format!("invalid tar archive, {place}: {error}"))?;
        budget.set(u64::MAX);
        let name = shown(&entry.path_bytes());
        let is_file = entry.header().entry_type().is_file() || entry.header().entry_type().is_contiguous();
        let is_folder = entry.header().entry_type().is_dir();
        let mut member = Member { left: entry.size(), entry };
        if is_file && !is_companion(name.as_ref()) {
            files += 1;
            let read = read_member(&mut member, &name, format, batches);
            match read {
                Err(Stop::Failed(reason)) if !member.is_truncated() => batches.add_bad(format!("{name}: {reason}")),
                Err(Stop::Abandoned) => return Err(Stop::Abandoned),
                Err(Stop::Failed(_)) | Ok(()) => {}
            }
        } else if !is_folder {
            left_out.push(name.clone());
        }
        member.skip().map_err(|error| {
            format!("{name}: {error}; is it one part of several? Join the parts with `cat`, in their order")
        })?;
        place = format!("after {name}");
    }
    if reached_end.get() {
        log::warn!("the archive has no end marker {place}; if it is one part of several, join the parts with `cat`");
    }
    if !left_out.is_empty() {
        let more = if left_out.len() > MAX_NAMED { ", …" } else { "" };
        let named = left_out[..left_out.len().min(MAX_NAMED)].join(", ");
        log::info!("left out {} files of the archive that have no state vectors: {named}{more}", left_out.len());
    }
    if files == 0 {
        return Err(Stop::Failed("the archive contains no files to import".to_owned()));
    }
    Ok(())
}

fn read_member(member: impl Read, name: &str, format: Option<FileFormat>, batches: &mut Batches) -> Result<(), Stop> {
    let text = Stream::new(member).map_err(|error| error.to_string())?.into_text()?;
    batches.read(&mut *records(text, format)?, Some(name))
}

/// Returns a name for messages: printable, and not longer than a line.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().filter(|character| !character.is_control()).take(200).collect()
}

/// The content of a file of the archive.
struct Member<R> {
    entry: R,
    /// The number of bytes not read yet.
    left: u64,
}

impl<R: Read> Member<R> {
    /// Reads the rest.
    fn skip(mut self) -> io::Result<()> {
        io::copy(&mut self, &mut io::sink()).map(drop)
    }

    /// Whether the archive ends before the file does.
    fn is_truncated(&mut self) -> bool {
        let mut buffer = [0; 512];
        while self.left > 0 {
            match self.read(&mut buffer) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return true,
            }
        }
        false
    }
}

impl<R: Read> Read for Member<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let read = self.entry.read(buffer)?;
        if read == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, Truncated));
        }
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

/// The bytes of an archive, of which only a number may be read.
struct Guarded<R> {
    bytes: R,
    budget: Rc<Cell<u64>>,
    reached_end: Rc<Cell<bool>>,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let budget = self.budget.get();
        if budget == 0 {
            return Err(io::Error::other(format!("headers longer than {MAX_HEADERS} bytes")));
        }
        let length = buffer.len().min(usize::try_from(budget).unwrap_or(usize::MAX));
        let read = self.bytes.read(&mut buffer[..length])?;
        self.reached_end.set(read == 0 && length > 0);
        self.budget.set(budget - read as u64);
        Ok(read)
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
