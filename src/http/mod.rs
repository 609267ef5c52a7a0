//! The routes: what browsers, scripts, scrapers and operators ask.

mod admin;
mod admin_actions;
mod admin_events;
mod admission;
mod attempts;
mod by_address;
mod client_address;
mod document;
mod entity_tag;
mod flights;
mod form;
mod geojson;
mod handover;
mod health;
mod history;
mod history_body;
mod limits;
mod metrics;
mod openapi;
mod page;
mod paging;
mod past_flights;
mod problem;
mod query;
mod refusals;
mod secured;
mod server;
mod sliced_body;
mod sockets;
mod stats;
mod status;
mod stream;
mod tls;
mod track;
mod under_way;

pub(crate) use query::parse_time;

pub use attempts::Attempts;
pub use flights::Pictures;
pub use limits::Limits;
pub use metrics::{BoardCollector, PoolCollector};
pub use server::{AllowedOrigins, HttpOptions, RunningServer, ServerState, StartError, start};
pub use sockets::{Room, room_for};
pub use tls::{TlsError, TlsFiles};
