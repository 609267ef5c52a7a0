//! Admits and evicts clients.

use std::collections::HashMap;

use rand::Rng;
use tokio::time::Instant;

use super::Broadcast;
use crate::domain::{AddressBlock, UnixTime};
use crate::event_stream::{Frame, QueueReceiver, queue};
use crate::messages::{Join, RequestedStream, TooManyClients};
use crate::metrics::count;
use crate::sse_hub::catch_up::{UNLIMITED, resumed, snapshot};
use crate::sse_hub::channel::{Channel, Client, Feed};
use crate::sse_hub::encoder::{EventId, Head};
use crate::sse_hub::event;
use crate::sse_hub::tile::Tile;

impl Broadcast {
    /// Admits a client. `sent_at` is in Unix milliseconds.
    ///
    /// # Errors
    /// A limit of clients is reached.
    pub fn join(&mut self, join: &Join, sent_at: u64) -> Result<QueueReceiver, TooManyClients> {
        self.admit(join.address).inspect_err(|full| {
            let reason = match full {
                TooManyClients::Total => "clients",
                TooManyClients::PerAddress => "address",
            };
            count(&self.metrics.clients_refused, reason, 1);
            self.totals.clients_refused += 1;
        })?;
        let (encoding, now) = (join.encoding, Instant::now());
        let feed = match &join.stream {
            RequestedStream::Telemetry => Feed::Telemetry,
            RequestedStream::Stream { scope, .. } => Feed::Tiles(Tile::of_scope(scope).into()),
        };
        let (seq, watched) = (self.seq, &mut self.watched);
        let channel = self.channels.entry((feed.clone(), encoding)).or_insert_with(|| {
            let channel = Channel::new(feed.clone(), encoding, seq);
            channel.tiles().iter().for_each(|tile| *watched.entry(*tile).or_default() += 1);
            channel
        });
        let opening = match &join.stream {
            RequestedStream::Telemetry => event::connection_ack(UnixTime::now()),
            RequestedStream::Stream { .. } => event::opening(rand::rng().random_range(1_000..5_000)),
        };
        let opening = [encoding.header(), &encoding.stored(&opening)].concat();
        let (sender, mut receiver) = queue(Frame::new(vec![opening.into()]), self.wake_up.clone());
        if self.joined.is_multiple_of(Self::MEASURED_CLIENTS) {
            receiver.measure(self.metrics.sse_lag.clone());
        }
        self.joined += 1;
        let mut frames = Vec::new();
        if let RequestedStream::Stream { last_event_id, .. } = &join.stream {
            let last = last_event_id.as_deref().and_then(EventId::parse);
            let last = last.filter(|last| last.epoch == self.epoch && last.tag == channel.tag).map(|last| last.seq);
            let head = Head { epoch: self.epoch, seq, observed_at: self.picture.observed_at(), sent_at };
            match last.and_then(|seq| resumed(channel, head, seq)) {
                Some(missed) => {
                    self.totals.resumed += 1;
                    frames = missed;
                }
                None => {
                    self.totals.snapshots += 1;
                    frames = snapshot(channel, (&self.picture, &self.alerts), &mut self.cache, head);
                }
            }
        }
        for frame in frames {
            sender.offer(frame, UNLIMITED);
        }
        channel.idle_since = None;
        channel.clients.push(Client { address: join.address, queue: sender, behind: None, progress: (0, now) });
        self.clients += 1;
        *self.clients_per_address.entry(join.address).or_default() += 1;
        Ok(receiver)
    }

    fn admit(&mut self, address: AddressBlock) -> Result<(), TooManyClients> {
        let of_address = |of: &HashMap<_, usize>| of.get(&address).copied().unwrap_or_default();
        if self.clients >= self.limits.clients
            || of_address(&self.clients_per_address) >= self.limits.clients_per_address
        {
            // Some clients may have disconnected a moment ago.
            self.evict(Instant::now());
        }
        if self.clients >= self.limits.clients {
            return Err(TooManyClients::Total);
        }
        if of_address(&self.clients_per_address) >= self.limits.clients_per_address {
            return Err(TooManyClients::PerAddress);
        }
        Ok(())
    }

    /// Removes clients that have disconnected or stall, and channels that have been idle for a while.
    pub(super) fn evict(&mut self, now: Instant) {
        let timeout = self.limits.client_timeout;
        for channel in self.channels.values_mut() {
            channel.clients.retain_mut(|client| {
                let is_stuck = client.is_stuck(now, timeout);
                let stays = !is_stuck && !client.queue.is_closed();
                if is_stuck {
                    log::info!(
                        actor = "sse-hub", address:% = client.address;
                        "evicted a client that read nothing for {} s", timeout.as_secs_f64()
                    );
                    client.queue.clear();
                    self.totals.clients_evicted += 1;
                    self.metrics.clients_evicted.inc();
                }
                if !stays {
                    self.clients -= 1;
                    if let Some(count) = self.clients_per_address.get_mut(&client.address) {
                        *count -= 1;
                    }
                }
                stays
            });
            if channel.clients.is_empty() {
                channel.idle_since.get_or_insert(now);
            }
        }
        self.clients_per_address.retain(|_, count| *count > 0);
        self.drop_idle_channels(now);
    }

    fn drop_idle_channels(&mut self, now: Instant) {
        let mut idle: Vec<_> = self.channels.values().filter_map(|channel| channel.idle_since).collect();
        idle.sort_unstable();
        let excess = idle.len().checked_sub(Self::MAX_IDLE_CHANNELS + 1).and_then(|last| idle.get(last).copied());
        let watched = &mut self.watched;
        self.channels.retain(|_, channel| {
            let is_dropped = channel.idle_since.is_some_and(|since| {
                now.duration_since(since) > Self::IDLE_CHANNEL_TIMEOUT || excess.is_some_and(|last| since <= last)
            });
            if is_dropped {
                for tile in channel.tiles() {
                    if let Some(channels) = watched.get_mut(tile) {
                        *channels -= 1;
                    }
                }
            }
            !is_dropped
        });
        watched.retain(|_, channels| *channels > 0);
    }
}
