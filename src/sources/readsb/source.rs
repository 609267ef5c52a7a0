use std::cell::Cell;
use std::time::Duration;

use actors::domain::{BoundingBox, Snapshot, UnixTime};
use actors::ports::{Cadence, CadenceReason, Fetched, SourceError, StateSource};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, sleep};

use super::list_reader::{ListReader, Read};
use super::wire::AircraftList;
use crate::sources::PollInterval;

/// How often a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sources) enum PollPace {
    /// As soon as it changes. Looking for a change starts `lead` before it is expected, and is repeated after `retry`.
    OnChange {
        /// How early to look for the change.
        lead: Duration,
        /// The pause between two looks.
        retry: Duration,
    },
    /// At a fixed interval.
    Every(Duration),
}

/// Reads a list of aircraft again and again.
pub(in crate::sources) struct ReadsbSource<R> {
    reader: R,
    pace: PollPace,
    area: Option<BoundingBox>,
    last: Cell<Option<LastList>>,
    /// When the list is expected to be read next.
    due: Cell<Instant>,
}

/// What is known of the last list.
#[derive(Clone, Copy, Debug)]
struct LastList {
    now: i64,
    time: UnixTime,
    aircraft: usize,
}

impl PollPace {
    /// The default interval at which readsb writes its list.
    pub(in crate::sources) const WRITE_INTERVAL: Duration = Duration::from_secs(1);

    /// Returns the pace for a URL. Each poll starts a little earlier than the one before, until it meets the moment of
    /// the change.
    pub(in crate::sources) fn of_url(interval: PollInterval) -> Self {
        Self::new(interval, Duration::from_millis(50), Duration::from_millis(50))
    }

    /// Returns the pace for a file, which costs little to look at.
    pub(in crate::sources) fn of_file(interval: PollInterval) -> Self {
        Self::new(interval, Duration::from_millis(200), Duration::from_millis(20))
    }

    fn new(interval: PollInterval, lead: Duration, retry: Duration) -> Self {
        match interval {
            PollInterval::Auto => Self::OnChange { lead, retry },
            PollInterval::Every(interval) => Self::Every(interval),
        }
    }

    /// The expected time between two polls.
    pub(in crate::sources) fn interval(self) -> Duration {
        match self {
            Self::OnChange { .. } => Self::WRITE_INTERVAL,
            Self::Every(interval) => interval,
        }
    }

    /// The pause from the request for a list that had changed to the next one.
    fn pause_after_change(self) -> Duration {
        match self {
            Self::OnChange { lead, .. } => Self::WRITE_INTERVAL.saturating_sub(lead),
            Self::Every(interval) => interval,
        }
    }
}

impl<R: ListReader> ReadsbSource<R> {
    pub(in crate::sources) fn new(reader: R, pace: PollPace, area: Option<BoundingBox>) -> Self {
        Self { reader, pace, area, last: Cell::new(None), due: Cell::new(Instant::now()) }
    }

    /// Reads the list. If it has not changed, waits for the change, up to the interval at which readsb writes it.
    async fn next(&self) -> Result<Fetched, SourceError> {
        let first = Instant::now();
        loop {
            let started = Instant::now();
            let read = self.reader.read().await?;
            let last = self.last.get();
            match (read, last) {
                (Read::List(list), last) if last.is_none_or(|last| last.now != list.now) => {
                    self.due.set(started + self.pace.pause_after_change());
                    return Ok(self.changed(list));
                }
                (_, last) => match self.pace {
                    PollPace::OnChange { retry, .. } if first.elapsed() + retry < PollPace::WRITE_INTERVAL => {
                        sleep(retry).await;
                    }
                    pace => {
                        let pause = if matches!(pace, PollPace::Every(_)) { pace.interval() } else { Duration::ZERO };
                        self.due.set(started + pause);
                        return Ok(last.map(LastList::unchanged).unwrap_or_default());
                    }
                },
            }
        }
    }

    fn changed(&self, AircraftList { now, mut snapshot, non_icao }: AircraftList) -> Fetched {
        if let Some(area) = self.area {
            snapshot.states.retain(|state| state.lat.zip(state.lon).is_some_and(|(lat, lon)| area.contains(lat, lon)));
        }
        self.last.set(Some(LastList { now, time: snapshot.time, aircraft: snapshot.states.len() }));
        Fetched { snapshot, non_icao, ..Fetched::default() }
    }
}

