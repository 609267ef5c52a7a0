//! Recognizes that a file has changed, without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What identifies the content of a file: device, inode, size, and the time of the last change.
pub(crate) type FileStamp = (u64, u64, u64, i64, i64);

/// Returns the stamp of a file, or `None` if there is none.
pub(crate) fn file_stamp(path: &Path) -> Option<FileStamp> {
    let of = |file: Metadata| (file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec());
    std::fs::metadata(path).map(of).ok()
}
