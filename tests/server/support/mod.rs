//! Test fixtures: the server as a process, the simulated sky it polls, its clients, Kafka and the database.

use std::time::SystemTime;

mod app;
mod connect;
mod database;
mod http;
mod http2;
mod log;
mod proxy;
mod services;
mod setup;
mod sky;
mod sse;
mod topic;
mod wait;

pub(crate) use app::TestApp;
pub(crate) use connect::open_connection_from;
pub(crate) use database::Database;
pub(crate) use http::{HttpResponse, request, request_with, resolve};
pub(crate) use http2::{Certificate, Http2};
pub(crate) use proxy::{Condition, Proxy};
pub(crate) use services::Service;
pub(crate) use setup::{ADMIN_TOKEN, Setup};
pub(crate) use sky::Sky;
pub(crate) use sse::{SseClient, key};
pub(crate) use topic::{Record, Topic};
pub(crate) use wait::{TEST_TIMEOUT, eventually, sleep};

/// Identifies a state vector by its ICAO address and `last_contact`.
pub(crate) type Key = (String, i64);

/// Returns the current Unix time in seconds.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    since.as_secs().try_into().unwrap()
}

/// Returns a name that is unique even on servers that outlive the test run.
pub(crate) fn unique_name() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("fm_server_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Returns an environment variable that `make test` sets.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests by `make test`"))
}
