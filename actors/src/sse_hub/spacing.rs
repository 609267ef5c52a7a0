use std::time::Duration;

use crate::domain::UnixTime;

/// How far apart the source's answers lie, by the response times that the states bring along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spacing {
    newest: Option<UnixTime>,
    /// The last two distances, in seconds.
    last: [i64; 2],
}

impl Spacing {
    /// A longer distance was an outage, which says nothing about when the next answer comes: the longest regular waits
    /// are those of an anonymous client that shares its credits with others, some tens of minutes.
    const LONGEST: i64 = 3600;

    /// Takes note of a response time.
    pub(super) fn note(&mut self, observed_at: UnixTime) {
        let apart = self.newest.map(|newest| observed_at.seconds_since(newest));
        if apart.is_none_or(|apart| apart > 0) {
            self.newest = Some(observed_at);
        }
        if let Some(apart) = apart.filter(|apart| (1..=Self::LONGEST).contains(apart)) {
            self.last = [self.last[1], apart];
        }
    }

    /// The longer of the last two distances: a try after a failure comes sooner than usual. Zero until there is one.
    pub(super) fn longest(&self) -> Duration {
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
    fn the_picture_lasts_until_the_next_answer() {
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
        assert_eq!((aircraft_after(&mut hub, 1300), aircraft_after(&mut hub, 1301)), (1, 0), "nothing is known yet");
        // Read from Kafka after a start: the answers tell how far apart they come.
        hub.show(&batch(0, 1, [state("aaaaaa", 1864), state("bbbbbb", 1864)]), UnixTime(2700));
        assert_eq!((aircraft_after(&mut hub, 3592), aircraft_after(&mut hub, 3593)), (2, 0));
        hub.start_anew(2);
        hub.show(&batch(0, 0, [state("aaaaaa", 3000)]), UnixTime(3000));
        assert_eq!(aircraft_after(&mut hub, 3301), 0);
    }

    #[test]
    fn the_spacing_is_that_of_the_last_answers() {
        let check = |times: &[i64], seconds: u64| {
            let mut spacing = Spacing::default();
            times.iter().for_each(|&time| spacing.note(UnixTime(time)));
            assert_eq!(spacing.longest().as_secs(), seconds, "{times:?}");
        };
        check(&[], 0);
        check(&[1000], 0);
        check(&[1000, 1000, 1000], 0);
        check(&[1000, 1864], 864);
        // As partitions are read one after the other.
        check(&[1000, 1864, 2728, 1000, 1864, 2728], 864);
        // A poll out of turn.
        check(&[1000, 1864, 1869], 864);
        // Slower, and as fast as before.
        check(&[1000, 1864, 4024], 2160);
        check(&[1000, 1864, 4024, 4110, 4196], 86);
        // An outage.
        check(&[1000, 1086, 30_000, 30_086], 86);
    }
}
