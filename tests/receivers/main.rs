//! The sources that read a receiver's TCP stream, against receivers that fail, and against invalid data.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, and clippy sees no test in its helpers"
)]

mod connection;
mod fuzz;
mod receiver;
