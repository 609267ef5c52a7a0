//! What brings a client up to date: what it missed, the present, or the newest of what it skipped.

use std::collections::HashMap;
use std::sync::Arc;

use super::channel::{Channel, Link};
use super::encode_cache::EncodeCache;
use super::encoder::{self, Closes, Head};
use super::event;
use super::latest::LatestStates;
use super::picture::Picture;
use crate::detect::AlertWatch;
use crate::event_stream::{Frame, QueueLimits};

/// For what a client is owed in any case.
pub(super) const UNLIMITED: QueueLimits = QueueLimits { frames: usize::MAX, bytes: usize::MAX };

/// What a client missed since `seq`; `None` when that is not known any more.
pub(super) fn resumed(channel: &Channel, head: Head, seq: u64) -> Option<Vec<Arc<Frame>>> {
    let mut missed: Vec<_> = channel.chain.after(seq)?.map(|link| link.frame.clone()).collect();
    if missed.is_empty() {
        let current = encoder::current(Head { seq, ..head }, &channel.tag, Closes::Update { after: seq });
        missed.push(Frame::new(vec![channel.encoding.stored(&current)]));
    }
    Some(missed)
}

/// Everything in a channel's scope.
pub(super) fn present(
    channel: &mut Channel,
    (picture, alerts): (&Picture, &AlertWatch),
    press: &mut EncodeCache,
    head: Head,
) -> Vec<Arc<Frame>> {
    if let Some(known) = channel.known_present() {
        return known;
    }
    // The channel's own number: what its clients get next follows it.
    let closing = Head { seq: channel.chain.newest(), ..head };
    let mut pieces: Vec<_> =
        channel.cells().iter().map(|&cell| press.snapshot(cell, picture, head, channel.encoding)).collect();
    pieces.push(channel.encoding.stored(&encoder::alert(head, alerts)));
    let closes = Closes::Snapshot { cells: channel.cells() };
    pieces.push(channel.encoding.stored(&encoder::current(closing, &channel.tag, closes)));
    let frame = Frame::new(pieces);
    channel.present = Some(Link { seq: closing.seq, frame: frame.clone() });
    vec![frame]
}

/// Sends the newest state of each aircraft that changed meanwhile to the clients of `/sse/flights` that can read again.
/// The answer is how many states they skipped.
pub(super) fn catch_up(channel: &mut Channel, latest: &LatestStates, press: &mut EncodeCache) -> u64 {
    let mut skipped = 0;
    let mut frames: HashMap<u64, (Arc<Frame>, u64)> = HashMap::new();
    for client in &mut channel.clients {
        let Some(behind) = client.behind.filter(|_| client.queue.is_waiting()) else { continue };
        let (frame, states) = frames.entry(behind.sequence).or_insert_with(|| {
            let changed = latest.changed_after(behind.sequence);
            let mut text = press.encoded("telemetry", event::telemetry(changed.iter().copied()));
            (Frame::new(vec![press.block(&mut text, channel.encoding)]), changed.len() as u64)
        });
        client.queue.offer(frame.clone(), UNLIMITED);
        client.behind = None;
        skipped += behind.states.saturating_sub(*states);
    }
    skipped
}
