//! The flight monitor: the I/O around the actors.
//!
//! `main` parses the command line and hands over to [`cli`]; the server itself is wired together in [`app`].

pub mod app;
mod atomic_file;
pub mod cli;
pub mod config;
mod export;
mod fault;
pub mod http;
pub mod import;
pub mod kafka;
pub mod logging;
mod pem;
pub mod proxy;
#[cfg(test)]
mod samples;
pub mod sources;
pub mod storage;
mod tls;
