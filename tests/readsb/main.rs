//! The sources that read readsb's aircraft lists: the parser against recorded lists, the sources against scripted
//! servers and files.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, and clippy sees no test in its helpers"
)]

mod api;
mod failures;
mod file;
mod fuzz;
mod recorded;
#[path = "../support/scripted_server.rs"]
mod scripted_server;
mod source;
mod url;
mod wire;
