//! Encodes event streams and queues them for each client: content encodings, frames and bounded queues.

mod encoding;
mod queue;

pub use encoding::{Compressor, Encoding};
pub use queue::{Frame, OfferOutcome, QueueLimits, QueueReceiver, QueueSender, queue};
