//! The HTTP client shared by all sources that poll over HTTP, and by the endpoints of notifications. It limits the
//! time and size of responses and uses the operator's proxies.

mod client;
mod endpoint;
mod response;
mod secrets;
mod tunnel;
mod user_agent;

pub use client::Network;
pub(crate) use client::{HttpClient, tls_client};
pub use endpoint::{Endpoint, InvalidEndpoint};
pub(crate) use response::{HttpResponse, retry_after, with_context};
pub(crate) use secrets::Secrets;
