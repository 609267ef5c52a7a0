//! Files of recorded state vectors, to be imported: CSV, NDJSON and recorded responses of OpenSky, also gzipped, and
//! Parquet.
//!
//! [`FileReader`] is the actors' [`RecordedStates`](actors::ports::RecordedStates): a thread reads and parses ahead of
//! what is being stored, by a bounded number of records.

mod column;
mod content;
mod csv;
mod file;
mod format;
mod lines;
mod ndjson;
mod parquet;
mod reader;
mod responses;

pub use file::ImportFile;
pub use format::FileFormat;
pub use reader::FileReader;

use actors::ports::Recorded;

/// A file's records, read one after another.
trait Records: Send {
    /// Adds the next record to `into`, as its state vectors or as what is wrong with it, and counts it there. `false`
    /// at the end.
    ///
    /// # Errors
    /// In words, when the file cannot be read on.
    fn read(&mut self, into: &mut Recorded) -> Result<bool, String>;
}
