use std::io::{self, Cursor, Read};
use std::thread;

use actors::ports::{Recorded, RecordedStates};
use tokio::sync::mpsc;

use super::Records;
use super::content::{PARQUET, check_text};
use super::file::{Content, ImportFile};
use super::format::{FileFormat, records};
use super::parquet::Parquet;

/// Rows of a batch, as many as a backlog's; a response is not divided.
const ROWS: usize = 20_000;

/// What was read and not taken yet, beside what is being stored and what is being read.
const AHEAD: usize = 1;

/// Some records, the end of the file, or why it cannot be read on.
type Piece = Result<Option<Recorded>, String>;

/// Reads a file in a thread of its own.
#[derive(Debug)]
pub struct FileReader {
    pieces: mpsc::Receiver<Piece>,
    records: i64,
}

impl FileReader {
    /// Starts reading. Without a format the file's first line tells it.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(file: ImportFile, format: Option<FileFormat>) -> io::Result<Self> {
        let (sender, pieces) = mpsc::channel(AHEAD);
        thread::Builder::new().name("import-reader".to_owned()).spawn(move || {
            let end = match open(file, format) {
                Ok(mut records) => read(&mut *records, &sender),
                Err(reason) => Err(reason),
            };
            // Nobody listening means that the import was given up.
            let _ = sender.blocking_send(end.map(|()| None));
        })?;
        Ok(Self { pieces, records: 0 })
    }

    /// How many records were read so far; a response without a row is one, too.
    pub fn records(&self) -> i64 {
        self.records
    }
}

impl RecordedStates for FileReader {
    async fn next(&mut self) -> Result<Option<Recorded>, String> {
        // A thread that ends without a word has not reached the end of the file.
        let stopped = || Err("the reader of the file stopped unexpectedly".to_owned());
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
            None | Some(FileFormat::Parquet) => Ok(Box::new(Parquet::new(file, bytes_read)?)),
            Some(_) => Err("the file is Parquet; leave --format out".to_owned()),
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

/// Reads to the end, or until nobody takes it any more.
fn read(records: &mut dyn Records, sender: &mpsc::Sender<Piece>) -> Result<(), String> {
    let mut next = 0;
    loop {
        let mut piece = Recorded { next, ..Recorded::default() };
        let more = fill(records, &mut piece);
        // What was read before a failure is good.
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

/// Reads until it is a batch; `false` at the end of the file.
fn fill(records: &mut dyn Records, piece: &mut Recorded) -> Result<bool, String> {
    while piece.states.len() + piece.bad.len() < ROWS {
        if !records.read(piece)? {
            return Ok(false);
        }
    }
    Ok(true)
}