impl LastList {
    /// No state is new, but the source still reports its aircraft.
    fn unchanged(self) -> Fetched {
        let snapshot = Snapshot { time: self.time, ..Snapshot::default() };
        Fetched { snapshot, aircraft: Some(self.aircraft), ..Fetched::default() }
    }
}

impl<R: ListReader> StateSource for ReadsbSource<R> {
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, SourceError>> {
        self.next().boxed_local()
    }

    fn max_fetch_time(&self) -> Duration {
        PollPace::WRITE_INTERVAL + self.reader.max_read_time()
    }

    fn cadence(&self) -> Cadence {
        let pause = self.due.get().saturating_duration_since(Instant::now());
        let (reason, resolution) = match self.pace {
            PollPace::OnChange { .. } => (CadenceReason::Resolution, PollPace::WRITE_INTERVAL),
            PollPace::Every(interval) => (CadenceReason::Interval, interval.min(PollPace::WRITE_INTERVAL)),
        };
        Cadence { pause, reason, resolution }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use actors::domain::StateVector;

    use super::*;

    const OFTEN: PollPace = PollPace::OnChange { lead: Duration::from_millis(50), retry: Duration::from_millis(100) };

    /// Returns the list of a receiver that writes one each second. `None` is an answer without a change.
    struct Script(RefCell<VecDeque<Option<i64>>>);

    impl ListReader for Script {
        fn read(&self) -> LocalBoxFuture<'_, Result<Read, SourceError>> {
            let now = self.0.borrow_mut().pop_front().flatten();
            let list = |now: i64| {
                let time = UnixTime(now / 1000);
                let snapshot = Snapshot {
                    time,
                    states: vec![StateVector::new("4b1814".parse().unwrap(), time)],
                    ..Snapshot::default()
                };
                Read::List(AircraftList { now, snapshot, non_icao: 2 })
            };
            async move { Ok(now.map_or(Read::Unchanged, list)) }.boxed_local()
        }

        fn max_read_time(&self) -> Duration {
            Duration::from_secs(1)
        }
    }

    fn source(pace: PollPace, script: &[Option<i64>]) -> ReadsbSource<Script> {
        ReadsbSource::new(Script(RefCell::new(script.iter().copied().collect())), pace, None)
    }

    #[tokio::test(start_paused = true)]
    async fn a_poll_waits_for_the_next_list_and_starts_shortly_before_it_is_due() {
        let source = source(OFTEN, &[Some(1_000), Some(1_000), None, None, Some(2_000)]);
        let started = Instant::now();
        assert_eq!(source.fetch().await.unwrap().snapshot.time, UnixTime(1));
        assert_eq!(source.cadence().pause, Duration::from_millis(950));
        let fetched = source.fetch().await.unwrap();
        assert_eq!((fetched.snapshot.time, fetched.snapshot.states.len(), fetched.non_icao), (UnixTime(2), 1, 2));
        assert_eq!(started.elapsed(), Duration::from_millis(300));
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_stands_still_is_unchanged_and_not_empty() {
        let source = source(OFTEN, &[Some(1_000)]);
        source.fetch().await.unwrap();
        let started = Instant::now();
        let fetched = source.fetch().await.unwrap();
        assert_eq!((fetched.snapshot.states.len(), fetched.aircraft, fetched.non_icao), (0, Some(1), 0));
        assert_eq!(fetched.snapshot.time, UnixTime(1));
        assert!((900..=1000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_fixed_interval_reads_once_a_poll() {
        let source = source(PollPace::Every(Duration::from_secs(5)), &[Some(1_000), None]);
        source.fetch().await.unwrap();
        tokio::time::advance(Duration::from_millis(300)).await;
        assert_eq!(source.cadence().pause, Duration::from_millis(4_700));
        assert_eq!(source.fetch().await.unwrap().aircraft, Some(1));
        assert_eq!(source.cadence().pause, Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn aircraft_outside_the_area_and_those_without_a_position_are_left_out() {
        let area = Some("45.8,5.9,47.9,10.6".parse().unwrap());
        let source = ReadsbSource { area, ..source(OFTEN, &[Some(1_000)]) };
        assert_eq!(source.fetch().await.unwrap().snapshot.states, []);
    }
}
