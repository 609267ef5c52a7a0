//! The flight monitor: the I/O around the actors.
//!
//! [`cli`] parses the command line, and `main` dispatches to its commands. The server is wired together in [`app`].

mod address_guard;
pub mod app;
pub mod archive;
mod atomic_file;
pub mod cli;
pub mod config;
pub mod enrichment;
mod export;
mod fault;
mod file_stamp;
pub mod files;
pub mod http;
pub mod import;
pub mod kafka;
pub mod logging;
pub mod notify;
mod pem;
pub mod proxy;
pub mod rules;
#[cfg(test)]
mod samples;
pub mod sinks;
pub mod sources;
pub mod storage;
mod tls;
