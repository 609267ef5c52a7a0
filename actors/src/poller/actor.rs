use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix::prelude::*;
use tokio::time::Instant;

use super::failure_pause::pause_after;
use super::freshness::Freshness;
use super::ledger::{EndedPoll, Ledger, LedgerSettings, outcome};
use super::merge_request::send_with_retries;
use super::source_metrics::SourceMetrics;
use crate::domain::{BadRows, UnixMillis, UnixTime};
use crate::messages::{Drain, Drained, MergeStates, Polling, SetPolling};
use crate::metrics::Metrics;
use crate::ports::{Cadence, CadenceReason, Fetched, SourceError, StateSource};
use crate::supervision::in_flight::{InFlight, InFlightWork};
use crate::supervision::{
    ConfiguredName, Observation, Phase, PollerObservation, Readiness, RestartPolicy, SourceState, Vitals,
};
use crate::throttle::Throttle;

/// Why a source is stale.
const STALE: &str = "the times in the source's responses stand still";

/// A source, as its Poller and the Merger know it.
pub struct PolledSource {
    /// Its name.
    pub name: ConfiguredName,
    /// Its index in [`MergeRules::sources`](crate::merger::MergeRules::sources).
    pub index: usize,
    /// Its client.
    pub source: Rc<dyn StateSource>,
}

/// Polls a source as often as its cadence allows, and passes its states to the Merger.
pub struct Poller {
    pub(super) source: Rc<dyn StateSource>,
    /// The index of the source in the Merger.
    index: usize,
    merger: Recipient<MergeStates>,
    vitals: Vitals,
    pub(super) metrics: SourceMetrics,
    pub(super) ledger: Ledger,
    freshness: Freshness,
    bad_row_lines: Throttle,
    clock_lines: Throttle,
    failures: u32,
    polling: Polling,
    next: Next,
    /// The earliest time of the next poll.
    pub(super) due: Instant,
    observation: PollerObservation,
    pub(super) work: Rc<InFlightWork>,
}

