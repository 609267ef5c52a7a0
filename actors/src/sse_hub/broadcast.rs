use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::catch_up::{UNLIMITED, catch_up, present, resumed};
use super::channel::{Channel, Client, Feed, Link};
use super::encode_cache::{EncodeCache, EncodedEvent};
use super::encoder::{self, Change, Closes, EventId, Head, TileUpdate};
use super::event;
use super::latest::LatestStates;
use super::picture::Picture;
use super::spacing::Spacing;
use super::tile::Tile;
use crate::batch::Batch;
use crate::detect::AlertWatch;
use crate::domain::{AddressBlock, UnixTime};
use crate::event_stream::Encoding;
use crate::event_stream::{Frame, QueueLimits, QueueReceiver, queue};
use crate::messages::{Full, Join, Wanted};
use crate::metrics::{Metrics, count, expect};

/// How much the hub keeps, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubLimits {
    /// Clients in all.
    pub clients: usize,
    /// Clients from one address.
    pub clients_per_address: usize,
    /// What may wait for one client.
    pub queue: QueueLimits,
    /// A client that takes nothing for this long, while something waits for it, is dropped.
    pub client_timeout: Duration,
    /// An aircraft unheard for this long is gone, or for twice the time between the source's answers if that is longer.
    pub aircraft_timeout: Duration,
}

/// The picture, and everybody who watches it.
///
/// What changes is encoded once for each cell that is watched, and compressed once for each content encoding that is in
/// use there, whatever the number of clients.
#[derive(Debug)]
pub struct Broadcast {
    picture: Picture,
    /// What `/sse/flights` was sent.
    latest: LatestStates,
    spacing: Spacing,
    /// As of the last update that was published.
    alerts: AlertWatch,
    epoch: u32,
    /// Of the last update that was published.
    seq: u64,
    channels: HashMap<(Feed, Encoding), Channel>,
    /// How many channels watch a cell.
    watched: HashMap<Tile, usize>,
    clients: usize,
    /// How many ever came.
    joined: u64,
    of_address: HashMap<AddressBlock, usize>,
    press: EncodeCache,
    limits: HubLimits,
    /// Rung by clients that have fallen behind and can read again.
    bell: Arc<Notify>,
    metrics: Metrics,
    totals: Totals,
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Totals {
    pub updates: u64,
    pub states: u64,
    pub clients_evicted: u64,
    pub clients_refused: u64,
    pub states_skipped: u64,
    pub snapshots: u64,
    pub resumed: u64,
}

impl Broadcast {
    /// How long updates are kept for clients that come back, after the last client of their scope has gone.
    const KEPT_FOR: Duration = Duration::from_secs(60);
    /// Of so many clients one is measured, the first of them: what ten thousand would tell costs more than it is worth.
    const MEASURED: u64 = 16;
    /// How many scopes without a client are kept.
    const MOST_KEPT: usize = 256;

    /// An empty picture that nobody watches. No two may have the same epoch.
    pub fn new(epoch: u32, limits: HubLimits, metrics: Metrics) -> Self {
        expect(&metrics.clients_refused, &["clients", "address"]);
        expect(&metrics.states_passed_over, &["not_newer_than_picture", "outdated", "ahead_of_time"]);
        Self {
            picture: Picture::default(),
            latest: LatestStates::default(),
            spacing: Spacing::default(),
            alerts: AlertWatch::default(),
            epoch,
            seq: 0,
            channels: HashMap::new(),
            watched: HashMap::new(),
            clients: 0,
            joined: 0,
            of_address: HashMap::new(),
            press: EncodeCache::new(metrics.clone()),
            limits,
            bell: Arc::new(Notify::new()),
            metrics,
            totals: Totals::default(),
        }
    }

    /// Forgets the picture and lets every client go: another epoch begins.
    pub fn start_anew(&mut self, epoch: u32) {
        let empty = Self::new(epoch, self.limits, self.metrics.clone());
        *self = Self { totals: self.totals, bell: self.bell.clone(), ..empty };
    }

