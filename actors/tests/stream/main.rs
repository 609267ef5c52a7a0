//! `/api/v1/stream` without its server. Whatever happens on the way, a client's picture must match the hub's.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub, reason = "a test fails by panicking")]

mod client;
mod golden;
mod schedule;
mod sharing;
mod sky;
