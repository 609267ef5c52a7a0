//! PostgreSQL, with or without TimescaleDB: a pool for queries by diesel, and a connection of its own for the writer,
//! since diesel has no COPY.

mod advice;
mod connection;
mod copy;
mod cursor;
mod hypertable;
mod jobs;
mod maintenance;
mod policies;
mod positions;
mod queries;
mod refusal;
mod session_check;
mod sessions;
mod staging;
mod statistics;
mod summaries;
mod summarize;
mod time;
mod traffic;
mod transaction;
mod writer;

pub(super) use connection::{Failure, PostgresDatabase, Session, within};
pub(super) use writer::PostgresWriter;

/// The southern edge of a position's cell of 5 by 5 degrees; the pole belongs to the cells below it.
macro_rules! cell_lat {
    () => {
        "(least(floor((lat + 90) / 5), 35) * 5 - 90)::smallint"
    };
}
use cell_lat;

/// The western edge of a position's cell of 5 by 5 degrees; +180 is where −180 is.
macro_rules! cell_lon {
    () => {
        "(floor((lon + 180) / 5)::integer % 72 * 5 - 180)::smallint"
    };
}
use cell_lon;