    /// Another one means an empty picture.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The picture.
    pub fn picture(&self) -> &Picture {
        &self.picture
    }

    /// How many clients there are.
    pub fn clients(&self) -> usize {
        self.clients
    }

    /// How many of them have fallen behind.
    pub fn clients_behind(&self) -> usize {
        let clients = self.channels.values().flat_map(|channel| &channel.clients);
        clients.filter(|client| client.behind.is_some()).count()
    }

    /// What happened so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Rings when [`Broadcast::tend`] has something to do.
    pub fn bell(&self) -> Arc<Notify> {
        self.bell.clone()
    }

    /// Sends every newer state of a batch to the clients of `/sse/flights`, and takes those that are not too old into
    /// the picture, for [`Broadcast::publish`].
    pub fn show(&mut self, batch: &Batch, now: UnixTime) {
        let latest = now.plus(Picture::AHEAD);
        let observed = batch.iter().filter_map(|state| state.observed_at).filter(|observed_at| *observed_at <= latest);
        observed.for_each(|observed_at| self.spacing.note(observed_at));
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
            let text = encoded.get_or_insert_with(|| self.press.encoded("telemetry", event::telemetry(&newer)));
            let frame = Frame::new(vec![self.press.block(text, channel.encoding)]);
            channel.tell(&frame, newer.len() as u64, self.latest.sequence(), self.limits.queue);
        }
    }

    /// Removes the aircraft that were not heard for too long.
    pub fn sweep(&mut self, now: UnixTime) {
        let timeout = self.aircraft_timeout();
        self.picture.sweep(now, timeout);
        self.latest.forget(now, timeout);
    }

    /// So that the picture is not empty before the source answers again.
    fn aircraft_timeout(&self) -> Duration {
        self.limits.aircraft_timeout.max(2 * self.spacing.longest())
    }

    /// Of how many aircraft [`Broadcast::publish`] would tell, at most.
    pub fn changed(&self) -> usize {
        self.picture.changed()
    }

    /// Sends what changed since the last call to the clients of `/api/v1/stream`. `sent_at` is in Unix milliseconds.
    pub fn publish(&mut self, sent_at: u64) {
        let changes = self.picture.take_changes();
        if changes.is_empty() {
            return;
        }
        self.seq += 1;
        self.press.forget_snapshots();
        let (head, updates) = (self.head(sent_at), by_cell(&changes, &self.watched));
        let mut encoded: HashMap<Tile, EncodedEvent> = HashMap::new();
        // Rare, short, and for everybody: it travels in the update, so that nobody who keeps up or resumes misses it.
        let alert = note_alerts(&mut self.alerts, &changes).then(|| encoder::alert(head, &self.alerts));
        for channel in self.channels.values_mut().filter(|channel| channel.feed != Feed::Telemetry) {
            let mut pieces = Vec::new();
            for &cell in channel.cells() {
                let Some(update) = updates.get(&cell) else { continue };
                let text = encoded.entry(cell).or_insert_with(|| {
                    self.press.encoded("delta", encoder::delta(head, cell, &changes, update).into())
                });
                pieces.push(self.press.block(text, channel.encoding));
            }
            pieces.extend(alert.as_deref().map(|alert| channel.encoding.stored(alert)));
            if pieces.is_empty() {
                continue;
            }
            let closes = Closes::Update { after: channel.chain.newest() };
            pieces.push(channel.encoding.stored(&encoder::current(head, &channel.tag, closes)));
            channel.advance(Link { seq: head.seq, frame: Frame::new(pieces) }, self.limits.queue);
        }
    }

    fn head(&self, sent_at: u64) -> Head {
        Head { epoch: self.epoch, seq: self.seq, observed_at: self.picture.observed_at(), sent_at }
    }

