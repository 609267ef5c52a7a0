//! What SseHub decides with: the newest state of every aircraft, what its clients are sent, and how slow ones are treated.

mod broadcast;
mod catch_up;
mod cell;
mod channel;
mod compression;
mod encoder;
mod event;
mod latest;
mod numbers;
mod picture;
mod press;
mod queue;
mod spacing;
mod table;

pub use broadcast::{Broadcast, HubLimits, Totals};
pub use cell::Cell;
pub use compression::{Compressor, Encoding};
pub use encoder::Change;
pub use event::{comment, connection_ack, goodbye, opening, telemetry};
pub use picture::{Applied, Picture};
pub use queue::{Frame, Offer, QueueLimits, QueueReceiver, QueueSender, queue};
