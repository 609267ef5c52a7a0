use std::rc::Rc;
use std::time::{Duration, SystemTime};

use actix::prelude::*;
use tokio::time::Instant;

use super::change_filter::ChangeFilter;
use super::failure_pause::pause_after;
use crate::detect::{Alert, AlertWatch};
use crate::domain::{BadRows, RejectedRow, UnixTime};
use crate::messages::{Accepted, Drain, Drained, Polling, PublishStates, SetPolling};
use crate::metrics::{Metrics, count, init_counters};
use crate::ports::{Cadence, CadenceReason, Fetched, SourceError, StateSource};
use crate::supervision::backoff::Backoff;
use crate::supervision::in_flight::{InFlight, InFlightWork};
use crate::supervision::{
    Observation, PassedOver, Phase, PollerObservation, Readiness, RestartPolicy, SourceState, Vitals,
};

/// Polls a source as often as its cadence allows, and passes the changed states to the KafkaProducer.
pub struct Poller {
    source: Rc<dyn StateSource>,
    producer: Recipient<PublishStates>,
    vitals: Vitals,
    metrics: Metrics,
    filter: ChangeFilter,
    /// The alerts accepted by the producer.
    alerts: AlertWatch,
    failures: u32,
    polling: Polling,
    next: Next,
    /// The earliest time of the next poll.
    due: Instant,
    observation: PollerObservation,
    work: Rc<InFlightWork>,
}

/// What must happen before the next poll.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// The poll in flight must complete.
    InFlight,
    /// The time of the poll must come.
    Due(SpawnHandle),
    /// The operator must resume polling.
    Resumed,
}

impl Poller {
    /// A restart polls immediately, and polls may use up credits. A response that always makes the Poller panic must
    /// not exhaust the source's quota: eleven panics within two minutes end the process, after at most 44 OpenSky
    /// credits. Only a poll whose states were accepted by the producer resets the pause.
    pub const RESTARTS: RestartPolicy = RestartPolicy {
        max_restarts: 10,
        window: Duration::from_secs(120),
        first_pause: Duration::from_millis(100),
        longest_pause: Duration::from_secs(10),
    };

    /// Alerts of an aircraft that has been silent for longer end.
    const ALERT_MEMORY: Duration = Duration::from_secs(3600);

    /// The time to process a response and pass the states on, even on a busy machine.
    const MARGIN: Duration = Duration::from_secs(30);

    /// Creates a Poller that polls as soon as it is started.
    pub fn new(
        source: Rc<dyn StateSource>,
        producer: Recipient<PublishStates>,
        vitals: Vitals,
        metrics: Metrics,
    ) -> Self {
        init_counters(&metrics.polls, &["ok", "refused", "rate_limited", "unavailable", "malformed"]);
        init_counters(&metrics.states_passed_over, &PassedOver::default().by_reason().map(|(reason, _)| reason));
        init_counters(&metrics.bad_rows, &RejectedRow::kinds().collect::<Vec<_>>());
        Self {
            source,
            producer,
            vitals,
            metrics,
            filter: ChangeFilter::default(),
            alerts: AlertWatch::default(),
            failures: 0,
            polling: Polling::default(),
            next: Next::InFlight,
            due: Instant::now(),
            observation: PollerObservation { source_since: Some(UnixTime::now()), ..PollerObservation::default() },
            work: Rc::default(),
        }
    }

    fn poll_after(&mut self, pause: Duration, reason: Option<CadenceReason>, ctx: &mut Context<Self>) {
        self.observation.next_poll_seconds = pause.as_secs_f64();
        self.observation.next_poll_reason = reason;
        self.observation.aircraft_known = self.filter.aircraft();
        self.due = Instant::now() + injected_or(pause);
        self.wait(ctx);
    }

    /// Waits until the next poll is due or, while paused, until polling is resumed.
    fn wait(&mut self, ctx: &mut Context<Self>) {
        let pause = self.due.saturating_duration_since(Instant::now());
        let is_active = self.polling == Polling::Active;
        self.observation.next_poll_at = is_active.then(|| (SystemTime::now() + pause).into());
        self.vitals.observe(Observation::Poller(self.observation.clone()));
        self.vitals.expect_progress_within(is_active.then(|| pause + self.source.max_fetch_time() + Self::MARGIN));
        if self.work.is_draining() {
            return;
        }
        self.next = match self.polling {
            Polling::Active => Next::Due(ctx.run_later(pause, Self::poll)),
            Polling::Paused => Next::Resumed,
        };
    }

