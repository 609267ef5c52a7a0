//! The HTTP client of every source that is polled by HTTP: bounded in time and size, through the operator's proxies.

mod client;
mod endpoint;
mod response;
mod secrets;
mod tunnel;
mod user_agent;

pub(super) use client::HttpClient;
pub use client::Network;
pub use endpoint::{Endpoint, InvalidEndpoint};
pub(super) use response::{HttpResponse, retry_after, with_context};
pub(super) use secrets::Secrets;
