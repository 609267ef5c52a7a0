//! The storage against real databases: a suite that runs on each of them, and tests of what is specific to one.
//!
//! `TEST_DATABASE_URL` names a PostgreSQL server where the tests may create databases, `TEST_TIMESCALE_URL` one with
//! TimescaleDB, where each test has its own schema. `make test` starts both and runs everything.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

/// Generates each of these tests once for each database. They are functions of the enclosing module, generic over a
/// `TestDatabase`.
macro_rules! on_each_database {
    ($($test:ident)*) => {
        on_each_database!(@on [ignore = "needs PostgreSQL: run it by `make test`"] postgres Postgres: $($test)*);
        on_each_database!(@on [ignore = "needs TimescaleDB: run it by `make test`"] timescale Timescale: $($test)*);
        on_each_database!(@on [cfg(all())] sqlite Sqlite: $($test)*);
    };
    (@on $attribute:tt $name:ident $database:ident: $($test:ident)*) => {
        mod $name {
            $(#[actix_rt::test]
            #$attribute
            async fn $test() {
                super::$test::<$crate::databases::$database>().await;
            })*
        }
    };
}

mod alerts;
mod conversion;
mod databases;
mod history;
mod kill;
mod policies;
mod polls;
mod postgres;
mod proxy;
mod retention;
mod sample;
mod simulated;
mod sqlite;
mod statistics;
mod suite;
mod summaries;
mod timescale;
mod tls;
