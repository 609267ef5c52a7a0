use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actors::batch::LogId;
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

/// What the system is asked for at a time.
const BUFFER: usize = 128 * 1024;

/// How a gzip file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A file that is to be imported, recognised by what is in it.
#[derive(Debug)]
pub struct ImportFile {
    file: File,
    hash: String,
    /// In bytes, as it lies there.
    pub length: u64,
    read: Arc<AtomicU64>,
}

impl ImportFile {
    /// Opens a file and reads it once, for its hash.
    ///
    /// # Errors
    /// The system's.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let (mut hasher, mut length) = (Sha256::new(), 0);
        let mut text = BufReader::with_capacity(BUFFER, &mut file);
        loop {
            let piece = text.fill_buf()?;
            if piece.is_empty() {
                break;
            }
            hasher.update(piece);
            let read = piece.len();
            length += read as u64;
            text.consume(read);
        }
        let hash = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        file.rewind()?;
        Ok(Self { file, hash, length, read: Arc::default() })
    }

    /// The log that its records belong to: the same for the same bytes, whatever the file is called.
    pub fn log(&self) -> LogId {
        LogId { cluster: format!("file:{}", self.hash).into(), topic: "import".into() }
    }

    /// How many of its bytes were read so far.
    pub fn bytes_read(&self) -> Arc<AtomicU64> {
        self.read.clone()
    }

    /// Its content, unpacked where it is packed.
    pub(super) fn content(self) -> io::Result<Box<dyn Read + Send>> {
        let Self { mut file, read, .. } = self;
        let mut beginning = [0; GZIP.len()];
        let packed = file.read_exact(&mut beginning).is_ok() && beginning == GZIP;
        file.rewind()?;
        let counted = BufReader::with_capacity(BUFFER, Counted { file, read });
        Ok(if packed { Box::new(MultiGzDecoder::new(counted)) } else { Box::new(counted) })
    }
}

struct Counted {
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
