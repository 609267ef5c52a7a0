use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use actix::prelude::*;
use bytes::Bytes;
use rand::Rng;
use serde::Serialize;
use tokio::time::Instant;

use crate::domain::UnixTime;
use crate::live::{Offer, Picture, QueueLimits, QueueSender, comment, connection_ack, goodbye, queue, telemetry};
use crate::messages::{Drain, Drained, Full, Join, Joined, Look, ShowBatch, Shown, View};
use crate::metrics::{Metrics, count};
use crate::supervision::{Phase, Readiness, Vitals};

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
    /// An aircraft unheard for this long is gone.
    pub aircraft_timeout: Duration,
}

/// Keeps the live picture and pushes every newer state to every client: encoded once, whatever their number.
///
/// A client that is too slow for its queue is not sent what it missed, but, once its queue is empty, the newest state
/// of each aircraft that changed meanwhile.
pub struct SseHub {
    picture: Picture,
    clients: Vec<Client>,
    of_address: HashMap<IpAddr, usize>,
    limits: HubLimits,
    epoch: u64,
    vitals: Vitals,
    metrics: Metrics,
    observation: Observation,
    draining: bool,
}

struct Client {
    address: IpAddr,
    queue: QueueSender,
    /// Since an update did not fit: the last one that did, and how many states were left out.
    behind: Option<Behind>,
    /// How many frames it had taken when it was last seen to make progress, and when that was.
    progress: (u64, Instant),
}

#[derive(Clone, Copy)]
struct Behind {
    sequence: u64,
    states: u64,
}

/// What the admin page shows of the SseHub.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Observation {
    clients: usize,
    clients_behind: usize,
    clients_evicted: u64,
    clients_refused: u64,
    aircraft: usize,
    updates: u64,
    states: u64,
    states_skipped: u64,
    observed_at: Option<UnixTime>,
}

impl SseHub {
    const HEARTBEAT: Duration = Duration::from_secs(15);
    const TICK: Duration = Duration::from_secs(1);
    /// It waits for nobody: so long without a tick is a stall.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// A hub with an empty picture.
    pub fn new(limits: HubLimits, vitals: Vitals, metrics: Metrics) -> Self {
        Self {
            picture: Picture::default(),
            clients: Vec::new(),
            of_address: HashMap::new(),
            limits,
            epoch: rand::random(),
            vitals,
            metrics,
            observation: Observation::default(),
            draining: false,
        }
    }

    /// Sends one frame to every client that keeps up, and the present to those that have caught up.
    fn push(&mut self, frame: &Bytes, states: u64) {
        let (before, now) = (self.picture.sequence() - 1, Instant::now());
        for client in &mut self.clients {
            if client.behind.is_none() && client.queue.offer(frame.clone()) == Offer::Full {
                client.behind = Some(Behind { sequence: before, states: 0 });
            }
            if let Some(behind) = &mut client.behind {
                behind.states += states;
            }
        }
        self.metrics.frames.inc();
        self.metrics.frame_bytes.inc_by(frame.len() as u64);
        self.tend(now);
    }

    /// Brings clients that can read again up to date, and drops those that have gone or take nothing.
    fn tend(&mut self, now: Instant) {
        let mut catch_up: HashMap<u64, (Bytes, u64)> = HashMap::new();
        let (picture, timeout, metrics, observation) =
            (&self.picture, self.limits.client_timeout, &self.metrics, &mut self.observation);
        self.clients.retain_mut(|client| {
            if let Some(behind) = client.behind
                && client.queue.is_empty()
            {
                let (frame, states) = catch_up.entry(behind.sequence).or_insert_with(|| {
                    let changed: Vec<_> = picture.changed_after(behind.sequence).collect();
                    (telemetry(changed.iter().copied()), changed.len() as u64)
                });
                if client.queue.offer(frame.clone()) == Offer::Taken {
                    let skipped = behind.states.saturating_sub(*states);
                    observation.states_skipped += skipped;
                    metrics.states_skipped.inc_by(skipped);
                    client.behind = None;
                }
            }
            let taken = client.queue.taken();
            if taken != client.progress.0 || client.queue.is_empty() {
                client.progress = (taken, now);
            }
            let stuck = now.duration_since(client.progress.1) > timeout;
            if stuck {
                log::info!(actor = "sse-hub", address:% = client.address; "client took nothing for {timeout:?} and is dropped");
                observation.clients_evicted += 1;
                metrics.clients_evicted.inc();
            }
            let stays = !stuck && !client.queue.is_gone();
            if !stays && let Some(count) = self.of_address.get_mut(&client.address) {
                *count -= 1;
                if *count == 0 {
                    self.of_address.remove(&client.address);
                }
            }
            stays
        });
        self.observe();
    }

