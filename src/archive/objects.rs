//! What the archive needs of its storage, implemented for a local folder and for S3.

use std::fmt;
use std::fs::File;
use std::time::{Duration, SystemTime};

use actors::ports::SinkError;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use tempfile::NamedTempFile;

/// The storage of an archive. Paths are relative, with slashes. Whatever an operation has written is durable when it
/// returns, and each has a timeout.
///
/// An operation that fails may have been performed nevertheless.
pub(crate) trait Objects: fmt::Display + Send + Sync {
    /// Writes an object, and replaces an existing one.
    fn put<'a>(&'a self, path: &'a str, content: Bytes) -> Performed<'a, ()>;

    /// Writes an object from a file created by [`scratch`](Self::scratch), and replaces an existing one.
    fn put_file<'a>(&'a self, path: &'a str, file: NamedTempFile) -> Performed<'a, ()>;

    /// Creates a file for [`put_file`](Self::put_file).
    fn scratch(&self) -> Performed<'_, NamedTempFile>;

    /// Writes an object, unless it exists. Returns whether it was created.
    fn create<'a>(&'a self, path: &'a str, content: Bytes) -> Performed<'a, bool>;

    /// Returns the content of an object; `None` if there is no such object.
    fn get<'a>(&'a self, path: &'a str) -> Performed<'a, Option<Bytes>>;

    /// Opens an object for reading; `None` if there is no such object.
    fn open<'a>(&'a self, path: &'a str) -> Performed<'a, Option<File>>;

    /// Returns whether an object exists.
    fn exists<'a>(&'a self, path: &'a str) -> Performed<'a, bool>;

    /// Moves an object, and replaces an existing one. Returns whether `from` existed.
    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Performed<'a, bool>;

    /// Deletes an object, if it exists.
    fn delete<'a>(&'a self, path: &'a str) -> Performed<'a, ()>;

    /// Returns all objects in a folder and the folders in it, ordered by path.
    fn list<'a>(&'a self, folder: &'a str) -> Performed<'a, Vec<Object>>;

    /// Returns the names of the outermost folders.
    fn folders(&self) -> Performed<'_, Vec<String>>;

    /// Returns how long a move that another process has finished, too, may still take effect.
    fn settling_time(&self) -> Duration {
        Duration::ZERO
    }
}

/// A running operation. Its error says who can act.
pub(crate) type Performed<'a, T> = BoxFuture<'a, Result<T, SinkError>>;

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    /// The path.
    pub(crate) path: String,
    /// The length in bytes.
    pub(crate) size: u64,
    /// When it was last written.
    pub(crate) modified: SystemTime,
}

impl Object {
    /// The name without its folders.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}
