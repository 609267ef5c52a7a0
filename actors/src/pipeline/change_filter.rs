use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{Icao24, Snapshot, StateVector, UnixTime};

/// Remembers the newest `last_contact` that was published for each aircraft, to tell news from repetition.
#[derive(Debug, Default)]
pub(super) struct ChangeFilter {
    published: HashMap<Icao24, UnixTime>,
}

/// The news of a snapshot.
#[derive(Debug, Default, PartialEq)]
pub(super) struct News {
    pub(super) states: Vec<Arc<StateVector>>,
    /// Rows as new as the published one.
    pub(super) unchanged: u64,
    /// Rows older than the published one.
    pub(super) older: u64,
}

impl ChangeFilter {
    /// An aircraft unheard for this many seconds before a response is forgotten: the source repeats a state for five
    /// minutes, so nothing old can pass for new after an hour.
    const MEMORY: i64 = 3600;

    /// The states that are newer than what was published, in the snapshot's order.
    pub(super) fn news(&self, snapshot: Snapshot) -> News {
        let mut news = News::default();
        let mut within: HashMap<Icao24, UnixTime> = HashMap::with_capacity(snapshot.states.len());
        for state in snapshot.states {
            let known = within.get(&state.icao24).or_else(|| self.published.get(&state.icao24));
            match known.map(|known| state.last_contact.cmp(known)) {
                Some(std::cmp::Ordering::Less) => news.older += 1,
                Some(std::cmp::Ordering::Equal) => news.unchanged += 1,
                Some(std::cmp::Ordering::Greater) | None => {
                    within.insert(state.icao24, state.last_contact);
                    news.states.push(Arc::new(state));
                }
            }
        }
        news
    }

    /// Records that these were handed on, in a response of time `now`.
    pub(super) fn published(&mut self, states: &[Arc<StateVector>], now: UnixTime) {
        for state in states {
            let newest = self.published.entry(state.icao24).or_insert(state.last_contact);
            *newest = state.last_contact.max(*newest);
        }
        self.published.retain(|_, last_contact| now.seconds_since(*last_contact) <= Self::MEMORY);
    }

    pub(super) fn aircraft(&self) -> usize {
        self.published.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::state;

    fn snapshot(states: &[(&str, i64)]) -> Snapshot {
        let states = states.iter().map(|(icao24, last_contact)| state(icao24, *last_contact)).collect();
        Snapshot { time: UnixTime(1000), states, ..Snapshot::default() }
    }

    fn names(news: &News) -> Vec<(String, i64)> {
        news.states.iter().map(|s| (s.icao24.to_string(), s.last_contact.0)).collect()
    }

    #[test]
    fn only_what_is_newer_is_news() {
        let mut filter = ChangeFilter::default();
        let first = filter.news(snapshot(&[("aaaaaa", 990), ("bbbbbb", 991)]));
        assert_eq!(first.states.len(), 2);
        filter.published(&first.states, UnixTime(1000));

        let second = filter.news(snapshot(&[("aaaaaa", 990), ("bbbbbb", 992), ("cccccc", 5), ("aaaaaa", 989)]));
        assert_eq!(names(&second), [("bbbbbb".into(), 992), ("cccccc".into(), 5)]);
        assert_eq!((second.unchanged, second.older), (1, 1));
    }

    #[test]
    fn news_that_was_not_handed_on_stays_news() {
        let filter = ChangeFilter::default();
        assert_eq!(filter.news(snapshot(&[("aaaaaa", 990)])).states.len(), 1);
        assert_eq!(filter.news(snapshot(&[("aaaaaa", 990)])).states.len(), 1);
    }

    #[test]
    fn an_aircraft_twice_in_a_response_is_published_in_rising_order_only() {
        let news = ChangeFilter::default().news(snapshot(&[("aaaaaa", 990), ("aaaaaa", 992), ("aaaaaa", 991)]));
        assert_eq!(names(&news), [("aaaaaa".into(), 990), ("aaaaaa".into(), 992)]);
    }

    #[test]
    fn the_memory_is_bounded_by_time() {
        let mut filter = ChangeFilter::default();
        filter.published(&[Arc::new(state("aaaaaa", 990))], UnixTime(1000));
        filter.published(&[], UnixTime(990 + ChangeFilter::MEMORY));
        assert_eq!(filter.aircraft(), 1);
        filter.published(&[], UnixTime(991 + ChangeFilter::MEMORY));
        assert_eq!(filter.aircraft(), 0);
    }
}
