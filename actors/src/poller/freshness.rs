use tokio::time::{Duration, Instant};

use crate::domain::{Snapshot, UnixTime};
use crate::supervision::SourceState;

/// Watches whether the times in a source's responses change.
#[derive(Debug)]
pub(super) struct Freshness {
    newest: Times,
    /// When the response's time last changed.
    time_changed: Instant,
    /// When the newest last contact last changed.
    contact_changed: Instant,
}

/// The newest times that a source has reported.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    response: Option<UnixTime>,
    contact: Option<UnixTime>,
}

impl Freshness {
    /// A response's time may stand still for this long even if the source is polled more often.
    const MIN_TIME_STILL: Duration = Duration::from_secs(3);

    /// The newest last contact may stand still for this long: a receiver keeps the only aircraft that it heard in its
    /// list for a minute.
    const MIN_CONTACT_STILL: Duration = Duration::from_secs(90);

    pub(super) fn new() -> Self {
        Self { newest: Times::default(), time_changed: Instant::now(), contact_changed: Instant::now() }
    }

    /// Returns the state of a source that has responded with a snapshot. It reports this number of aircraft, and is
    /// polled at this interval.
    pub(super) fn observe(&mut self, snapshot: &Snapshot, aircraft: usize, interval: Duration) -> SourceState {
        let now = Instant::now();
        let contact = snapshot.states.iter().map(|state| state.last_contact).max();
        if self.newest.response != Some(snapshot.time) {
            (self.newest.response, self.time_changed) = (Some(snapshot.time), now);
        }
        if contact.is_some() && contact != self.newest.contact {
            (self.newest.contact, self.contact_changed) = (contact, now);
        }
        let stands_still = |since: Instant, at_least: Duration| now - since >= at_least.max(2 * interval);
        if stands_still(self.time_changed, Self::MIN_TIME_STILL) {
            SourceState::Stale
        } else if aircraft == 0 {
            SourceState::Quiet
        } else if stands_still(self.contact_changed, Self::MIN_CONTACT_STILL) {
            SourceState::Stale
        } else {
            SourceState::Live
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::state;

    fn snapshot(time: i64, contacts: &[i64]) -> Snapshot {
        let states = contacts.iter().map(|at| state("aaaaaa", *at)).collect();
        Snapshot { time: UnixTime(time), states, ..Snapshot::default() }
    }

    async fn states(interval: u64, responses: &[(i64, &[i64])]) -> Vec<SourceState> {
        let (mut freshness, interval) = (Freshness::new(), Duration::from_secs(interval));
        let mut states = Vec::new();
        for (time, contacts) in responses {
            states.push(freshness.observe(&snapshot(*time, contacts), contacts.len(), interval));
            tokio::time::advance(interval).await;
        }
        states
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_whose_time_stands_still_for_two_intervals_is_stale() {
        use SourceState::{Live, Quiet, Stale};
        assert_eq!(
            states(10, &[(100, &[99]), (100, &[99]), (100, &[99]), (130, &[129])]).await,
            [Live, Live, Stale, Live]
        );
        assert_eq!(states(10, &[(100, &[]), (110, &[]), (110, &[]), (110, &[])]).await, [Quiet, Quiet, Quiet, Stale]);
        assert_eq!(
            states(1, &[(100, &[99]), (100, &[99]), (100, &[99]), (100, &[99])]).await,
            [Live, Live, Live, Stale]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_whose_contacts_stand_still_is_stale_after_a_while() {
        use SourceState::{Live, Stale};
        assert_eq!(
            states(45, &[(100, &[99]), (145, &[99]), (190, &[99]), (235, &[234])]).await,
            [Live, Live, Stale, Live]
        );
        assert_eq!(states(60, &[(100, &[99]), (160, &[99]), (220, &[99])]).await, [Live, Live, Stale]);
    }
}
