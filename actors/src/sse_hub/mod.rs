//! Maintains the live picture, encodes its events, and serves each client through a bounded queue.

mod actor;
mod broadcast;
mod catch_up;
mod channel;
mod encode_cache;
mod encoder;
mod event;
mod latest;
mod picture;
mod poll_interval;
mod replay_buffer;
mod slots;
mod table;
mod tile;
mod tile_changes;

pub use actor::SseHub;
pub use broadcast::{Broadcast, HubLimits};
pub use encoder::Change;
pub use event::{comment, connection_ack, goodbye, opening, telemetry};
pub use picture::{Applied, Picture};
pub use poll_interval::ObservedPollInterval;
pub use tile::Tile;

pub use crate::event_stream::{
    Compressor, Encoding, Frame, OfferOutcome, QueueLimits, QueueReceiver, QueueSender, queue,
};
