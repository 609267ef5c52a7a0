//! Brings lagging clients up to date with the updates they missed, a snapshot, or the newest states.

use std::collections::HashMap;
use std::sync::Arc;

use super::channel::Channel;
use super::encode_cache::EncodeCache;
use super::encoder::{self, Closes, Head};
use super::event;
use super::latest::LatestStates;
use super::picture::Picture;
use super::replay_buffer::Entry;
use crate::detect::Alert;
use crate::event_stream::{Frame, QueueLimits};

/// The limits for frames that must not be dropped.
pub(super) const UNLIMITED: QueueLimits = QueueLimits { frames: usize::MAX, bytes: usize::MAX };

/// Returns the updates since `seq`; `None` if they were evicted.
pub(super) fn resumed(channel: &Channel, head: Head, seq: u64) -> Option<Vec<Arc<Frame>>> {
    let mut missed: Vec<_> = channel.replay.after(seq)?.map(|entry| entry.frame.clone()).collect();
    if missed.is_empty() {
        let current = encoder::current(Head { seq, ..head }, &channel.tag, Closes::Update { after: seq });
        missed.push(Frame::new(vec![channel.encoding.stored(&current)]));
    }
    Some(missed)
}

/// Returns a snapshot of a channel's scope.
pub(super) fn snapshot(
    channel: &mut Channel,
    (picture, alerts): (&Picture, &[Alert]),
    cache: &mut EncodeCache,
    head: Head,
) -> Vec<Arc<Frame>> {
    if let Some(recent) = channel.recent_snapshot() {
        return recent;
    }
    // Uses the channel's own sequence number, since its next update refers to it.
    let closing = Head { seq: channel.replay.newest(), ..head };
    let mut pieces: Vec<_> =
        channel.tiles().iter().map(|&tile| cache.snapshot(tile, picture, head, channel.encoding)).collect();
    pieces.push(channel.encoding.stored(&encoder::alert(head, alerts)));
    let closes = Closes::Snapshot { tiles: channel.tiles() };
    pieces.push(channel.encoding.stored(&encoder::current(closing, &channel.tag, closes)));
    let frame = Frame::new(pieces);
    channel.snapshot = Some(Entry { seq: closing.seq, frame: frame.clone() });
    vec![frame]
}

/// Sends the newest state of each changed aircraft to the clients of `/sse/flights` that lagged and can read again.
/// Returns the number of states that they skipped.
pub(super) fn catch_up(channel: &mut Channel, latest: &LatestStates, cache: &mut EncodeCache) -> u64 {
    let mut skipped = 0;
    let mut frames: HashMap<u64, (Arc<Frame>, u64)> = HashMap::new();
    for client in &mut channel.clients {
        let Some(behind) = client.behind.filter(|_| client.queue.is_waiting()) else { continue };
        let (frame, states) = frames.entry(behind.sequence).or_insert_with(|| {
            let changed = latest.changed_after(behind.sequence);
            let mut text = cache.encode("telemetry", event::telemetry(changed.iter().copied()));
            (Frame::new(vec![cache.block(&mut text, channel.encoding)]), changed.len() as u64)
        });
        client.queue.offer(frame.clone(), UNLIMITED);
        client.behind = None;
        skipped += behind.states.saturating_sub(*states);
    }
    skipped
}
