//! SQLite, embedded. Queries use a diesel pool; the writer has its own connection.

mod connection;
mod immutable_file;
mod late;
mod maintenance;
mod queries;
mod summaries;
mod summarize;
mod traffic;
mod writer;

pub(super) use connection::SqliteDatabase;
pub(super) use immutable_file::ImmutableFile;
pub(super) use writer::SqliteWriter;
