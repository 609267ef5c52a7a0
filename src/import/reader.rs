use std::io;
use std::thread;

use actors::ports::{Recorded, RecordedStates};
use tokio::sync::mpsc;

use super::Records;
use super::file::ImportFile;
use super::format::{FileFormat, records};

/// Rows of a batch, as many as a backlog's; a response is not divided.
const ROWS: usize = 20_000;

/// What was read and not taken yet, beside what is being stored and what is being read.
const AHEAD: usize = 1;

/// Some records, the end of the file, or why it cannot be read on.
type Piece = Result<Option<Recorded>, String>;

/// Reads a file in a thread of its own.
#[derive(Debug)]
pub struct FileReader(mpsc::Receiver<Piece>);

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
        Ok(Self(pieces))
    }
}

impl RecordedStates for FileReader {
    async fn next(&mut self) -> Result<Option<Recorded>, String> {
        // A thread that ends without a word has not reached the end of the file.
        self.0.recv().await.unwrap_or_else(|| Err("its reader died".to_owned()))
    }
}

fn open(file: ImportFile, format: Option<FileFormat>) -> Result<Box<dyn Records>, String> {
    records(file.content().map_err(|error| error.to_string())?, format)
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
