//! Serves the live picture: the newest state of every aircraft, the events sent to clients, and the bounded queue of each.

mod actor;
mod broadcast;
mod catch_up;
mod channel;
mod compression;
mod encode_cache;
mod encoder;
mod event;
mod latest;
mod numbers;
mod picture;
mod queue;
mod spacing;
mod table;
mod tile;

pub use actor::SseHub;
pub use broadcast::{Broadcast, HubLimits, Totals};
pub use compression::{Compressor, Encoding};
pub use encoder::Change;
pub use event::{comment, connection_ack, goodbye, opening, telemetry};
pub use picture::{Applied, Picture};
pub use queue::{Frame, Offer, QueueLimits, QueueReceiver, QueueSender, queue};
pub use tile::Tile;
