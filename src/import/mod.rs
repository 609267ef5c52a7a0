//! Reads files of recorded state vectors: CSV, NDJSON and recorded OpenSky responses, optionally gzipped, and Parquet.
//!
//! [`FileReader`] implements [`RecordedStates`](actors::ports::RecordedStates). A thread reads and parses a bounded
//! number of records ahead of the store.

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

/// A reader for one file format.
trait Records: Send {
    /// Adds the next record to `into`, as its state vectors or its error, and counts it there. Returns `false` at the
    /// end.
    ///
    /// # Errors
    /// Returns an error if the rest of the file cannot be read.
    fn read(&mut self, into: &mut Recorded) -> Result<bool, String>;
}
