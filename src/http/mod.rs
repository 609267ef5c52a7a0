//! The HTTP server: connections, routes, and the replies to browsers, scripts, scrapers and operators.

mod admin;
mod api;
mod connection;
mod cors;
mod ops;
mod reply;
mod server;

pub use api::flights::Pictures;
pub use connection::login_throttle::LoginThrottle;
pub use connection::sockets::{Capacity, capacity_for};
pub use connection::tls::{TlsError, TlsFiles};
pub use ops::metrics::{ActorCollector, PoolCollector};
pub use reply::limits::Limits;
pub use server::{AllowedOrigins, HttpOptions, RunningServer, ServerState, StartError, start};
