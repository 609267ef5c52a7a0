use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Limits of one client's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Maximum number of frames.
    pub frames: usize,
    /// Maximum number of bytes. A single frame may be larger while the queue is empty.
    pub bytes: usize,
}

/// Encoded pieces of an event stream that are sent together, shared by all clients that receive them.
#[derive(Debug)]
pub struct Frame {
    pieces: Vec<Bytes>,
    chunk: Vec<Bytes>,
    length: usize,
    created: Instant,
}

/// Compares the content, not the time of creation.
impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        self.pieces == other.pieces
    }
}

impl Frame {
    /// Up to this size, writing one combined piece is cheaper for each connection than writing several.
    const SMALL: usize = 4096;

    /// Creates a frame of these pieces.
    pub fn new(pieces: Vec<Bytes>) -> Arc<Self> {
        let length = pieces.iter().map(Bytes::len).sum();
        let chunk = Self::chunk_of(&pieces, length);
        Arc::new(Self { pieces, chunk, length, created: Instant::now() })
    }

    /// An empty frame has no chunk, since an empty chunk would end the body.
    fn chunk_of(pieces: &[Bytes], length: usize) -> Vec<Bytes> {
        if length == 0 {
            return Vec::new();
        }
        let (head, end) = (Bytes::from(format!("{length:x}\r\n")), Bytes::from_static(b"\r\n"));
        let parts = [head].into_iter().chain(pieces.iter().cloned()).chain([end]);
        if length <= Self::SMALL { vec![parts.collect::<Vec<_>>().concat().into()] } else { parts.collect() }
    }

    /// The pieces, in order.
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// The frame as an HTTP/1.1 chunk (RFC 9112, 7.1), encoded once for all connections.
    pub fn chunk(&self) -> &[Bytes] {
        &self.chunk
    }

    /// The length of all pieces in bytes.
    pub fn length(&self) -> usize {
        self.length
    }
}

#[derive(Debug, Default)]
struct Inner {
    frames: VecDeque<Arc<Frame>>,
    /// The length of the queued frames in bytes.
    bytes: usize,
    /// Whether to notify the hub once the queue is empty.
    notify_when_empty: bool,
    reader: Option<Waker>,
    /// The hub has closed the queue.
    closed: bool,
    /// The connection has ended.
    disconnected: bool,
}

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    /// The number of reads by the client.
    reads: AtomicU64,
    wake_up: Arc<Notify>,
}

impl Shared {
    /// No code panics while holding the lock, so a poisoned lock still guards consistent data.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hub's end of a client's queue. After it is dropped, the client reads the queued frames and then the end.
#[derive(Debug)]
pub struct QueueSender(Arc<Shared>);

/// The connection's end of a client's queue.
#[derive(Debug)]
pub struct QueueReceiver {
    shared: Arc<Shared>,
    /// The first frame. It is not in the queue, since `clear` must not drop it.
    opening: Option<Arc<Frame>>,
    lag: Option<Lag>,
}

/// Measures the delivery time of frames to one client.
#[derive(Debug)]
struct Lag {
    seconds: Histogram,
    /// When the frame in transmission was created.
    sending: Option<Instant>,
}

/// The outcome of offering a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferOutcome {
    /// The frame is queued.
    Queued,
    /// The queue is full.
    Full,
    /// The client has disconnected.
    Disconnected,
}

/// Creates a queue of frames between the hub and one connection, which reads the opening first. It notifies `wake_up`
/// when the client has read everything after [`QueueSender::notify_when_empty`].
pub fn queue(opening: Arc<Frame>, wake_up: Arc<Notify>) -> (QueueSender, QueueReceiver) {
    let shared = Arc::new(Shared { inner: Mutex::default(), reads: AtomicU64::new(0), wake_up });
    (QueueSender(shared.clone()), QueueReceiver { shared, opening: Some(opening), lag: None })
}

