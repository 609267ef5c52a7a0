use std::collections::VecDeque;
use std::sync::Arc;

use crate::event_stream::Frame;

/// A frame, and the sequence number of its closing event.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) seq: u64,
    pub(super) frame: Arc<Frame>,
}

/// The latest updates of a channel, kept for clients that resume.
#[derive(Debug)]
pub(super) struct ReplayBuffer {
    /// The sequence number before the oldest entry.
    from: u64,
    entries: VecDeque<Entry>,
    bytes: usize,
}

impl ReplayBuffer {
    const MAX_ENTRIES: usize = 256;

    pub(super) fn new(from: u64) -> Self {
        Self { from, entries: VecDeque::new(), bytes: 0 }
    }

    /// The sequence number of the newest closing event.
    pub(super) fn newest(&self) -> u64 {
        self.entries.back().map_or(self.from, |entry| entry.seq)
    }

    /// Appends an update, and evicts the oldest ones beyond `max_bytes`.
    pub(super) fn push(&mut self, entry: Entry, max_bytes: usize) {
        self.bytes += entry.frame.length();
        self.entries.push_back(entry);
        while self.entries.len() > Self::MAX_ENTRIES || self.bytes > max_bytes {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.frame.length();
            self.from = oldest.seq;
        }
    }

    /// Returns the updates after the closing event `seq`; `None` if they were evicted.
    pub(super) fn after(&self, seq: u64) -> Option<impl Iterator<Item = &Entry>> {
        let known = if seq == self.from { 0 } else { self.entries.iter().position(|entry| entry.seq == seq)? + 1 };
        Some(self.entries.iter().skip(known))
    }

    /// Returns the length of the updates after the closing event `seq`.
    pub(super) fn bytes_after(&self, seq: u64) -> Option<usize> {
        self.after(seq).map(|entries| entries.map(|entry| entry.frame.length()).sum())
    }
}
