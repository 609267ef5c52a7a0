use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::mpsc;

/// How much may wait for one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Frames.
    pub frames: usize,
    /// Bytes; a single frame may be larger when nothing else waits.
    pub bytes: usize,
}

#[derive(Debug, Default)]
struct Shared {
    /// Bytes that wait.
    bytes: AtomicUsize,
    /// Frames that were taken in all.
    taken: AtomicU64,
}

/// The hub's end of a client's queue.
#[derive(Debug)]
pub struct QueueSender {
    frames: mpsc::Sender<Bytes>,
    shared: Arc<Shared>,
    limits: QueueLimits,
}

/// The connection's end of a client's queue.
#[derive(Debug)]
pub struct QueueReceiver {
    frames: mpsc::Receiver<Bytes>,
    shared: Arc<Shared>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It will be sent.
    Taken,
    /// There is no room for it.
    Full,
    /// The client has gone.
    Gone,
}

/// A queue of frames between the hub and one connection.
pub fn queue(limits: QueueLimits) -> (QueueSender, QueueReceiver) {
    let (sender, receiver) = mpsc::channel(limits.frames.max(1));
    let shared = Arc::new(Shared::default());
    (QueueSender { frames: sender, shared: shared.clone(), limits }, QueueReceiver { frames: receiver, shared })
}

impl QueueSender {
    /// Adds a frame, or says why not; never waits.
    pub fn offer(&self, frame: Bytes) -> Offer {
        let waiting = self.shared.bytes.load(Ordering::Relaxed);
        if waiting > 0 && waiting + frame.len() > self.limits.bytes {
            return if self.frames.is_closed() { Offer::Gone } else { Offer::Full };
        }
        let length = frame.len();
        // Counted before it is sent: the other end may take it at once.
        self.shared.bytes.fetch_add(length, Ordering::Relaxed);
        let refused = match self.frames.try_send(frame) {
            Ok(()) => return Offer::Taken,
            Err(mpsc::error::TrySendError::Full(_)) => Offer::Full,
            Err(mpsc::error::TrySendError::Closed(_)) => Offer::Gone,
        };
        self.shared.bytes.fetch_sub(length, Ordering::Relaxed);
        refused
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.frames.capacity() == self.frames.max_capacity()
    }

    /// Whether the connection has ended.
    pub fn is_gone(&self) -> bool {
        self.frames.is_closed()
    }

    /// How many frames the client has taken in all: progress, when it grows.
    pub fn taken(&self) -> u64 {
        self.shared.taken.load(Ordering::Relaxed)
    }
}

impl QueueReceiver {
    /// The next frame; `None` when the hub has said goodbye.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.frames.poll_recv(cx).map(|frame| {
            frame.inspect(|frame| {
                self.shared.bytes.fetch_sub(frame.len(), Ordering::Relaxed);
                self.shared.taken.fetch_add(1, Ordering::Relaxed);
            })
        })
    }

    /// The next frame; `None` when the hub has said goodbye.
    pub async fn recv(&mut self) -> Option<Bytes> {
        std::future::poll_fn(|cx| self.poll_recv(cx)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize) -> Bytes {
        vec![b'x'; length].into()
    }

    #[tokio::test]
    async fn a_queue_is_bounded_in_frames_and_in_bytes() {
        let (sender, mut receiver) = queue(QueueLimits { frames: 3, bytes: 100 });
        assert_eq!(sender.offer(frame(60)), Offer::Taken);
        assert_eq!(sender.offer(frame(60)), Offer::Full, "120 bytes are too many");
        assert_eq!(sender.offer(frame(20)), Offer::Taken);
        assert_eq!(sender.offer(frame(20)), Offer::Taken);
        assert_eq!(sender.offer(frame(0)), Offer::Full, "four frames are too many");
        receiver.recv().await.unwrap();
        assert_eq!(sender.offer(frame(60)), Offer::Taken, "what was taken makes room");
        assert_eq!((sender.taken(), sender.is_empty()), (1, false));
    }

    #[tokio::test]
    async fn a_frame_larger_than_the_bound_goes_through_an_empty_queue() {
        let (sender, mut receiver) = queue(QueueLimits { frames: 3, bytes: 100 });
        assert_eq!(sender.offer(frame(1000)), Offer::Taken);
        assert_eq!(receiver.recv().await.unwrap().len(), 1000);
        assert!(sender.is_empty());
    }

    #[test]
    fn a_client_that_has_gone_is_noticed() {
        let (sender, receiver) = queue(QueueLimits { frames: 3, bytes: 100 });
        sender.offer(frame(90));
        drop(receiver);
        assert_eq!(sender.offer(frame(1)), Offer::Gone);
        assert_eq!(sender.offer(frame(90)), Offer::Gone);
    }
}
