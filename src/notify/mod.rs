//! The endpoints of notifications about alerts, each kind in its own folder.
//!
//! They are not sinks: a sink receives every state vector and stores a position together with its data, so that each is
//! in it once. An endpoint receives alerts, which are sent again until it accepts them; its position is the committed
//! offset of a consumer group of its own.
//!
//! To add a kind of endpoint, add its folder with an [`EndpointKind`], and its row in [`KINDS`].

mod address;
mod http;
mod kind;
mod message;
pub mod mqtt;
pub mod ntfy;
mod settings;
pub mod webhook;

pub use address::{EndpointAddress, InvalidEndpointAddress};
pub use kind::{EndpointKind, OpenEndpoint};
pub use settings::{EndpointSettings, Hidden};

/// The kinds of endpoints below `notify` in the configuration.
pub static KINDS: &[&EndpointKind] = &[&webhook::KIND, &ntfy::KIND, &mqtt::KIND];