impl QueueSender {
    /// Queues a frame if there is capacity. Never blocks.
    pub fn offer(&self, frame: Arc<Frame>, limits: QueueLimits) -> OfferOutcome {
        let mut inner = self.0.lock();
        if inner.disconnected {
            return OfferOutcome::Disconnected;
        }
        let length = frame.length();
        let is_full = inner.frames.len() >= limits.frames.max(1) || inner.bytes + length > limits.bytes;
        if is_full && !inner.frames.is_empty() {
            return OfferOutcome::Full;
        }
        inner.bytes += length;
        inner.frames.push_back(frame);
        let reader = inner.reader.take();
        drop(inner);
        if let Some(reader) = reader {
            reader.wake();
        }
        OfferOutcome::Queued
    }

    /// Drops the queued frames. The frame in transmission is completed.
    pub fn clear(&self) {
        let mut inner = self.0.lock();
        inner.frames = VecDeque::new();
        inner.bytes = 0;
    }

    /// Notifies the hub once the client has read everything and waits for more.
    pub fn notify_when_empty(&self) {
        self.0.lock().notify_when_empty = true;
    }

    /// Whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.0.lock().frames.is_empty()
    }

    /// Whether the client has read everything and waits for more.
    pub fn is_waiting(&self) -> bool {
        let inner = self.0.lock();
        inner.frames.is_empty() && inner.reader.is_some()
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.0.lock().disconnected
    }

    /// The number of reads by the client; it grows while the client makes progress.
    pub fn reads(&self) -> u64 {
        self.0.reads.load(Ordering::Relaxed)
    }
}

impl Drop for QueueSender {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.closed = true;
        let reader = inner.reader.take();
        drop(inner);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl QueueReceiver {
    /// Measures in `seconds` the time from the creation of each frame until the next one is requested, which is when
    /// the socket has accepted all of it. The opening is not measured.
    pub fn measure(&mut self, seconds: Histogram) {
        self.lag = Some(Lag { seconds, sending: None });
    }

    /// The next frame; `None` after the hub has closed the queue.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Arc<Frame>>> {
        if let Some(Lag { seconds, sending }) = &mut self.lag
            && let Some(created) = sending.take()
        {
            seconds.observe(created.elapsed().as_secs_f64());
        }
        if let Some(opening) = self.opening.take() {
            self.note_progress();
            return Poll::Ready(Some(opening));
        }
        let mut inner = self.shared.lock();
        if let Some(frame) = inner.frames.pop_front() {
            inner.bytes -= frame.length();
            self.note_progress();
            if inner.frames.is_empty() {
                // Free the buffer. Ten thousand idle clients do not need it.
                inner.frames = VecDeque::new();
            }
            if let Some(lag) = &mut self.lag {
                lag.sending = Some(frame.created);
            }
            return Poll::Ready(Some(frame));
        }
        if inner.closed {
            return Poll::Ready(None);
        }
        match &mut inner.reader {
            Some(reader) => reader.clone_from(cx.waker()),
            reader => *reader = Some(cx.waker().clone()),
        }
        if std::mem::take(&mut inner.notify_when_empty) {
            drop(inner);
            self.shared.wake_up.notify_one();
        }
        Poll::Pending
    }

    /// Records that part of the last frame was sent, so that a slow client does not count as stalled.
    pub fn note_progress(&self) {
        self.shared.reads.fetch_add(1, Ordering::Relaxed);
    }

    /// The next frame; `None` after the hub has closed the queue.
    pub async fn recv(&mut self) -> Option<Arc<Frame>> {
        std::future::poll_fn(|cx| self.poll_recv(cx)).await
    }
}

impl Drop for QueueReceiver {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        inner.disconnected = true;
        inner.frames = VecDeque::new();
        inner.reader = None;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;
    use prometheus_client::registry::Registry;

    use super::*;

    const LIMITS: QueueLimits = QueueLimits { frames: 3, bytes: 100 };

    fn frame(length: usize) -> Arc<Frame> {
        Frame::new(vec![vec![b'x'; length].into()])
    }

    /// A queue whose client has read the opening.
    fn queue() -> (QueueSender, QueueReceiver, Arc<Notify>) {
        let wake_up = Arc::new(Notify::new());
        let (sender, mut receiver) = super::queue(frame(1), wake_up.clone());
        assert!(receiver.recv().now_or_never().flatten().is_some());
        (sender, receiver, wake_up)
    }