    /// Reports a phase, or `Paused` while polling is paused.
    fn phase(&self, phase: Phase) {
        self.vitals.phase(if self.polling == Polling::Paused { Phase::Paused } else { phase });
    }

    fn poll(&mut self, ctx: &mut Context<Self>) {
        if self.work.is_draining() {
            return;
        }
        self.next = Next::InFlight;
        let (source, work, operation, started) =
            (self.source.clone(), self.work.clone(), self.work.begin(), Instant::now());
        let fetch = async move {
            tokio::select! {
                result = source.fetch() => Some(result),
                // A drain abandons the poll in flight, since its response has not been passed on.
                () = work.drain_requested() => None,
            }
        };
        ctx.spawn(fetch.into_actor(self).map(move |result, poller, ctx| {
            let Some(result) = result else { return };
            poller.metrics.poll_seconds.observe(started.elapsed().as_secs_f64());
            poller.observation.polls += 1;
            match result {
                Ok(fetched) => poller.process_response(fetched, operation, ctx),
                Err(error) => poller.handle_failure(&error, ctx),
            }
        }));
    }

    fn process_response(&mut self, fetched: Fetched, operation: InFlight, ctx: &mut Context<Self>) {
        let Fetched { snapshot, credits_left } = fetched;
        if self.failures > 0 {
            log::info!(actor = self.vitals.name(), failed_polls = self.failures; "the source has recovered");
        }
        self.failures = 0;
        count(&self.metrics.polls, "ok", 1);
        self.metrics.states_received.inc_by(snapshot.states.len() as u64);
        if let Some(credits) = credits_left {
            self.metrics.credits_left.set(credits.into());
        }
        self.report_bad_rows(&snapshot.bad_rows);
        self.report_clock(snapshot.time);

        let response_time = snapshot.time;
        let now = UnixTime::now();
        self.metrics.last_answer.set(now.0);
        self.metrics.states_in_answer.set(i64::try_from(snapshot.states.len()).unwrap_or(i64::MAX));
        self.observation.set_source(SourceState::Live, None);
        self.observation.answered_at = Some(now);
        self.observation.response_time = Some(response_time);
        self.observation.states = snapshot.states.len();
        if !snapshot.states.is_empty() {
            self.metrics.last_states.set(now.0);
            self.observation.last_states_at = Some(now);
        }
        self.observation.bad_rows += snapshot.bad_rows.count();
        self.observation.credits_left = credits_left;
        let filtered = self.filter.apply(snapshot);
        for (reason, rows) in filtered.passed_over.by_reason() {
            count(&self.metrics.states_passed_over, reason, rows);
        }
        self.observation.passed_over = filtered.passed_over;
        self.metrics.states_changed.inc_by(filtered.states.len() as u64);
        self.observation.changed = filtered.states.len();

        // The updated alerts are kept only if the producer accepts the states. Otherwise the next poll raises them
        // again.
        let mut watch = self.alerts.clone();
        let mut alerts = watch.end_silent(response_time.minus(Self::ALERT_MEMORY));
        alerts.extend(filtered.states.iter().flat_map(|state| watch.update(state)));
        for Alert { rule, icao24, ended, detail, .. } in &alerts {
            let change = if ended.is_none() { "started" } else { "ended" };
            log::info!(actor = self.vitals.name(), rule, icao24:%; "alert {change}: {detail}");
        }
        alerts.retain(|alert| alert.ended.is_none());
        if watch.is_full() {
            log::warn!(actor = self.vitals.name(); "too many active alerts: no new alert starts until one ends");
        }

        let Cadence { pause, reason, .. } = self.source.cadence();
        self.metrics.poll_interval.set(i64::try_from(pause.as_secs()).unwrap_or(i64::MAX));
        let publish = PublishStates { states: filtered.states, alerts };
        let sent = send_with_retries(publish, self.producer.clone(), self.work.clone(), self.vitals.clone());
        ctx.spawn(sent.into_actor(self).map(move |sent, poller, ctx| {
            drop(operation);
            if let Some((PublishStates { states, .. }, accepted)) = sent {
                poller.filter.published(&states, response_time);
                poller.alerts = watch;
                poller.observation.held_by_producer = accepted.held;
                poller.vitals.progress();
                poller.phase(Phase::Running);
                poller.vitals.readiness(Readiness::Ready);
            }
            poller.poll_after(pause, Some(reason), ctx);
        }));
    }

