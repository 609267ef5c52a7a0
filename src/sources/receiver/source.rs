use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use actors::domain::{BadRows, Snapshot};
use actors::ports::{Cadence, CadenceReason, Fetched, SourceError, StateSource};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::connection::{self, Link, MAX_BACKOFF, Shared};
use super::{AircraftTracker, Arrival, Decoder, ReceiverOptions};
use crate::sources::PollInterval;
use crate::sources::address::SourceAddress;
use crate::sources::kind::SourceKind;
use crate::sources::source::{Source, SourceSettings};

/// The aircraft heard by a receiver, over a connection in the background. A poll returns the states assembled since the
/// last one, and waits for the first. The source stays on the thread that created it.
pub struct ReceiverSource<D> {
    options: Rc<ReceiverOptions>,
    shared: Rc<RefCell<Shared>>,
    changed: Rc<Notify>,
    new_decoder: Box<dyn Fn() -> D>,
    task: RefCell<JoinHandle<()>>,
}

/// The usual pause between two polls. It bounds the work for a receiver of many aircraft.
const PAUSE: Duration = Duration::from_millis(100);

/// A poll without a new state returns after this time.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The time to process what is at hand, in addition to the timeouts.
const MARGIN: Duration = Duration::from_secs(5);

/// Receivers send a message every second, unless nothing flies around them.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// After a failure, the next poll waits for the connection, so it need not wait for anything else.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// Opens a receiver as a source of this kind.
pub(in crate::sources) fn open<D: Decoder>(
    kind: &SourceKind,
    settings: &SourceSettings,
    new_decoder: impl Fn() -> D + Send + 'static,
) -> anyhow::Result<Source> {
    let Some(SourceAddress::Tcp { host, port }) = &settings.address else {
        anyhow::bail!("it has no address");
    };
    let options = ReceiverOptions {
        address: (host.clone(), *port),
        area: settings.bounding_box,
        connect_timeout: settings.request_timeout,
        idle_timeout: IDLE_TIMEOUT,
        pause: match settings.poll_interval {
            PollInterval::Auto => PAUSE,
            PollInterval::Every(interval) => interval,
        },
    };
    let area = options.area.map_or("all aircraft".to_owned(), |area| area.to_string());
    let description = format!("{}s from {}, {area}", D::MESSAGE, options.shown_address());
    let info = kind.info(settings, description, options.pause + MAX_WAIT);
    Ok(Source { info, connect: Box::new(move || Rc::new(ReceiverSource::new(options, new_decoder))) })
}

impl<D: Decoder> ReceiverSource<D> {
    /// Connects in the background, on the current thread. Each decoder is used until the task in the background ends.
    pub fn new(options: ReceiverOptions, new_decoder: impl Fn() -> D + 'static) -> Self {
        let changed = Rc::new(Notify::new());
        let options = Rc::new(options);
        let shared = Rc::new(RefCell::new(Shared {
            tracker: AircraftTracker::new(options.area),
            bad_rows: BadRows::default(),
            link: Link::Connecting,
            changed: changed.clone(),
        }));
        let task = spawn(&new_decoder, &options, &shared);
        Self { options, shared, changed, new_decoder: Box::new(new_decoder), task: RefCell::new(task) }
    }

    async fn next(&self) -> Result<Fetched, SourceError> {
        self.restart_if_ended();
        let started = Instant::now();
        loop {
            let now = Arrival::now();
            let connected = {
                let mut shared = self.shared.borrow_mut();
                shared.tracker.complete_seconds(now.second());
                if shared.tracker.is_ready() {
                    return Ok(self.take(&mut shared, now));
                }
                match std::mem::replace(&mut shared.link, Link::Connecting) {
                    Link::Failed(error) => return Err(error),
                    link => shared.link = link,
                }
                matches!(shared.link, Link::Connected)
            };
            // While there is no connection, the next attempt decides, so that each failure is reported once.
            let max_wait = if connected { MAX_WAIT } else { self.longest_attempt() };
            let deadline = started + max_wait;
            if Instant::now() >= deadline {
                return match connected {
                    true => Ok(self.take(&mut self.shared.borrow_mut(), now)),
                    false => {
                        Err(SourceError::Unavailable(format!("still connecting to {}", self.options.shown_address())))
                    }
                };
            }
            let wake = deadline.min(Instant::now() + now.until_next_second());
            let _ = timeout_at(wake, self.changed.notified()).await;
        }
    }

    fn take(&self, shared: &mut Shared, now: Arrival) -> Fetched {
        let dropped = shared.tracker.take_dropped();
        if dropped > 0 {
            log::warn!("dropped {dropped} messages or states of {}: too many aircraft", self.options.shown_address());
        }
        let time = now.second();
        let mut states = shared.tracker.take();
        for state in &mut states {
            state.observed_at = Some(time);
        }
        let bad_rows = std::mem::take(&mut shared.bad_rows);
        let aircraft = Some(shared.tracker.reported());
        Fetched { snapshot: Snapshot { time, states, bad_rows }, aircraft, ..Fetched::default() }
    }

    /// Restarts the task after it has panicked.
    fn restart_if_ended(&self) {
        let mut task = self.task.borrow_mut();
        if task.is_finished() {
            log::error!("the connection to {} ended unexpectedly, restarting it", self.options.shown_address());
            *task = spawn(&self.new_decoder, &self.options, &self.shared);
        }
    }

    /// The longest time until an attempt to connect has an outcome.
    fn longest_attempt(&self) -> Duration {
        MAX_BACKOFF + self.options.connect_timeout
    }
}

fn spawn<D: Decoder>(
    new_decoder: impl Fn() -> D,
    options: &Rc<ReceiverOptions>,
    shared: &Rc<RefCell<Shared>>,
) -> JoinHandle<()> {
    #[expect(clippy::disallowed_methods, reason = "the source restarts the task if it panics")]
    actix_rt::spawn(connection::keep(new_decoder(), options.clone(), shared.clone()))
}

impl<D: Decoder> StateSource for ReceiverSource<D> {
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, SourceError>> {
        self.next().boxed_local()
    }

    fn max_fetch_time(&self) -> Duration {
        self.longest_attempt() + MARGIN
    }

    fn cadence(&self) -> Cadence {
        let pause = self.options.pause;
        Cadence { pause, reason: CadenceReason::Interval, resolution: pause.min(PAUSE) }
    }

    fn max_failure_pause(&self) -> Option<Duration> {
        Some(FAILURE_PAUSE)
    }
}

impl<D> Drop for ReceiverSource<D> {
    fn drop(&mut self) {
        self.task.borrow().abort();
    }
}
