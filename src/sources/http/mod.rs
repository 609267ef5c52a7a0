//! The HTTP client shared by all sources that poll over HTTP. It limits the time and size of responses and uses the
//! operator's proxies.

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
