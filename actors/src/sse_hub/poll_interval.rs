use std::time::Duration;

use crate::domain::UnixTime;

/// The source's poll interval, observed from the response times in the states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObservedPollInterval {
    newest: Option<UnixTime>,
    /// The last two intervals, in seconds.
    last: [i64; 2],
}

impl ObservedPollInterval {
    /// Longer intervals are outages and do not predict the next response. The longest regular intervals, some tens of
    /// minutes, occur with an anonymous client that shares its credits with others.
    const MAX_SECONDS: i64 = 3600;

    /// Records a response time.
    pub fn note(&mut self, observed_at: UnixTime) {
        let interval = self.newest.map(|newest| observed_at.seconds_since(newest));
        if interval.is_none_or(|interval| interval > 0) {
            self.newest = Some(observed_at);
        }
        if let Some(interval) = interval.filter(|interval| (1..=Self::MAX_SECONDS).contains(interval)) {
            self.last = [self.last[1], interval];
        }
    }

    /// Returns the longer of the last two intervals, since a retry after a failure comes early. Zero if unknown.
    pub fn longest(&self) -> Duration {
        let [a, b] = self.last;
        Duration::from_secs(a.max(b).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;
    use crate::sse_hub::{Broadcast, HubLimits, QueueLimits};
    use crate::test_support::{batch, state};

    #[test]
    fn the_picture_lasts_until_the_next_response() {
        let limits = HubLimits {
            clients: 1,
            clients_per_address: 1,
            queue: QueueLimits { frames: 1, bytes: 1 },
            client_timeout: Duration::from_secs(30),
            aircraft_timeout: Duration::from_secs(300),
        };
        let mut hub = Broadcast::new(1, limits, Metrics::unregistered());
        let aircraft_after = |hub: &mut Broadcast, now: i64| {
            hub.sweep(UnixTime(now));
            hub.picture().len()
        };
        hub.show(&batch(0, 0, [state("aaaaaa", 1000)]), UnixTime(1000));
        assert_eq!((aircraft_after(&mut hub, 1300), aircraft_after(&mut hub, 1301)), (1, 0), "the interval is unknown");
        // After a start, states are read from Kafka, and their response times show the interval.
        hub.show(&batch(0, 1, [state("aaaaaa", 1864), state("bbbbbb", 1864)]), UnixTime(2700));
        assert_eq!((aircraft_after(&mut hub, 3592), aircraft_after(&mut hub, 3593)), (2, 0));
        hub.restart(2);
        hub.show(&batch(0, 0, [state("aaaaaa", 3000)]), UnixTime(3000));
        assert_eq!(aircraft_after(&mut hub, 3301), 0);
    }

    #[test]
    fn the_interval_follows_the_last_responses() {
        let check = |times: &[i64], seconds: u64| {
            let mut interval = ObservedPollInterval::default();
            times.iter().for_each(|&time| interval.note(UnixTime(time)));
            assert_eq!(interval.longest().as_secs(), seconds, "{times:?}");
        };
        check(&[], 0);
        check(&[1000], 0);
        check(&[1000, 1000, 1000], 0);
        check(&[1000, 1864], 864);
        // Partitions are read one after another.
        check(&[1000, 1864, 2728, 1000, 1864, 2728], 864);
        // An extra poll.
        check(&[1000, 1864, 1869], 864);
        // Polls get slower, then fast again.
        check(&[1000, 1864, 4024], 2160);
        check(&[1000, 1864, 4024, 4110, 4196], 86);
        // An outage.
        check(&[1000, 1086, 30_000, 30_086], 86);
    }
}
