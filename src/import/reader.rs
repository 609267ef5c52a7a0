use std::io;
use std::thread;

use actors::ports::{Recorded, RecordedStates};
use tokio::sync::mpsc;

use super::archive;
use super::batches::{Batches, Piece, Stop};
use super::file::{Content, ImportFile};
use super::format::{FileFormat, records};
use crate::files::parquet::ParquetRows;
use crate::files::stream::Stream;

/// The number of batches read ahead, not counting the one being stored and the one being read.
const AHEAD: usize = 1;

/// Reads a file on a dedicated thread.
#[derive(Debug)]
pub struct FileReader {
    pieces: mpsc::Receiver<Piece>,
    records: i64,
}

impl FileReader {
    /// Starts reading. Without a format, it is detected from the content.
    ///
    /// # Errors
    /// Returns an error if the thread cannot be started.
    pub fn start(file: ImportFile, format: Option<FileFormat>) -> io::Result<Self> {
        let (sender, pieces) = mpsc::channel(AHEAD);
        thread::Builder::new().name("import-reader".to_owned()).spawn(move || {
            let mut batches = Batches::new(sender);
            let end = read(file, format, &mut batches);
            batches.finish(end);
        })?;
        Ok(Self { pieces, records: 0 })
    }

    /// Returns the number of records read so far. A response without rows counts as one.
    pub fn records(&self) -> i64 {
        self.records
    }
}

impl RecordedStates for FileReader {
    async fn next(&mut self) -> Result<Option<Recorded>, String> {
        // A thread that ends without a message has not reached the end of the file.
        let stopped = || Err("the file reader stopped unexpectedly".to_owned());
        let piece = self.pieces.recv().await.unwrap_or_else(stopped);
        if let Ok(Some(recorded)) = &piece {
            self.records = recorded.next;
        }
        piece
    }
}

/// Reads a file, or all files of an archive.
fn read(file: ImportFile, format: Option<FileFormat>, batches: &mut Batches) -> Result<(), Stop> {
    let bytes = match file.content().map_err(|error| error.to_string())? {
        Content::Parquet(file, bytes_read) => match format {
            None | Some(FileFormat::Parquet) => return batches.read(&mut ParquetRows::new(file, bytes_read)?, None),
            Some(_) => return Err(Stop::Failed("the file is Parquet; omit --format".to_owned())),
        },
        Content::Bytes(bytes) => bytes,
    };
    let stream = Stream::new(bytes).map_err(|error| error.to_string())?;
    if stream.is_tar() {
        return archive::read(stream.into_bytes(), format, batches);
    }
    batches.read(&mut *records(stream.into_text()?, format)?, None)
}
