//! The OpenSky client against scripted servers, and its parser against recorded responses.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, and clippy sees no test in its helpers"
)]

mod client;
mod failures;
mod proxy;
mod recorded;
mod server;
mod wire;
