//! PostgreSQL, with or without TimescaleDB. Queries use a diesel pool; the writer has its own connection, since diesel
//! does not support binary `COPY`.

mod advice;
mod alerts;
mod connection;
mod conversion;
mod copy;
mod cursor;
mod hypertable;
mod jobs;
mod maintenance;
mod policies;
mod polls;
mod positions;
mod queries;
mod rejected_row;
mod session_check;
mod sessions;
mod side_rows;
mod staging;
mod statistics;
mod summaries;
mod summarize;
mod time;
mod timescale_api;
mod traffic;
mod transaction;
mod views;
mod writer;

pub(super) use connection::{PostgresDatabase, PostgresError, Session, within};
pub(super) use conversion::find_unscaled;
pub(super) use writer::PostgresWriter;

/// SQL for the southern edge of a scaled position's 5° × 5° cell. The north pole belongs to the cells south of it.
macro_rules! cell_lat {
    () => {
        "(least((lat + 90000000) / 5000000, 35) * 5 - 90)::smallint"
    };
}
use cell_lat;

/// SQL for the western edge of a scaled position's 5° × 5° cell. Longitude +180 is treated as −180.
macro_rules! cell_lon {
    () => {
        "((lon + 180000000) / 5000000 % 72 * 5 - 180)::smallint"
    };
}
use cell_lon;
