//! The routes: what browsers, scripts, scrapers and operators ask.

mod admin;
mod flights;
mod health;
mod metrics;
mod page;
mod problem;
mod query;
mod server;
mod sockets;
mod stream;

pub use metrics::BoardCollector;
pub use server::{AllowedOrigins, HttpOptions, RunningServer, ServerState, start};
