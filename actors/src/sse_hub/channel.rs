use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::tile::Tile;
use crate::domain::AddressBlock;
use crate::event_stream::Encoding;
use crate::event_stream::{Frame, Offer, QueueLimits, QueueSender};

/// What a client is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Feed {
    /// `/sse/flights`: every newer state from now on.
    Telemetry,
    /// `/api/v1/stream`: these cells.
    Cells(Arc<[Tile]>),
}

/// The clients that get the same bytes, and what the last of them were.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) feed: Feed,
    pub(super) encoding: Encoding,
    /// The scope's part of an event's `id`.
    pub(super) tag: String,
    pub(super) clients: Vec<Client>,
    pub(super) chain: Chain,
    /// The snapshot made last.
    pub(super) present: Option<Link>,
    /// Since when it has no clients.
    pub(super) left: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) address: AddressBlock,
    pub(super) queue: QueueSender,
    /// Since an update did not fit: the number of the one before it, and how many states were left out.
    pub(super) behind: Option<Behind>,
    /// How often it had taken something when it was last seen to make progress, and when that was.
    pub(super) progress: (u64, Instant),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Behind {
    pub(super) sequence: u64,
    pub(super) states: u64,
}

/// The closing event's number of a frame, and the frame.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) seq: u64,
    pub(super) frame: Arc<Frame>,
}

/// The last updates of a channel, each of which follows the one before.
#[derive(Debug)]
pub(super) struct Chain {
    /// What the oldest one follows.
    from: u64,
    links: VecDeque<Link>,
    bytes: usize,
}

impl Chain {
    const MOST_LINKS: usize = 256;

    pub(super) fn new(from: u64) -> Self {
        Self { from, links: VecDeque::new(), bytes: 0 }
    }

    /// The number of the newest closing event.
    pub(super) fn newest(&self) -> u64 {
        self.links.back().map_or(self.from, |link| link.seq)
    }

    /// Adds an update, and forgets the oldest ones beyond `most_bytes`.
    fn add(&mut self, link: Link, most_bytes: usize) {
        self.bytes += link.frame.length();
        self.links.push_back(link);
        while self.links.len() > Self::MOST_LINKS || self.bytes > most_bytes {
            let Some(oldest) = self.links.pop_front() else { break };
            self.bytes -= oldest.frame.length();
            self.from = oldest.seq;
        }
    }

    /// What followed the closing event `seq`; `None` when that is not known.
    pub(super) fn after(&self, seq: u64) -> Option<impl Iterator<Item = &Link>> {
        let known = if seq == self.from { 0 } else { self.links.iter().position(|link| link.seq == seq)? + 1 };
        Some(self.links.iter().skip(known))
    }

    fn bytes_after(&self, seq: u64) -> Option<usize> {
        self.after(seq).map(|links| links.map(|link| link.frame.length()).sum())
    }
}

impl Channel {
    /// What a client may be owed, and a chain may hold, in any case; beyond it a snapshot's length.
    const LEAST_BYTES: usize = 64 * 1024;

    pub(super) fn new(feed: Feed, encoding: Encoding, seq: u64) -> Self {
        let tag = match &feed {
            Feed::Cells(cells) if **cells != [Tile::World] => format!("{:016x}", fingerprint(cells)),
            _ => "world".to_owned(),
        };
        let (clients, chain) = (Vec::new(), Chain::new(seq));
        Self { feed, encoding, tag, clients, chain, present: None, left: None }
    }

    pub(super) fn cells(&self) -> &[Tile] {
        match &self.feed {
            Feed::Telemetry => &[],
            Feed::Cells(cells) => cells,
        }
    }

    /// Adds a link to the chain and sends it to every client that keeps up. Who does not keep up is owed the present
    /// instead: what waits for it is dropped.
    pub(super) fn advance(&mut self, link: Link, limits: QueueLimits) {
        // More than a snapshot is not worth sending: the snapshot says the same.
        let snapshot = self.present.as_ref().map_or(0, |present| present.frame.length());
        let bytes = limits.bytes.min(snapshot.max(Self::LEAST_BYTES));
        let limits = QueueLimits { bytes, ..limits };
        for client in self.clients.iter_mut().filter(|client| client.behind.is_none()) {
            if client.queue.offer(link.frame.clone(), limits) == Offer::Full {
                client.queue.clear();
                client.falls_behind(0);
            }
        }
        self.chain.add(link, bytes);
    }

    /// Sends states to every client that keeps up; the others are left out until they have taken what waits.
    pub(super) fn tell(&mut self, frame: &Arc<Frame>, states: u64, sequence: u64, limits: QueueLimits) {
        for client in &mut self.clients {
            if client.behind.is_none() && client.queue.offer(frame.clone(), limits) == Offer::Full {
                client.falls_behind(sequence.saturating_sub(1));
            }
            if let Some(behind) = &mut client.behind {
                behind.states += states;
            }
        }
    }

    /// Sends something that may be missed to the clients that keep up.
    pub(super) fn mention(&self, frame: &Arc<Frame>, limits: QueueLimits) {
        for client in self.clients.iter().filter(|client| client.behind.is_none()) {
            client.queue.offer(frame.clone(), limits);
        }
    }

    /// The last snapshot and what followed it, where that is worth sending.
    pub(super) fn known_present(&self) -> Option<Vec<Arc<Frame>>> {
        let present = self.present.as_ref()?;
        let since = self.chain.bytes_after(present.seq)?;
        // Beyond that, one new snapshot costs the server less than the detour costs each client.
        if since * 2 > present.frame.length() {
            return None;
        }
        let followed = self.chain.after(present.seq)?.map(|link| link.frame.clone());
        Some([present.frame.clone()].into_iter().chain(followed).collect())
    }
}

impl Client {
    fn falls_behind(&mut self, sequence: u64) {
        self.behind = Some(Behind { sequence, states: 0 });
        self.queue.call_when_empty();
    }

    /// Whether it has taken nothing for `timeout` while something waited for it.
    pub(super) fn is_stuck(&mut self, now: Instant, timeout: Duration) -> bool {
        let taken = self.queue.taken();
        if taken != self.progress.0 || self.queue.is_waiting() {
            self.progress = (taken, now);
        }
        now.duration_since(self.progress.1) > timeout
    }
}

/// A number for a list of cells, the same as long as the process lives.
fn fingerprint(cells: &[Tile]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    cells.hash(&mut hasher);
    hasher.finish()
}
