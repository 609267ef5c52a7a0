mod clients;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::batch::Batch;
use crate::detect::Alert;
use crate::domain::{AddressBlock, UnixTime};
use crate::event_stream::{Encoding, Frame, QueueLimits};
use crate::metrics::{Metrics, count, init_counters};
use crate::sse_hub::catch_up::{UNLIMITED, catch_up, snapshot};
use crate::sse_hub::channel::{Channel, Client, Feed};
use crate::sse_hub::encode_cache::{EncodeCache, EncodedEvent};
use crate::sse_hub::encoder::{self, Closes, Head};
use crate::sse_hub::event;
use crate::sse_hub::latest::LatestStates;
use crate::sse_hub::picture::Picture;
use crate::sse_hub::poll_interval::ObservedPollInterval;
use crate::sse_hub::replay_buffer::Entry;
use crate::sse_hub::tile::Tile;
use crate::sse_hub::tile_changes::group_by_tile;
use crate::supervision::HubTotals;

/// Limits of the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubLimits {
    /// Maximum number of clients.
    pub clients: usize,
    /// Maximum number of clients per address.
    pub clients_per_address: usize,
    /// The queue of one client.
    pub queue: QueueLimits,
    /// A client that reads nothing for this long although frames are queued is evicted.
    pub client_timeout: Duration,
    /// An aircraft leaves the picture after this time without a state, or after two poll intervals if that is longer.
    pub aircraft_timeout: Duration,
}

/// The live picture and its clients.
///
/// Each change is encoded once per watched tile, and compressed once per content encoding in use, regardless of the
/// number of clients.
#[derive(Debug)]
pub struct Broadcast {
    picture: Picture,
    /// The states sent to `/sse/flights`.
    latest: LatestStates,
    poll_interval: ObservedPollInterval,
    /// The active alerts as of the last published update, newest first.
    alerts: Vec<Alert>,
    /// The active alerts, if they have changed since.
    changed_alerts: Option<Vec<Alert>>,
    epoch: u32,
    /// The sequence number of the last published update.
    seq: u64,
    channels: HashMap<(Feed, Encoding), Channel>,
    /// The number of channels that watch a tile.
    watched: HashMap<Tile, usize>,
    clients: usize,
    /// The number of clients admitted so far.
    joined: u64,
    clients_per_address: HashMap<AddressBlock, usize>,
    cache: EncodeCache,
    limits: HubLimits,
    /// Notified by lagging clients that can read again.
    wake_up: Arc<Notify>,
    metrics: Metrics,
    totals: HubTotals,
}

impl Broadcast {
    /// How long the updates of a channel without clients are kept for clients that resume.
    const IDLE_CHANNEL_TIMEOUT: Duration = Duration::from_secs(60);
    /// One in this many clients is measured, since measuring ten thousand clients costs more than it is worth.
    const MEASURED_CLIENTS: u64 = 16;
    /// The maximum number of channels without clients.
    const MAX_IDLE_CHANNELS: usize = 256;

    /// Creates an empty picture without clients. Each instance needs its own epoch.
    pub fn new(epoch: u32, limits: HubLimits, metrics: Metrics) -> Self {
        init_counters(&metrics.clients_refused, &["clients", "address"]);
        init_counters(&metrics.states_passed_over, &["not_newer_than_picture", "outdated", "ahead_of_time"]);
        Self {
            picture: Picture::default(),
            latest: LatestStates::default(),
            poll_interval: ObservedPollInterval::default(),
            alerts: Vec::new(),
            changed_alerts: None,
            epoch,
            seq: 0,
            channels: HashMap::new(),
            watched: HashMap::new(),
            clients: 0,
            joined: 0,
            clients_per_address: HashMap::new(),
            cache: EncodeCache::new(metrics.clone()),
            limits,
            wake_up: Arc::new(Notify::new()),
            metrics,
            totals: HubTotals::default(),
        }
    }

