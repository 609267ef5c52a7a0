//! The Parquet layout of state vectors.
//!
//! A [`RowBuffer`] collects rows in little memory; [`write_file`] sorts them by aircraft and time and writes them as a
//! file of its own. [`ParquetFile`] does the same for a stream of rows, one row group at a time.
//!
//! | kind of field | column |
//! |---|---|
//! | address, text | `STRING`, dictionary |
//! | number | `DECIMAL(9, decimals)` on `INT32`, delta-encoded; or `DOUBLE`, dictionary |
//! | code | `INT(16)` on `INT32`, dictionary |
//! | flag | `BOOLEAN`, run-length encoded |
//! | time | `TIMESTAMP(MILLIS, UTC)`, since Parquet has no seconds, delta-encoded |
//!
//! The metadata has the key [`SCHEMA_KEY`] with the version of this layout, the sort order, statistics for each column
//! and page, and the page index.

mod buffer;
mod decimal;
mod layout;
mod reader;
mod texts;
mod writer;

pub use buffer::RowBuffer;
pub use layout::{NumberType, SCHEMA_KEY, SCHEMA_VERSION};
pub use reader::ParquetRows;
pub use writer::{ParquetFile, ROWS_PER_GROUP, write_file};

#[cfg(test)]
mod tests;
