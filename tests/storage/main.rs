//! The storage against real databases: one suite for all of them, and what each has for itself.
//!
//! `TEST_DATABASE_URL` names a PostgreSQL that lets us make databases, `TEST_TIMESCALE_URL` one with TimescaleDB where
//! each test has a schema of its own. `make test` starts both and runs everything.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

/// These tests, once for each database: functions of the module in which it stands, generic over a `TestDatabase`.
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

mod databases;
mod history;
mod kill;
mod policies;
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
