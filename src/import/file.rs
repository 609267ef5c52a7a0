use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actors::batch::LogId;
use sha2::{Digest, Sha256};

use crate::files::content::PARQUET;
use crate::files::stream::BUFFER;

/// A file to import, identified by its content.
#[derive(Debug)]
pub struct ImportFile {
    file: File,
    hash: String,
    /// In bytes, before decompression.
    pub length: u64,
    read: Arc<AtomicU64>,
}

/// The content of a file, detected by its first bytes.
pub(super) enum Content {
    /// Parquet, which needs random access.
    Parquet(File, Arc<AtomicU64>),
    /// Anything else.
    Bytes(Counted),
}

impl ImportFile {
    /// Opens a file and reads it once to compute its hash. Input that can be read only once, such as a pipe, is copied
    /// to an unnamed temporary file in `TMPDIR`. `-` stands for standard input.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, is a directory, or the temporary file cannot be written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = if path.as_os_str() == "-" { Path::new("/dev/stdin") } else { path };
        let mut file = File::open(path)?;
        let kind = file.metadata()?.file_type();
        if kind.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "this is a folder"));
        }
        let mut copy = if kind.is_file() { None } else { Some(tempfile::tempfile().map_err(explain_copy)?) };
        let (mut hasher, mut length) = (Sha256::new(), 0);
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hasher.update(&buffer[..read]);
            if let Some(copy) = &mut copy {
                copy.write_all(&buffer[..read]).map_err(explain_copy)?;
            }
            length += read as u64;
        }
        let hash = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut file = copy.unwrap_or(file);
        file.rewind()?;
        Ok(Self { file, hash, length, read: Arc::default() })
    }

    /// Returns the id of the log that its records belong to, derived from the content and not from the file name.
    pub fn log(&self) -> LogId {
        LogId { cluster: format!("file:{}", self.hash).into(), topic: "import".into() }
    }

    /// Returns the counter of bytes read so far.
    pub fn bytes_read(&self) -> Arc<AtomicU64> {
        self.read.clone()
    }

    /// Detects the content type and returns the content, from its start.
    pub(super) fn content(self) -> io::Result<Content> {
        let Self { mut file, read, .. } = self;
        let mut beginning = Vec::new();
        (&mut file).take(PARQUET.len() as u64).read_to_end(&mut beginning)?;
        file.rewind()?;
        Ok(match &*beginning {
            PARQUET => Content::Parquet(file, read),
            _ => Content::Bytes(Counted { file, read }),
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that `map_err` expects")]
fn explain_copy(error: io::Error) -> io::Error {
    let directory = std::env::temp_dir();
    let reason =
        format!("failed to copy the pipe to {}: {error}; set TMPDIR to use another directory", directory.display());
    io::Error::new(error.kind(), reason)
}

/// A file that counts the bytes read.
pub(super) struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}