    /// Takes a client in, or says why not. `sent_at` is in Unix milliseconds.
    ///
    /// # Errors
    /// There is no room.
    pub fn join(&mut self, join: &Join, sent_at: u64) -> Result<QueueReceiver, Full> {
        self.admit(join.address).inspect_err(|full| {
            let reason = match full {
                Full::Clients => "clients",
                Full::Address => "address",
            };
            count(&self.metrics.clients_refused, reason, 1);
            self.totals.clients_refused += 1;
        })?;
        let (encoding, now) = (join.encoding, Instant::now());
        let feed = match &join.wanted {
            Wanted::Telemetry => Feed::Telemetry,
            Wanted::Stream { scope, .. } => Feed::Cells(Tile::of_scope(scope).into()),
        };
        let (seq, watched) = (self.seq, &mut self.watched);
        let channel = self.channels.entry((feed.clone(), encoding)).or_insert_with(|| {
            let channel = Channel::new(feed.clone(), encoding, seq);
            channel.cells().iter().for_each(|cell| *watched.entry(*cell).or_default() += 1);
            channel
        });
        let opening = match &join.wanted {
            Wanted::Telemetry => event::connection_ack(UnixTime::now()),
            Wanted::Stream { .. } => event::opening(rand::rng().random_range(1_000..5_000)),
        };
        let opening = [encoding.header(), &encoding.stored(&opening)].concat();
        let (sender, mut receiver) = queue(Frame::new(vec![opening.into()]), self.bell.clone());
        if self.joined.is_multiple_of(Self::MEASURED) {
            receiver.measure(self.metrics.sse_lag.clone());
        }
        self.joined += 1;
        let mut frames = Vec::new();
        if let Wanted::Stream { last_event_id, .. } = &join.wanted {
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
                    frames = present(channel, (&self.picture, &self.alerts), &mut self.press, head);
                }
            }
        }
        for frame in frames {
            sender.offer(frame, UNLIMITED);
        }
        channel.left = None;
        channel.clients.push(Client { address: join.address, queue: sender, behind: None, progress: (0, now) });
        self.clients += 1;
        *self.of_address.entry(join.address).or_default() += 1;
        Ok(receiver)
    }

    fn admit(&mut self, address: AddressBlock) -> Result<(), Full> {
        let of_address = |of: &HashMap<_, usize>| of.get(&address).copied().unwrap_or_default();
        if self.clients >= self.limits.clients || of_address(&self.of_address) >= self.limits.clients_per_address {
            // Some may have left a moment ago.
            self.let_go(Instant::now());
        }
        if self.clients >= self.limits.clients {
            return Err(Full::Clients);
        }
        if of_address(&self.of_address) >= self.limits.clients_per_address {
            return Err(Full::Address);
        }
        Ok(())
    }

    /// Brings clients that can read again up to date, and drops those that have gone or take nothing.
    pub fn tend(&mut self, now: Instant, sent_at: u64) {
        let (head, mut skipped) = (self.head(sent_at), 0);
        for channel in self.channels.values_mut() {
            let is_ready = |client: &Client| client.behind.is_some() && client.queue.is_waiting();
            if channel.feed == Feed::Telemetry {
                skipped += catch_up(channel, &self.latest, &mut self.press);
            } else if channel.clients.iter().any(is_ready) {
                self.totals.snapshots += 1;
                let frames = present(channel, (&self.picture, &self.alerts), &mut self.press, head);
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
        self.let_go(now);
    }

    /// Drops clients that have gone or take nothing, and scopes that nobody has watched for a while.
    fn let_go(&mut self, now: Instant) {
        let timeout = self.limits.client_timeout;
        for channel in self.channels.values_mut() {
            channel.clients.retain_mut(|client| {
                let is_stuck = client.is_stuck(now, timeout);
                let stays = !is_stuck && !client.queue.is_gone();
                if is_stuck {
                    log::info!(actor = "sse-hub", address:% = client.address; "client took nothing for {timeout:?} and is dropped");
                    client.queue.clear();
                    self.totals.clients_evicted += 1;
                    self.metrics.clients_evicted.inc();
                }
                if !stays {
                    self.clients -= 1;
                    if let Some(count) = self.of_address.get_mut(&client.address) {
                        *count -= 1;
                    }
                }
                stays
            });
            if channel.clients.is_empty() {
                channel.left.get_or_insert(now);
            }
        }
        self.of_address.retain(|_, count| *count > 0);
        self.forget_channels(now);
    }

    fn forget_channels(&mut self, now: Instant) {
        let mut left: Vec<_> = self.channels.values().filter_map(|channel| channel.left).collect();
        left.sort_unstable();
        let too_many = left.len().checked_sub(Self::MOST_KEPT + 1).and_then(|last| left.get(last).copied());
        let watched = &mut self.watched;
        self.channels.retain(|_, channel| {
            let goes = channel.left.is_some_and(|left| {
                now.duration_since(left) > Self::KEPT_FOR || too_many.is_some_and(|last| left <= last)
            });
            if goes {
                for cell in channel.cells() {
                    if let Some(channels) = watched.get_mut(cell) {
                        *channels -= 1;
                    }
                }
            }
            !goes
        });
        watched.retain(|_, channels| *channels > 0);
    }

    /// A sign of life for quiet connections; and who saw nothing of the last updates learns that nothing was missed.
    pub fn heartbeat(&mut self, sent_at: u64) {
        let head = self.head(sent_at);
        let heartbeat = event::comment("heartbeat");
        for channel in self.channels.values_mut() {
            channel.mention(&Frame::new(vec![channel.encoding.stored(&heartbeat)]), self.limits.queue);
            let after = channel.chain.newest();
            if channel.feed != Feed::Telemetry && after < head.seq {
                let current = encoder::current(head, &channel.tag, Closes::Update { after });
                let frame = Frame::new(vec![channel.encoding.stored(&current)]);
                channel.advance(Link { seq: head.seq, frame }, self.limits.queue);
            }
        }
    }

    /// Lets every client go, and asks each to come back at another moment of the next seconds.
    pub fn say_goodbye(&mut self) {
        for channel in self.channels.values_mut() {
            for client in channel.clients.drain(..) {
                let goodbye = event::goodbye(rand::rng().random_range(1_000..6_000));
                client.queue.offer(Frame::new(vec![channel.encoding.stored(&goodbye)]), UNLIMITED);
            }
        }
        self.channels.clear();
        self.watched.clear();
        self.of_address.clear();
        self.clients = 0;
    }
}

/// What of an update concerns each cell that is watched.
fn by_cell(changes: &[Change], watched: &HashMap<Tile, usize>) -> HashMap<Tile, TileUpdate> {
    let mut updates: HashMap<Tile, TileUpdate> = HashMap::new();
    for (index, Change { before, after, .. }) in changes.iter().enumerate() {
        let (before, after) = (before.as_deref(), after.as_deref());
        let is_same = before.zip(after).is_some_and(|(before, after)| before.icao24 == after.icao24);
        for cell in before.into_iter().flat_map(Tile::of_state).filter(|cell| watched.contains_key(cell)) {
            let update = updates.entry(cell).or_default();
            let stayed = is_same && after.is_some_and(|after| cell.contains(after));
            if stayed { update.changed.push(index) } else { update.gone.push(index) }
        }
        for cell in after.into_iter().flat_map(Tile::of_state).filter(|cell| watched.contains_key(cell)) {
            if !(is_same && before.is_some_and(|before| cell.contains(before))) {
                updates.entry(cell).or_default().appeared.push(index);
            }
        }
    }
    updates
}

/// Follows what changed, and says whether other alerts are on than before.
fn note_alerts(alerts: &mut AlertWatch, changes: &[Change]) -> bool {
    let before = alerts.revision();
    for Change { before, after, .. } in changes {
        let gone = before.as_ref().filter(|before| after.as_ref().is_none_or(|after| after.icao24 != before.icao24));
        if let Some(gone) = gone {
            alerts.end(gone.icao24);
        }
    }
    for state in changes.iter().filter_map(|change| change.after.as_ref()) {
        alerts.notice(state);
    }
    alerts.revision() != before
}
