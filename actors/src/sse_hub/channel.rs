use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::replay_buffer::{Entry, ReplayBuffer};
use super::tile::Tile;
use crate::domain::AddressBlock;
use crate::event_stream::{Encoding, Frame, OfferOutcome, QueueLimits, QueueSender};

/// The content of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Feed {
    /// `/sse/flights`: every newer state from now on.
    Telemetry,
    /// `/api/v1/stream`: these tiles.
    Tiles(Arc<[Tile]>),
}

/// The clients that receive the same bytes, and a buffer of the latest updates.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) feed: Feed,
    pub(super) encoding: Encoding,
    /// Identifies the scope in an event's `id`.
    pub(super) tag: String,
    pub(super) clients: Vec<Client>,
    pub(super) replay: ReplayBuffer,
    /// The last snapshot.
    pub(super) snapshot: Option<Entry>,
    /// When the last client left.
    pub(super) idle_since: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) address: AddressBlock,
    pub(super) queue: QueueSender,
    /// Set while the client lags because an update did not fit into its queue.
    pub(super) behind: Option<Behind>,
    /// The number of reads at the last observed progress, and its time.
    pub(super) progress: (u64, Instant),
}

/// How far a client lags.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behind {
    /// The sequence number of the last update that the client received.
    pub(super) sequence: u64,
    /// The number of states that it has not received since.
    pub(super) states: u64,
}

impl Channel {
    /// The minimum byte limit of a client's queue and of the replay buffer. A larger snapshot raises the limit to its
    /// length.
    const MIN_BYTES: usize = 64 * 1024;

    pub(super) fn new(feed: Feed, encoding: Encoding, seq: u64) -> Self {
        let tag = match &feed {
            Feed::Tiles(tiles) if **tiles != [Tile::World] => format!("{:016x}", fingerprint(tiles)),
            _ => "world".to_owned(),
        };
        Self {
            feed,
            encoding,
            tag,
            clients: Vec::new(),
            replay: ReplayBuffer::new(seq),
            snapshot: None,
            idle_since: None,
        }
    }

    pub(super) fn tiles(&self) -> &[Tile] {
        match &self.feed {
            Feed::Telemetry => &[],
            Feed::Tiles(tiles) => tiles,
        }
    }

    /// Sends an update to every client that keeps up, and buffers it for resumption. A client whose queue is full loses
    /// the queued frames and receives a snapshot later.
    pub(super) fn advance(&mut self, entry: Entry, limits: QueueLimits) {
        // Queueing more bytes than a snapshot is pointless, since the snapshot has the same content.
        let snapshot = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.frame.length());
        let bytes = limits.bytes.min(snapshot.max(Self::MIN_BYTES));
        let limits = QueueLimits { bytes, ..limits };
        for client in self.clients.iter_mut().filter(|client| client.behind.is_none()) {
            if client.queue.offer(entry.frame.clone(), limits) == OfferOutcome::Full {
                client.queue.clear();
                client.mark_behind(0);
            }
        }
        self.replay.push(entry, bytes);
    }

    /// Sends states to every client that keeps up. Lagging clients receive none until they have read their queue.
    pub(super) fn send_states(&mut self, frame: &Arc<Frame>, states: u64, sequence: u64, limits: QueueLimits) {
        for client in &mut self.clients {
            if client.behind.is_none() && client.queue.offer(frame.clone(), limits) == OfferOutcome::Full {
                client.mark_behind(sequence.saturating_sub(1));
            }
            if let Some(behind) = &mut client.behind {
                behind.states += states;
            }
        }
    }

    /// Sends a frame that may be dropped to the clients that keep up.
    pub(super) fn send_lossy(&self, frame: &Arc<Frame>, limits: QueueLimits) {
        for client in self.clients.iter().filter(|client| client.behind.is_none()) {
            client.queue.offer(frame.clone(), limits);
        }
    }

    /// Returns the last snapshot and the updates since, if they are short enough to be sent instead of a new snapshot.
    pub(super) fn recent_snapshot(&self) -> Option<Vec<Arc<Frame>>> {
        let snapshot = self.snapshot.as_ref()?;
        let since = self.replay.bytes_after(snapshot.seq)?;
        // Beyond that, one new snapshot costs the server less than the extra updates cost each client.
        if since * 2 > snapshot.frame.length() {
            return None;
        }
        let updates = self.replay.after(snapshot.seq)?.map(|entry| entry.frame.clone());
        Some([snapshot.frame.clone()].into_iter().chain(updates).collect())
    }
}

impl Client {
    fn mark_behind(&mut self, sequence: u64) {
        self.behind = Some(Behind { sequence, states: 0 });
        self.queue.notify_when_empty();
    }

    /// Whether the client has read nothing for `timeout` although frames were queued.
    pub(super) fn is_stuck(&mut self, now: Instant, timeout: Duration) -> bool {
        let reads = self.queue.reads();
        if reads != self.progress.0 || self.queue.is_waiting() {
            self.progress = (reads, now);
        }
        now.duration_since(self.progress.1) > timeout
    }
}

/// Returns a hash of the tiles, which is stable for the lifetime of the process.
fn fingerprint(tiles: &[Tile]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    tiles.hash(&mut hasher);
    hasher.finish()
}
