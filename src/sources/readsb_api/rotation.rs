use std::cell::{Cell, RefCell};
use std::time::Duration;

use actors::domain::BoundingBox;
use actors::ports::{Cadence, CadenceReason, Fetched, SourceError, StateSource};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use crate::sources::PollInterval;
use crate::sources::readsb::{Read, UrlReader};

/// Polls an aggregator: each poll requests one of the URLs that together cover the area, in turn, so that a state is
/// published as soon as it arrives instead of at the end of a round.
///
/// A failed poll is that of its circle only. The next poll requests the next circle, and the failed one is requested
/// again in the next round. If the server refuses requests or limits their rate, the same circle is requested again.
pub(super) struct CircleRotation {
    reader: UrlReader,
    urls: Vec<String>,
    next: Cell<usize>,
    /// The number of aircraft in each circle, as of its last response.
    aircraft: RefCell<Vec<usize>>,
    area: Option<BoundingBox>,
    pace: RotationPace,
}

/// How often the circles are requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RotationPace {
    /// The pause after a response. The server counts a request before it responds, so it never sees two requests within
    /// a shorter time.
    pause: Duration,
    reason: CadenceReason,
}

impl RotationPace {
    /// The terms of the aggregators allow one request a second.
    const MIN_PAUSE: Duration = Duration::from_secs(1);

    /// Returns the pace for requesting each of `circles` at this interval, or as often as the terms allow.
    pub(super) fn new(interval: PollInterval, circles: usize) -> Self {
        let circles = u32::try_from(circles.max(1)).unwrap_or(u32::MAX);
        match interval {
            PollInterval::Every(interval) if interval / circles > Self::MIN_PAUSE => {
                Self { pause: interval / circles, reason: CadenceReason::Interval }
            }
            _ => Self { pause: Self::MIN_PAUSE, reason: CadenceReason::Resolution },
        }
    }

    /// The expected time between two requests for the same circle.
    pub(super) fn round(self, circles: usize) -> Duration {
        self.pause * u32::try_from(circles).unwrap_or(u32::MAX)
    }
}

impl CircleRotation {
    pub(super) fn new(reader: UrlReader, urls: Vec<String>, area: Option<BoundingBox>, pace: RotationPace) -> Self {
        let aircraft = RefCell::new(vec![0; urls.len()]);
        Self { reader, urls, next: Cell::new(0), aircraft, area, pace }
    }

    async fn request_next(&self) -> Result<Fetched, SourceError> {
        let index = self.next.get();
        let following = (index + 1) % self.urls.len();
        let read = match self.reader.read_from(&self.urls[index], false).await {
            Ok(read) => read,
            Err(error) => {
                if let SourceError::Unavailable(_) | SourceError::Malformed(_) = error {
                    self.next.set(following);
                }
                return Err(self.naming_circle(error, index));
            }
        };
        self.next.set(following);
        let Read::List(list) = read else { return Ok(Fetched::default()) };
        let mut snapshot = list.snapshot;
        if let Some(area) = self.area {
            snapshot.states.retain(|state| state.lat.zip(state.lon).is_some_and(|(lat, lon)| area.contains(lat, lon)));
        }
        let mut aircraft = self.aircraft.borrow_mut();
        aircraft[index] = snapshot.states.len();
        Ok(Fetched { snapshot, aircraft: Some(aircraft.iter().sum()), non_icao: list.non_icao, ..Fetched::default() })
    }

    fn naming_circle(&self, error: SourceError, index: usize) -> SourceError {
        if self.urls.len() == 1 {
            return error;
        }
        error.map_text(|text| format!("circle {} of {}: {text}", index + 1, self.urls.len()))
    }
}

impl StateSource for CircleRotation {
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, SourceError>> {
        self.request_next().boxed_local()
    }

    fn max_fetch_time(&self) -> Duration {
        self.reader.timeout()
    }

    fn cadence(&self) -> Cadence {
        Cadence { pause: self.pace.pause, reason: self.pace.reason, resolution: RotationPace::MIN_PAUSE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_takes_a_second_a_circle_or_the_interval_if_that_is_longer() {
        let check = |interval: PollInterval, circles, pause: u64, round: u64| {
            let pace = RotationPace::new(interval, circles);
            assert_eq!((pace.pause.as_millis(), pace.round(circles).as_secs()), (pause.into(), round), "{interval:?}");
        };
        check(PollInterval::Auto, 1, 1_000, 1);
        check(PollInterval::Auto, 7, 1_000, 7);
        check(PollInterval::Every(Duration::from_millis(100)), 1, 1_000, 1);
        check(PollInterval::Every(Duration::from_secs(5)), 7, 1_000, 7);
        check(PollInterval::Every(Duration::from_secs(30)), 4, 7_500, 30);
    }
}