    /// Starts a new epoch with an empty picture and disconnects every client.
    pub fn restart(&mut self, epoch: u32) {
        let empty = Self::new(epoch, self.limits, self.metrics.clone());
        *self = Self { totals: self.totals, wake_up: self.wake_up.clone(), ..empty };
    }

    /// The epoch changes with every restart, which also empties the picture.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The live picture.
    pub fn picture(&self) -> &Picture {
        &self.picture
    }

    /// The number of clients.
    pub fn clients(&self) -> usize {
        self.clients
    }

    /// The number of clients that lag.
    pub fn clients_behind(&self) -> usize {
        let clients = self.channels.values().flat_map(|channel| &channel.clients);
        clients.filter(|client| client.behind.is_some()).count()
    }

    /// Counters since the start of the process.
    pub fn totals(&self) -> HubTotals {
        self.totals
    }

    /// Notified when [`Broadcast::service_clients`] has something to do.
    pub fn wake_up(&self) -> Arc<Notify> {
        self.wake_up.clone()
    }

    /// Sends every newer state of a batch to the clients of `/sse/flights`, and applies those that are not too old to
    /// the picture, for [`Broadcast::publish`].
    pub fn show(&mut self, batch: &Batch, now: UnixTime) {
        let latest = now.plus(Picture::MAX_AHEAD);
        let observed = batch.iter().filter_map(|state| state.observed_at).filter(|observed_at| *observed_at <= latest);
        observed.for_each(|observed_at| self.poll_interval.note(observed_at));
        let applied = self.picture.apply(batch.iter(), now, self.aircraft_timeout());
        count(&self.metrics.states_passed_over, "not_newer_than_picture", applied.not_newer);
        count(&self.metrics.states_passed_over, "outdated", applied.outdated);
        count(&self.metrics.states_passed_over, "ahead_of_time", applied.ahead);
        if let Some(observed_at) = applied.states.iter().filter_map(|state| state.observed_at).max() {
            self.metrics.age_when_shown.observe(now.seconds_since(observed_at).max(0) as f64);
        }
        let newer = self.latest.take_newer(batch.iter(), now);
        if newer.is_empty() {
            return;
        }
        self.totals.updates += 1;
        self.totals.states += newer.len() as u64;
        let mut encoded: Option<EncodedEvent> = None;
        for channel in self.channels.values_mut().filter(|channel| channel.feed == Feed::Telemetry) {
            let text = encoded.get_or_insert_with(|| self.cache.encode("telemetry", event::telemetry(&newer)));
            let frame = Frame::new(vec![self.cache.block(text, channel.encoding)]);
            channel.send_states(&frame, newer.len() as u64, self.latest.sequence(), self.limits.queue);
        }
    }

    /// Removes aircraft without a recent state.
    pub fn sweep(&mut self, now: UnixTime) {
        let timeout = self.aircraft_timeout();
        self.picture.sweep(now, timeout);
        self.latest.forget(now, timeout);
    }

    /// Long enough that the picture does not become empty before the next poll.
    fn aircraft_timeout(&self) -> Duration {
        self.limits.aircraft_timeout.max(2 * self.poll_interval.longest())
    }

    /// Replaces the active alerts, for [`Broadcast::publish`].
    pub fn show_alerts(&mut self, mut alerts: Vec<Alert>) {
        alerts.sort_by_key(|alert| Reverse(alert.since));
        self.changed_alerts = (alerts != self.alerts).then_some(alerts);
    }

    /// The maximum number of changes in the next update.
    pub fn changed(&self) -> usize {
        self.picture.changed() + usize::from(self.changed_alerts.is_some())
    }