/// What must happen before the next poll.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// The poll in flight must complete.
    InFlight,
    /// The time of the poll must come.
    Due(SpawnHandle),
    /// The operator must resume polling. The timer records at intervals that polling is paused.
    Resumed(SpawnHandle),
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

    /// Lines about bad rows are at least this far apart, unless each poll is.
    const LOG_PERIOD: Duration = Duration::from_secs(5);

    /// Lines about a clock that is wrong are this far apart.
    const CLOCK_PERIOD: Duration = Duration::from_secs(60);

    /// The time to process a response and pass the states on, even on a busy machine.
    const MARGIN: Duration = Duration::from_secs(30);

    /// Creates a Poller that polls as soon as it is started.
    pub fn new(
        source: PolledSource,
        merger: Recipient<MergeStates>,
        ledger: LedgerSettings,
        vitals: Vitals,
        metrics: &Metrics,
    ) -> Self {
        let PolledSource { name, index, source } = source;
        Self {
            source,
            index,
            merger,
            vitals,
            metrics: SourceMetrics::of(metrics, &name),
            ledger: Ledger::new(ledger, name.to_string()),
            freshness: Freshness::new(),
            bad_row_lines: Throttle::new(Self::LOG_PERIOD),
            clock_lines: Throttle::new(Self::CLOCK_PERIOD),
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
        self.due = Instant::now() + injected_or(pause);
        self.wait(ctx);
    }

    /// Waits until the next poll is due or, while paused, until polling is resumed.
    pub(super) fn wait(&mut self, ctx: &mut Context<Self>) {
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
            Polling::Paused => Next::Resumed(self.record_pause(ctx)),
        };
    }

    pub(super) fn is_paused(&self) -> bool {
        self.polling == Polling::Paused
    }

    /// Reports a phase, or `Paused` while polling is paused.
    fn phase(&self, phase: Phase) {
        self.vitals.phase(if self.is_paused() { Phase::Paused } else { phase });
    }

    fn poll(&mut self, ctx: &mut Context<Self>) {
        if self.work.is_draining() {
            return;
        }
        self.next = Next::InFlight;
        let (source, work, operation, started) =
            (self.source.clone(), self.work.clone(), self.work.begin(), (UnixMillis::now(), Instant::now()));
        let fetch = async move {
            tokio::select! {
                result = source.fetch() => Some(result),
                // A drain abandons the poll in flight, since its response has not been passed on.
                () = work.drain_requested() => None,
            }
        };
        ctx.spawn(fetch.into_actor(self).map(move |result, poller, ctx| {
            let Some(result) = result else { return };
            let (started, duration) = (started.0, started.1.elapsed());
            poller.metrics.poll_seconds.observe(duration.as_secs_f64());
            poller.observation.polls += 1;
            match result {
                Ok(fetched) => poller.process_response(fetched, (started, duration), operation, ctx),
                Err(error) => poller.handle_failure(&error, (started, duration), ctx),
            }
        }));
    }

    fn process_response(
        &mut self,
        fetched: Fetched,
        (started, duration): (UnixMillis, Duration),
        operation: InFlight,
        ctx: &mut Context<Self>,
    ) {
        let Fetched { snapshot, credits_left, aircraft, non_icao } = fetched;
        let Cadence { pause, reason, .. } = self.source.cadence();
        let states = aircraft.unwrap_or(snapshot.states.len());
        let state = self.freshness.observe(&snapshot, states, pause);
        if self.failures > 0 {
            log::info!(actor = self.vitals.name(), failed_polls = self.failures; "the source has recovered");
        }
        self.failures = 0;
        self.metrics.count_polls(state, 1);
        self.metrics.states_received.inc_by(snapshot.states.len() as u64);
        if let Some(credits) = credits_left {
            self.metrics.credits_left.set(credits.into());
        }
        self.metrics.count_non_icao(non_icao);
        self.report_bad_rows(&snapshot.bad_rows);
        self.report_clock(snapshot.time);

        let now = UnixTime::now();
        self.metrics.last_answer.set(now.0);
        self.metrics.states_in_answer.set(i64::try_from(states).unwrap_or(i64::MAX));
        self.metrics.poll_interval.set(pause.as_secs_f64());
        self.show_state(state, None);
        self.observation.answered_at = Some(now);
        self.observation.response_time = Some(snapshot.time);
        self.observation.states = states;
        if states > 0 {
            self.metrics.last_states.set(now.0);
            self.observation.last_states_at = Some(now);
        }
        self.observation.bad_rows += snapshot.bad_rows.count();
        self.observation.credits_left = credits_left;

        let bad_rows = snapshot.bad_rows.count();
        let merge = MergeStates { source: self.index, snapshot: Arc::new(snapshot) };
        let sent = send_with_retries(merge, self.merger.clone(), self.work.clone(), self.vitals.clone());
        ctx.spawn(sent.into_actor(self).map(move |merged, poller, ctx| {
            let changed = merged.map_or(0, |merged| merged.published);
            if let Some(merged) = merged {
                poller.observation.changed = merged.published;
                poller.observation.passed_over = merged.passed_over;
                poller.observation.aircraft_held = merged.aircraft_held;
                poller.observation.aircraft_known = merged.aircraft_known;
                poller.observation.held_by_producer = merged.held_by_producer;
                poller.vitals.progress();
                poller.phase(Phase::Running);
                poller.vitals.readiness(match state {
                    SourceState::Stale => Readiness::NotReady(STALE.to_owned()),
                    _ => Readiness::Ready,
                });
            }
            poller.poll_after(pause, Some(reason), ctx);
            if let Some(outcome) = outcome(state) {
                let poll = EndedPoll { outcome, started, duration, states, changed, bad_rows, credits_left };
                poller.record_poll(poll, ctx);
            }
            drop(operation);
        }));
    }

    /// Shows the state of the source, and logs when it starts or stops being stale.
    fn show_state(&mut self, state: SourceState, reason: Option<String>) {
        if state == SourceState::Stale && self.observation.source != state {
            log::warn!(actor = self.vitals.name(); "{STALE}");
        }
        let reason = if state == SourceState::Stale { Some(STALE.to_owned()) } else { reason };
        self.metrics.set_state(state);
        self.observation.set_source(state, reason);
    }

    fn handle_failure(
        &mut self,
        error: &SourceError,
        (started, duration): (UnixMillis, Duration),
        ctx: &mut Context<Self>,
    ) {
        self.failures += 1;
        let state = SourceState::from(error);
        self.metrics.count_polls(state, 1);
        self.show_state(state, Some(error.public_reason()));
        self.observation.failed_polls += 1;
        let pause = pause_after(error, self.failures, self.source.cadence().resolution, &mut rand::rng())
            .min(self.source.max_failure_pause().unwrap_or(Duration::MAX));
        log::warn!(actor = self.vitals.name(), failures = self.failures, next_poll:? = pause; "poll failed: {error}");
        self.vitals.error(error.to_string());
        self.phase(Phase::BackingOff);
        self.vitals.readiness(Readiness::NotReady(error.public_reason()));
        self.poll_after(pause, None, ctx);
        if let Some(outcome) = outcome(state) {
            self.record_poll(EndedPoll::without_response(outcome, started, duration), ctx);
        }
    }

    /// Logs one line per poll, regardless of the number of rows, and not more than one in some seconds.
    fn report_bad_rows(&self, bad_rows: &BadRows) {
        if bad_rows.count() == 0 {
            return;
        }
        for (kind, rows, _) in bad_rows.iter() {
            self.metrics.count_bad_rows(kind, rows);
        }
        let is_rare = self.source.cadence().resolution >= Self::LOG_PERIOD;
        if !is_rare && self.bad_row_lines.admit().is_none() {
            return;
        }
        let kinds: Vec<_> =
            bad_rows.iter().map(|(kind, count, example)| format!("{count} of kind {kind} ({example})")).collect();
        log::warn!(actor = self.vitals.name(), rows = bad_rows.count(); "skipped bad rows: {}", kinds.join(", "));
    }

    /// Warns if the clocks differ: the live picture drops states that are old by the local clock, so a wrong clock
    /// empties it.
    fn report_clock(&self, response_time: UnixTime) {
        let ahead = response_time.seconds_since(UnixTime::now());
        if ahead.abs() > 60 && self.clock_lines.admit().is_some() {
            log::warn!(
                actor = self.vitals.name(), ahead;
                "the source's clock and the local clock differ by {} s", ahead.abs()
            );
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
        self.send_records(None, ctx);
        self.poll_after(Duration::ZERO, None, ctx);
    }
}

/// A restart keeps the operator's pause, and the records that were not sent.
impl Supervised for Poller {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.ledger.restart();
    }
}

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
            Next::Resumed(timer) => {
                ctx.cancel_future(timer);
                self.wait(ctx);
            }
        }
    }
}

impl Handler<Drain> for Poller {
    type Result = ResponseActFuture<Self, Drained>;

    fn handle(&mut self, drain: Drain, ctx: &mut Self::Context) -> Self::Result {
        self.vitals.phase(Phase::Draining);
        self.work.drain(drain.deadline);
        self.finish_records(ctx);
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
