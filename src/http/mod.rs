//! The HTTP server.
//!
//! A request passes through `connection` (limits, TLS, sockets), `routes` (the table of all paths), a handler in `api`,
//! `compat`, `admin` or `ops`, and `reply` (encoding, caching, problems), in this order. `pictures` caches the responses
//! that contain the whole live picture.

mod admin;
mod api;
mod compat;
mod connection;
mod cors;
mod fact_filter;
mod methods;
mod ops;
mod pictures;
mod reply;
mod routes;
mod server;
mod state;

pub use compat::CompatApis;
pub use connection::capacity::Capacity;
pub use connection::tls::{TlsError, TlsFiles};
pub use cors::AllowedOrigins;
pub use ops::collectors::{ActorCollector, PoolCollector, RulesCollector, TableCollector};
pub use pictures::PictureCache;
pub use reply::limits::Limits;
pub use server::{HttpOptions, RunningServer, StartError, start};
pub use state::ServerState;
