use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix::prelude::*;
use tokio::time::Instant;

use crate::domain::UnixTime;
use crate::messages::{
    Drain, Drained, GetPicture, Join, Joined, ShowAlerts, ShowBatch, Shown, TooManyClients, Version, View,
};
use crate::metrics::Metrics;
use crate::sse_hub::{Broadcast, HubLimits};
use crate::supervision::{Observation, Phase, Readiness, SseHubObservation, Vitals};

/// Maintains the live picture and sends its changes to all clients.
///
/// `/sse/flights` receives every state immediately. Updates of `/api/v1/stream` are at least [`SseHub::BATCH_WINDOW`]
/// apart. After a pause, a few changes are sent immediately, whereas many changes are the first part of a poll, so the
/// hub waits for the rest.
pub struct SseHub {
    broadcast: Broadcast,
    vitals: Vitals,
    metrics: Metrics,
    /// The time of the last update.
    published: Option<Instant>,
    /// Whether the next update is scheduled.
    is_due: bool,
    observed: Option<Instant>,
    draining: bool,
}

impl SseHub {
    const HEARTBEAT: Duration = Duration::from_secs(15);
    const TICK: Duration = Duration::from_secs(1);
    /// The hub never blocks, so this long without a tick is a stall.
    const STALL_TIMEOUT: Duration = Duration::from_secs(30);
    /// The interval at which silent aircraft are removed. Each removal sends data to every client.
    const SWEEP: Duration = Duration::from_secs(5);
    /// The states of one poll arrive in several batches, which are combined in one update.
    const BATCH_WINDOW: Duration = Duration::from_millis(8);
    /// More changed aircraft than this indicate the first batch of a poll.
    const MAX_IMMEDIATE_CHANGES: usize = 16;
    /// The minimum interval between observations, each of which visits every client.
    const OBSERVE_INTERVAL: Duration = Duration::from_millis(200);

    /// Creates a hub with an empty picture.
    pub fn new(limits: HubLimits, vitals: Vitals, metrics: Metrics) -> Self {
        Self {
            broadcast: Broadcast::new(rand::random(), limits, metrics.clone()),
            vitals,
            metrics,
            published: None,
            is_due: false,
            observed: None,
            draining: false,
        }
    }

    /// Publishes the changes, immediately or at the end of the batch window.
    fn publish_soon(&mut self, ctx: &mut Context<Self>) {
        let changed = self.broadcast.changed();
        if self.is_due || changed == 0 {
            return;
        }
        let now = Instant::now();
        let since = if changed > Self::MAX_IMMEDIATE_CHANGES { Some(now) } else { self.published };
        match since.map(|since| since + Self::BATCH_WINDOW).filter(|due| *due > now) {
            None => self.publish(),
            Some(due) => {
                self.is_due = true;
                ctx.run_later(due - now, |hub, _| hub.publish());
            }
        }
    }

    fn publish(&mut self) {
        self.is_due = false;
        self.published = Some(Instant::now());
        self.broadcast.publish(unix_millis());
    }

    fn service_clients(&mut self) {
        self.broadcast.service_clients(Instant::now(), unix_millis());
    }

    fn observe_now(&mut self) {
        self.observed = Some(Instant::now());
        let (clients, aircraft) = (self.broadcast.clients(), self.broadcast.picture().len());
        self.metrics.clients.set(i64::try_from(clients).unwrap_or(i64::MAX));
        self.metrics.aircraft.set(i64::try_from(aircraft).unwrap_or(i64::MAX));
        self.vitals.observe(Observation::SseHub(SseHubObservation {
            clients,
            clients_behind: self.broadcast.clients_behind(),
            aircraft,
            observed_at: self.broadcast.picture().observed_at(),
            totals: self.broadcast.totals(),
        }));
    }

    fn observe(&mut self) {
        if self.observed.is_none_or(|observed| observed.elapsed() >= Self::OBSERVE_INTERVAL) {
            self.observe_now();
        }
    }
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Actor for SseHub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.vitals.phase(Phase::Running);
        self.vitals.readiness(Readiness::Ready);
        self.vitals.expect_progress_within(Some(Self::STALL_TIMEOUT));
        ctx.run_interval(Self::SWEEP, |hub, ctx| {
            hub.broadcast.sweep(UnixTime::now());
            hub.publish_soon(ctx);
        });
        ctx.run_interval(Self::TICK, |hub, _| {
            hub.vitals.expect_progress_within(Some(Self::STALL_TIMEOUT));
            hub.service_clients();
            hub.observe_now();
        });
        ctx.run_interval(Self::HEARTBEAT, |hub, _| hub.broadcast.heartbeat(unix_millis()));
        let wake_up = self.broadcast.wake_up();
        let wake_ups = futures_util::stream::unfold(wake_up, |wake_up| async {
            wake_up.notified().await;
            Some(((), wake_up))
        });
        ctx.spawn(wake_ups.into_actor(self).map(|(), hub, _| hub.service_clients()).finish());
        self.observe_now();
    }
}

impl Supervised for SseHub {
    // The picture may be inconsistent, so the hub starts with an empty one and a new epoch, and Kafka fills it again.
    // The clients' queues end, and the clients reconnect.
    fn restarting(&mut self, _: &mut Self::Context) {
        self.broadcast.restart(rand::random());
        self.is_due = false;
    }
}

impl Handler<ShowBatch> for SseHub {
    type Result = Shown;

    fn handle(&mut self, ShowBatch(batch): ShowBatch, ctx: &mut Self::Context) -> Shown {
        self.broadcast.show(&batch, UnixTime::now());
        self.publish_soon(ctx);
        self.observe();
        self.vitals.progress();
        Shown { epoch: self.broadcast.epoch().into() }
    }
}

impl Handler<ShowAlerts> for SseHub {
    type Result = ();

    fn handle(&mut self, ShowAlerts(alerts): ShowAlerts, ctx: &mut Self::Context) {
        self.broadcast.show_alerts(alerts);
        self.publish_soon(ctx);
    }
}

impl Handler<Join> for SseHub {
    type Result = Result<Joined, TooManyClients>;

    fn handle(&mut self, join: Join, _: &mut Self::Context) -> Self::Result {
        if self.draining {
            return Err(TooManyClients::Total);
        }
        let frames = self.broadcast.join(&join, unix_millis());
        self.observe();
        Ok(Joined { frames: frames? })
    }
}

impl Handler<GetPicture> for SseHub {
    type Result = View;

    fn handle(&mut self, GetPicture { scope, known }: GetPicture, _: &mut Self::Context) -> View {
        let picture = self.broadcast.picture();
        let version = Version { epoch: self.broadcast.epoch(), sequence: picture.sequence() };
        let states =
            (known != Some(version)).then(|| picture.states().filter(|state| scope.contains(state)).cloned().collect());
        View { version, observed_at: picture.observed_at(), received: self.broadcast.totals().states, states }
    }
}

impl Handler<Drain> for SseHub {
    type Result = Drained;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Drained {
        self.vitals.phase(Phase::Finished);
        self.draining = true;
        self.broadcast.disconnect_all();
        self.observe_now();
        Drained::default()
    }
}

#[cfg(feature = "fault-injection")]
impl Handler<crate::messages::InjectPanic> for SseHub {
    type Result = ();

    #[expect(clippy::panic, reason = "panics on request")]
    fn handle(&mut self, _: crate::messages::InjectPanic, _: &mut Self::Context) {
        panic!("injected");
    }
}
