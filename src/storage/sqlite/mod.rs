//! SQLite, embedded: a pool for queries by diesel, and a connection of its own for the writer.

mod connection;
mod late;
mod maintenance;
mod queries;
mod summaries;
mod summarize;
mod traffic;
mod untouched;
mod writer;

pub(super) use connection::SqliteDatabase;
pub(super) use untouched::Untouched;
pub(super) use writer::SqliteWriter;
