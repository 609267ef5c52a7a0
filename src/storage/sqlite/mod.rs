//! SQLite, embedded. Queries use a diesel pool; the writer has its own connection.

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