    /// Sends the changes since the last call to the clients of `/api/v1/stream`. `sent_at` is in Unix milliseconds.
    pub fn publish(&mut self, sent_at: u64) {
        let changes = self.picture.take_changes();
        let changed_alerts = self.changed_alerts.take();
        if changes.is_empty() && changed_alerts.is_none() {
            return;
        }
        self.seq += 1;
        self.cache.clear_snapshots();
        let (head, updates) = (self.head(sent_at), group_by_tile(&changes, &self.watched));
        let mut encoded: HashMap<Tile, EncodedEvent> = HashMap::new();
        // Alerts are rare and short, and every client receives them. They are part of the update, so that clients that
        // keep up or resume do not miss them.
        let alert = changed_alerts.map(|alerts| {
            self.alerts = alerts;
            encoder::alert(head, &self.alerts)
        });
        for channel in self.channels.values_mut().filter(|channel| channel.feed != Feed::Telemetry) {
            let mut pieces = Vec::new();
            for &tile in channel.tiles() {
                let Some(update) = updates.get(&tile) else { continue };
                let text = encoded
                    .entry(tile)
                    .or_insert_with(|| self.cache.encode("delta", encoder::delta(head, tile, &changes, update).into()));
                pieces.push(self.cache.block(text, channel.encoding));
            }
            pieces.extend(alert.as_deref().map(|alert| channel.encoding.stored(alert)));
            if pieces.is_empty() {
                continue;
            }
            let closes = Closes::Update { after: channel.replay.newest() };
            pieces.push(channel.encoding.stored(&encoder::current(head, &channel.tag, closes)));
            channel.advance(Entry { seq: head.seq, frame: Frame::new(pieces) }, self.limits.queue);
        }
    }

    fn head(&self, sent_at: u64) -> Head {
        Head { epoch: self.epoch, seq: self.seq, observed_at: self.picture.observed_at(), sent_at }
    }

    /// Brings lagging clients that can read again up to date, and evicts clients that have disconnected or stall.
    pub fn service_clients(&mut self, now: Instant, sent_at: u64) {
        let (head, mut skipped) = (self.head(sent_at), 0);
        for channel in self.channels.values_mut() {
            let is_ready = |client: &Client| client.behind.is_some() && client.queue.is_waiting();
            if channel.feed == Feed::Telemetry {
                skipped += catch_up(channel, &self.latest, &mut self.cache);
            } else if channel.clients.iter().any(is_ready) {
                self.totals.snapshots += 1;
                let frames = snapshot(channel, (&self.picture, &self.alerts), &mut self.cache, head);
                for client in channel.clients.iter_mut().filter(|client| is_ready(client)) {
                    for frame in &frames {
                        client.queue.offer(frame.clone(), UNLIMITED);
                    }
                    client.behind = None;
                }
            }
        }
        self.totals.states_skipped += skipped;
        self.metrics.states_skipped.inc_by(skipped);
        self.evict(now);
    }

    /// Keeps idle connections open, and confirms to clients without recent updates that they have missed nothing.
    pub fn heartbeat(&mut self, sent_at: u64) {
        let head = self.head(sent_at);
        let heartbeat = event::comment("heartbeat");
        for channel in self.channels.values_mut() {
            channel.send_lossy(&Frame::new(vec![channel.encoding.stored(&heartbeat)]), self.limits.queue);
            let after = channel.replay.newest();
            if channel.feed != Feed::Telemetry && after < head.seq {
                let current = encoder::current(head, &channel.tag, Closes::Update { after });
                let frame = Frame::new(vec![channel.encoding.stored(&current)]);
                channel.advance(Entry { seq: head.seq, frame }, self.limits.queue);
            }
        }
    }

    /// Disconnects all clients, and asks each to reconnect at a random time within the next few seconds.
    pub fn disconnect_all(&mut self) {
        for channel in self.channels.values_mut() {
            for client in channel.clients.drain(..) {
                let goodbye = event::goodbye(rand::rng().random_range(1_000..6_000));
                client.queue.offer(Frame::new(vec![channel.encoding.stored(&goodbye)]), UNLIMITED);
            }
        }
        self.channels.clear();
        self.watched.clear();
        self.clients_per_address.clear();
        self.clients = 0;
    }
}
