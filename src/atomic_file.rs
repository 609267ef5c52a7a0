//! Writes small files atomically: other processes see either the whole file or none.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What to do with an existing file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Fail with `AlreadyExists`.
    Keep,
    /// Replace it.
    Replace,
}

/// Writes a temporary file in the same directory and moves it into place, so that readers never see a partial file or
/// wider permissions.
///
/// # Errors
/// Returns an error if the directory does not exist or cannot be written, or the file exists and must be kept.
pub(crate) fn write(file: &Path, text: &str, mode: u32, existing: Existing) -> io::Result<()> {
    let temporary = file.with_extension(format!("new.{}", std::process::id()));
    let _ = fs::remove_file(&temporary);
    let write = || {
        let mut opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        opened.write_all(text.as_bytes())?;
        opened.sync_all()?;
        match existing {
            Existing::Keep => fs::hard_link(&temporary, file),
            Existing::Replace => fs::rename(&temporary, file),
        }
    };
    let written = write();
    let _ = fs::remove_file(&temporary);
    written
}
