use std::io::{self, Cursor, Read};
use std::thread;

use actors::ports::{Recorded, RecordedStates};
use tokio::sync::mpsc;

use super::Records;
use super::content::{PARQUET, check_text};
use super::file::{Content, ImportFile};
use super::format::{FileFormat, records};
use crate::files::parquet::ParquetRows;

/// Rows per batch, as in a backlog. A response is not split.
const ROWS: usize = 20_000;

/// The number of batches read ahead, not counting the one being stored and the one being read.
const AHEAD: usize = 1;

/// Records, the end of the file, or a read error.
type Piece = Result<Option<Recorded>, String>;

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
            let end = match open(file, format) {
                Ok(mut records) => read(&mut *records, &sender),
                Err(reason) => Err(reason),
            };
            // A closed channel means that the import was abandoned.
            let _ = sender.blocking_send(end.map(|()| None));
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

fn open(file: ImportFile, format: Option<FileFormat>) -> Result<Box<dyn Records>, String> {
    match file.content().map_err(|error| error.to_string())? {
        Content::Parquet(file, bytes_read) => match format {
            None | Some(FileFormat::Parquet) => Ok(Box::new(ParquetRows::new(file, bytes_read)?)),
            Some(_) => Err("the file is Parquet; omit --format".to_owned()),
        },
        Content::Bytes(beginning, _) if beginning.starts_with(PARQUET) => {
            Err("the file is gzipped Parquet; unpack it with `gunzip`".to_owned())
        }
        Content::Bytes(beginning, rest) => {
            check_text(&beginning)?;
            let text = textfile::without_mark(&beginning).map_err(|error| error.to_string())?.to_owned();
            records(Cursor::new(text).chain(rest), format)
        }
    }
}

/// Reads to the end, or until the receiver is dropped.
fn read(records: &mut dyn Records, sender: &mpsc::Sender<Piece>) -> Result<(), String> {
    let mut next = 0;
    loop {
        let mut piece = Recorded { next, ..Recorded::default() };
        let more = fill(records, &mut piece);
        // Records read before the failure are valid.
        if piece.next > next {
            next = piece.next;
            if sender.blocking_send(Ok(Some(piece))).is_err() {
                return Ok(());
            }
        }
        if !more? {
            return Ok(());
        }
    }
}

/// Reads a batch. Returns `false` at the end of the file.
fn fill(records: &mut dyn Records, piece: &mut Recorded) -> Result<bool, String> {
    while piece.states.len() + piece.bad.len() < ROWS {
        if !records.read(piece)? {
            return Ok(false);
        }
    }
    Ok(true)
}
