//! Reads files of recorded state vectors: CSV, NDJSON, recorded OpenSky responses and readsb's traces, optionally
//! compressed or in a tar archive, and Parquet.
//!
//! [`FileReader`] implements [`RecordedStates`](actors::ports::RecordedStates). A thread reads and parses a bounded
//! number of records ahead of the store.

mod archive;
mod batches;
mod csv;
mod file;
mod folder;
mod format;
#[cfg(test)]
mod fuzz;
mod ndjson;
mod parquet;
mod reader;
mod responses;
mod trace;

pub use file::ImportFile;
pub use folder::files_in;
pub use format::FileFormat;
pub use reader::FileReader;

use actors::ports::Recorded;

/// A reader for one file format.
trait Records {
    /// Adds the next record to `into`, as its state vectors, its error or as skipped, and counts it there. Returns `false` at the
    /// end.
    ///
    /// # Errors
    /// Returns an error if the rest of the file cannot be read.
    fn read(&mut self, into: &mut Recorded) -> Result<bool, String>;
}