    fn observe(&mut self) {
        self.observation.clients = self.clients.len();
        self.observation.clients_behind = self.clients.iter().filter(|client| client.behind.is_some()).count();
        self.observation.aircraft = self.picture.len();
        self.observation.observed_at = self.picture.observed_at();
        self.metrics.clients.set(i64::try_from(self.clients.len()).unwrap_or(i64::MAX));
        self.metrics.aircraft.set(i64::try_from(self.picture.len()).unwrap_or(i64::MAX));
        self.vitals.observe(&self.observation);
    }

    fn admit(&self, address: IpAddr) -> Result<(), Full> {
        if self.draining || self.clients.len() >= self.limits.clients {
            return Err(Full::Clients);
        }
        if self.of_address.get(&address).copied().unwrap_or_default() >= self.limits.clients_per_address {
            return Err(Full::Address);
        }
        Ok(())
    }
}

impl Actor for SseHub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.vitals.phase(Phase::Running);
        self.vitals.readiness(Readiness::Ready);
        self.vitals.expect_progress_within(Some(Self::PATIENCE));
        ctx.run_interval(Self::TICK, |hub, _| {
            hub.vitals.expect_progress_within(Some(Self::PATIENCE));
            hub.picture.sweep(UnixTime::now(), hub.limits.aircraft_timeout);
            hub.tend(Instant::now());
        });
        ctx.run_interval(Self::HEARTBEAT, |hub, _| {
            let heartbeat = comment("heartbeat");
            for client in hub.clients.iter().filter(|client| client.behind.is_none()) {
                // A client with a full queue needs no sign of life: it has not read the last ones.
                client.queue.offer(heartbeat.clone());
            }
        });
        self.observe();
    }
}

impl Supervised for SseHub {
    // The picture may be half changed: an empty one of another epoch is filled again from Kafka. The clients' queues
    // end, so that their browsers come back to it.
    fn restarting(&mut self, _: &mut Self::Context) {
        self.picture = Picture::default();
        self.clients.clear();
        self.of_address.clear();
        self.epoch = self.epoch.wrapping_add(1);
    }
}

impl Handler<ShowBatch> for SseHub {
    type Result = Shown;

    fn handle(&mut self, ShowBatch(batch): ShowBatch, _: &mut Self::Context) -> Shown {
        let now = UnixTime::now();
        let change = self.picture.apply(batch.iter(), now, self.limits.aircraft_timeout);
        count(&self.metrics.states_passed_over, "not_newer_than_picture", change.not_newer);
        count(&self.metrics.states_passed_over, "outdated", change.outdated);
        if !change.states.is_empty() {
            if let Some(observed_at) = change.states.iter().filter_map(|state| state.observed_at).max() {
                self.metrics.age_when_shown.observe(now.seconds_since(observed_at).max(0) as f64);
            }
            self.observation.updates += 1;
            self.observation.states += change.states.len() as u64;
            self.push(&telemetry(&change.states), change.states.len() as u64);
        }
        self.vitals.progress();
        Shown { epoch: self.epoch }
    }
}

impl Handler<Join> for SseHub {
    type Result = Result<Joined, Full>;

    fn handle(&mut self, Join { address }: Join, _: &mut Self::Context) -> Self::Result {
        if let Err(full) = self.admit(address) {
            let reason = match full {
                Full::Clients => "clients",
                Full::Address => "address",
            };
            count(&self.metrics.clients_refused, reason, 1);
            self.observation.clients_refused += 1;
            return Err(full);
        }
        let (sender, receiver) = queue(self.limits.queue);
        sender.offer(connection_ack(UnixTime::now()));
        *self.of_address.entry(address).or_default() += 1;
        self.clients.push(Client { address, queue: sender, behind: None, progress: (0, Instant::now()) });
        self.observe();
        Ok(Joined { frames: receiver })
    }
}

impl Handler<Look> for SseHub {
    type Result = View;

    fn handle(&mut self, Look(scope): Look, _: &mut Self::Context) -> View {
        let states = self.picture.states().filter(|state| scope.contains(state)).cloned().collect();
        View { observed_at: self.picture.observed_at(), states }
    }
}

impl Handler<Drain> for SseHub {
    type Result = Drained;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Drained {
        self.vitals.phase(Phase::Finished);
        self.draining = true;
        for client in self.clients.drain(..) {
            // Spread over some seconds, so that they do not all come back at once.
            client.queue.offer(goodbye(rand::rng().random_range(1_000..6_000)));
        }
        self.of_address.clear();
        self.observe();
        Drained::default()
    }
}

#[cfg(feature = "fault-injection")]
impl Handler<crate::messages::InjectPanic> for SseHub {
    type Result = ();

    #[expect(clippy::panic, reason = "it is what was asked for")]
    fn handle(&mut self, _: crate::messages::InjectPanic, _: &mut Self::Context) {
        panic!("injected");
    }
}
