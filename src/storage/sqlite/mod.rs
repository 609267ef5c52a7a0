//! SQLite, embedded. Queries use a diesel pool; the writer has its own connection.

mod alerts;
mod connection;
mod conversion;
mod immutable_file;
mod late;
mod maintenance;
mod polls;
mod queries;
mod summaries;
mod summarize;
mod traffic;
mod views;
mod writer;

pub(super) use connection::SqliteDatabase;
pub(super) use conversion::{convert, finish_conversion, has_unscaled_rows, has_unscaled_table};
pub(super) use immutable_file::ImmutableFile;
pub(super) use views::ensure_views;
pub(super) use writer::SqliteWriter;