    #[tokio::test]
    async fn a_queue_is_bounded_in_frames_and_in_bytes() {
        let (sender, mut receiver, _) = queue();
        assert_eq!(sender.offer(frame(60), LIMITS), OfferOutcome::Queued);
        assert_eq!(sender.offer(frame(60), LIMITS), OfferOutcome::Full, "120 bytes are too many");
        assert_eq!(sender.offer(frame(20), LIMITS), OfferOutcome::Queued);
        assert_eq!(sender.offer(frame(20), LIMITS), OfferOutcome::Queued);
        assert_eq!(sender.offer(frame(0), LIMITS), OfferOutcome::Full, "four frames are too many");
        receiver.recv().await.unwrap();
        assert_eq!(sender.offer(frame(60), LIMITS), OfferOutcome::Queued, "reading frees capacity");
        assert_eq!((sender.reads(), sender.is_empty()), (2, false));
    }

    #[tokio::test]
    async fn a_frame_larger_than_the_limit_passes_through_an_empty_queue() {
        let (sender, mut receiver, _) = queue();
        assert_eq!(sender.offer(frame(1000), LIMITS), OfferOutcome::Queued);
        assert_eq!(receiver.recv().await.unwrap().length(), 1000);
        assert!(sender.is_empty());
    }

    #[test]
    fn a_disconnected_client_is_detected() {
        let (sender, receiver, _) = queue();
        sender.offer(frame(90), LIMITS);
        drop(receiver);
        assert_eq!(sender.offer(frame(1), LIMITS), OfferOutcome::Disconnected);
        assert!(sender.is_closed());
    }

    #[tokio::test]
    async fn the_hub_is_notified_once_when_a_client_has_read_everything() {
        let (sender, mut receiver, wake_up) = queue();
        sender.offer(frame(10), LIMITS);
        sender.notify_when_empty();
        assert_eq!(wake_up.notified().now_or_never(), None);
        receiver.recv().await.unwrap();
        assert_eq!(wake_up.notified().now_or_never(), None, "the client may still be writing");
        assert_eq!(receiver.recv().now_or_never(), None);
        assert_eq!(wake_up.notified().now_or_never(), Some(()));
        assert_eq!(receiver.recv().now_or_never(), None);
        assert_eq!(wake_up.notified().now_or_never(), None);
    }

    #[tokio::test]
    async fn queued_frames_can_be_dropped_but_not_the_opening() {
        let (sender, mut receiver) = super::queue(frame(7), Arc::new(Notify::new()));
        sender.offer(frame(1), LIMITS);
        sender.clear();
        assert!(sender.is_empty() && !sender.is_waiting());
        sender.offer(frame(2), LIMITS);
        assert_eq!(receiver.recv().await.unwrap().length(), 7);
        assert_eq!(receiver.recv().await.unwrap().length(), 2);
        assert_eq!(receiver.recv().now_or_never(), None);
        assert!(sender.is_waiting());
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_from_creating_a_frame_to_sending_it_is_measured() {
        let seconds = Histogram::new([1.0, 4.0]);
        let counted = || {
            let mut text = String::new();
            let mut registry = Registry::default();
            registry.register("lag", "", seconds.clone());
            prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
            text.lines().filter_map(|line| line.strip_prefix("lag_sum ")).map(str::to_owned).collect::<Vec<_>>()
        };
        let (sender, mut receiver, _) = queue();
        receiver.measure(seconds.clone());
        sender.offer(frame(1), LIMITS);
        tokio::time::advance(Duration::from_secs(2)).await;
        receiver.recv().await.unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(counted(), ["0.0"], "the frame is being written");
        assert_eq!(receiver.recv().now_or_never(), None);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(receiver.recv().now_or_never(), None);
        assert_eq!(counted(), ["3.0"], "2 s in the queue and 1 s being written; idle time does not count");
    }

    #[tokio::test]
    async fn queued_frames_are_read_before_the_end() {
        let (sender, mut receiver, _) = queue();
        sender.offer(frame(1), LIMITS);
        drop(sender);
        assert!(receiver.recv().await.is_some());
        assert!(receiver.recv().await.is_none());
    }
}
