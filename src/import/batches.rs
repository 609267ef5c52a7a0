use actors::ports::{BadRecord, Recorded};
use tokio::sync::mpsc;

use super::Records;

/// Rows per batch, as in a backlog. A response is not split.
const ROWS: usize = 20_000;

/// Records, the end of the file, or a read error.
pub(super) type Piece = Result<Option<Recorded>, String>;

/// Why reading stopped before the end of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The receiver was dropped, since the import was abandoned.
    Abandoned,
    /// The rest cannot be read.
    Failed(String),
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

/// Collects records into batches. All files of an archive share the batches and the record numbers.
pub(super) struct Batches {
    pieces: mpsc::Sender<Piece>,
    piece: Recorded,
    /// The number of the first record of the piece.
    first: i64,
}

impl Batches {
    pub(super) fn new(pieces: mpsc::Sender<Piece>) -> Self {
        Self { pieces, piece: Recorded::default(), first: 0 }
    }

    /// Reads all records. `member` is the name of the file within an archive, for error messages.
    ///
    /// # Errors
    /// See [`Stop`]. The records before the failure are valid, and are kept.
    pub(super) fn read(&mut self, records: &mut dyn Records, member: Option<&str>) -> Result<(), Stop> {
        loop {
            let before = self.piece.bad.len();
            let more = records.read(&mut self.piece);
            if let Some(member) = member {
                for bad in &mut self.piece.bad[before..] {
                    bad.reason = format!("{member}: {}", bad.reason);
                }
            }
            if self.piece.states.len() + self.piece.bad.len() + self.piece.skipped.len() >= ROWS {
                self.send()?;
            }
            if !more? {
                return Ok(());
            }
        }
    }

    /// Adds a record that is bad as a whole.
    pub(super) fn add_bad(&mut self, reason: String) {
        self.piece.bad.push(BadRecord { record: self.piece.next, reason });
        self.piece.next += 1;
    }

    /// Sends the last records, and the end of the file or why it was not reached.
    pub(super) fn finish(mut self, end: Result<(), Stop>) {
        let end = self.send().and(end);
        let end = match end {
            Ok(()) => Ok(None),
            Err(Stop::Failed(reason)) => Err(reason),
            Err(Stop::Abandoned) => return,
        };
        // A closed channel means that the import was abandoned.
        let _ = self.pieces.blocking_send(end);
    }

    fn send(&mut self) -> Result<(), Stop> {
        let next = self.piece.next;
        if next == self.first {
            return Ok(());
        }
        self.first = next;
        let piece = std::mem::replace(&mut self.piece, Recorded { next, ..Recorded::default() });
        self.pieces.blocking_send(Ok(Some(piece))).map_err(|_| Stop::Abandoned)
    }
}
