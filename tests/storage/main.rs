//! The storage against real databases: one suite for all of them, and what each has for itself.
//!
//! `TEST_DATABASE_URL` names a PostgreSQL that lets us make databases, `TEST_TIMESCALE_URL` one with TimescaleDB where
//! each test has a schema of its own. `make test` starts both and runs everything.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod databases;
mod derived;
mod history;
#[cfg(feature = "fault-injection")]
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
mod timescale;
mod tls;
