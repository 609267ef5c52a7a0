//! What SseHub decides with: the newest state of every aircraft, and how slow clients are treated.

mod event;
mod picture;
mod queue;

pub use event::{comment, connection_ack, goodbye, telemetry};
pub use picture::{Change, Picture};
pub use queue::{Offer, QueueLimits, QueueReceiver, QueueSender, queue};