    fn handle_failure(&mut self, error: &SourceError, ctx: &mut Context<Self>) {
        self.failures += 1;
        let state = SourceState::from(error);
        count(&self.metrics.polls, state.name(), 1);
        self.observation.set_source(state, Some(error.public_reason()));
        self.observation.failed_polls += 1;
        let pause = pause_after(error, self.failures, self.source.cadence().resolution, &mut rand::rng());
        log::warn!(actor = self.vitals.name(), failures = self.failures, next_poll:? = pause; "poll failed: {error}");
        self.vitals.error(error.to_string());
        self.phase(Phase::BackingOff);
        self.vitals.readiness(Readiness::NotReady(error.public_reason()));
        self.poll_after(pause, None, ctx);
    }

    /// Logs one line per poll, regardless of the number of rows.
    fn report_bad_rows(&self, bad_rows: &BadRows) {
        if bad_rows.count() == 0 {
            return;
        }
        let kinds: Vec<_> =
            bad_rows.iter().map(|(kind, count, example)| format!("{count} of kind {kind} ({example})")).collect();
        log::warn!(actor = self.vitals.name(), rows = bad_rows.count(); "skipped bad rows: {}", kinds.join(", "));
        for (kind, rows, _) in bad_rows.iter() {
            count(&self.metrics.bad_rows, kind, rows);
        }
    }

    /// Warns if the clocks differ: the live picture drops states that are old by the local clock, so a wrong clock
    /// empties it.
    fn report_clock(&self, response_time: UnixTime) {
        let ahead = response_time.seconds_since(UnixTime::now());
        if ahead.abs() > 60 {
            log::warn!(
                actor = self.vitals.name(), ahead;
                "the source's clock and the local clock differ by {} s", ahead.abs()
            );
        }
    }
}

/// Passes the states to the producer, and retries until the producer accepts them, since it may be restarting.
async fn send_with_retries(
    publish: PublishStates,
    producer: Recipient<PublishStates>,
    work: Rc<InFlightWork>,
    vitals: Vitals,
) -> Option<(PublishStates, Accepted)> {
    let mut backoff = Backoff::for_service();
    loop {
        match producer.send(publish.clone()).await {
            Ok(accepted) => return Some((publish, accepted)),
            Err(error) => {
                log::warn!(
                    actor = vitals.name(), states = publish.states.len();
                    "the KafkaProducer did not accept the states, retrying: {error}"
                );
            }
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.pause()) => {}
            () = work.deadline_passed() => return None,
        }
    }
}

/// Returns the pause, or the one set in milliseconds by the failpoint `poll-pause`.
fn injected_or(pause: Duration) -> Duration {
    #[cfg(feature = "fault-injection")]
    fail::fail_point!("poll-pause", |millis| {
        millis.and_then(|millis| millis.parse().ok()).map_or(pause, Duration::from_millis)
    });
    pause
}

impl Actor for Poller {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.phase(Phase::Running);
        if self.metrics.last_answer.get() == 0 {
            self.metrics.last_answer.set(UnixTime::now().0);
        }
        self.poll_after(Duration::ZERO, None, ctx);
    }
}

/// A restart keeps the change filter, so that it neither publishes every aircraft nor raises alerts again. It also
/// keeps the operator's pause.
impl Supervised for Poller {}

impl Handler<SetPolling> for Poller {
    type Result = ();

    fn handle(&mut self, SetPolling(polling): SetPolling, ctx: &mut Self::Context) {
        if polling == self.polling || self.work.is_draining() {
            return;
        }
        self.polling = polling;
        let change = match polling {
            Polling::Active => "resumed",
            Polling::Paused => "paused",
        };
        log::info!(actor = self.vitals.name(); "polling {change} by operator");
        self.phase(Phase::Running);
        match self.next {
            // The poll in flight completes, and then waits according to the new state.
            Next::InFlight => {}
            Next::Due(timer) => {
                ctx.cancel_future(timer);
                self.wait(ctx);
            }
            Next::Resumed => self.wait(ctx),
        }
    }
}

impl Handler<Drain> for Poller {
    type Result = ResponseActFuture<Self, Drained>;

    fn handle(&mut self, drain: Drain, _: &mut Self::Context) -> Self::Result {
        self.vitals.phase(Phase::Draining);
        self.work.drain(drain.deadline);
        let work = self.work.clone();
        let idle = async move { work.idle().await };
        Box::pin(idle.into_actor(self).map(|idle, poller, _| {
            poller.vitals.phase(Phase::Finished);
            Drained { left: usize::from(!idle) }
        }))
    }
}

#[cfg(feature = "fault-injection")]
impl Handler<crate::messages::InjectPanic> for Poller {
    type Result = ();

    #[expect(clippy::panic, reason = "panics on request")]
    fn handle(&mut self, _: crate::messages::InjectPanic, _: &mut Self::Context) {
        panic!("injected");
    }
}
