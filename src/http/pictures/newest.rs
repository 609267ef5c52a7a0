//! A value that one request refreshes for all.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::http::reply::problem::Problem;

/// How old a value may be before the next request refreshes it. Meanwhile, other requests are served the old value.
const REFRESH_AFTER: Duration = Duration::from_millis(20);

/// How old a value may be when it is served. Requests for an older one wait for the refresh.
pub(super) const MAX_STALENESS: Duration = Duration::from_millis(100);

/// A value with the time at which it was known to be current.
#[derive(Clone, Debug)]
pub(super) struct Dated<T> {
    pub(super) value: T,
    pub(super) current_at: Instant,
}

/// The newest value of its kind. Of any number of concurrent requests, only one refreshes it.
pub(super) struct Newest<T> {
    value: Mutex<Option<Dated<T>>>,
    /// Held while a request refreshes the value.
    refreshing: tokio::sync::Mutex<()>,
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self { value: Mutex::default(), refreshing: tokio::sync::Mutex::default() }
    }
}

impl<T: Clone> Newest<T> {
    /// Returns a value that was current at most [`MAX_STALENESS`] before this call.
    ///
    /// `refresh` gets the last value, and returns it or a newer one. If the request that refreshes is dropped, the next
    /// one takes over.
    ///
    /// # Errors
    /// Fails if `refresh` does. Requests that waited for it then try themselves.
    pub(super) async fn get(
        &self,
        refresh: impl AsyncFnOnce(Option<Dated<T>>) -> Result<Dated<T>, Problem>,
    ) -> Result<Dated<T>, Problem> {
        let requested = Instant::now();
        let is_within = |known: &Dated<T>, age| requested.saturating_duration_since(known.current_at) < age;
        let refreshing = match self.known() {
            Some(known) if is_within(&known, REFRESH_AFTER) => return Ok(known),
            Some(known) if is_within(&known, MAX_STALENESS) => match self.refreshing.try_lock() {
                Ok(refreshing) => refreshing,
                Err(_) => return Ok(known),
            },
            _ => {
                let refreshing = self.refreshing.lock().await;
                if let Some(known) = self.known().filter(|known| is_within(known, MAX_STALENESS)) {
                    return Ok(known);
                }
                refreshing
            }
        };
        let newest = refresh(self.known()).await?;
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = Some(newest.clone());
        drop(refreshing);
        Ok(newest)
    }

    fn known(&self) -> Option<Dated<T>> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use futures_util::future::join_all;

    use super::*;

    /// Each refresh takes this long.
    const DURATION: Duration = Duration::from_millis(10);

    #[derive(Clone, Default)]
    struct Counted {
        newest: Rc<Newest<u32>>,
        refreshes: Rc<Cell<u32>>,
    }

    impl Counted {
        async fn get(&self) -> u32 {
            let refresh = async |_: Option<Dated<u32>>| {
                let current_at = Instant::now();
                self.refreshes.set(self.refreshes.get() + 1);
                let value = self.refreshes.get();
                tokio::time::sleep(DURATION).await;
                Ok(Dated { value, current_at })
            };
            self.newest.get(refresh).await.unwrap().value
        }

        async fn get_at_once(&self, requests: usize) -> Vec<u32> {
            join_all((0..requests).map(|_| self.get())).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_many_concurrent_requests_refreshes() {
        let counted = Counted::default();
        assert_eq!(counted.get_at_once(1000).await, [1; 1000]);
        tokio::time::advance(MAX_STALENESS).await;
        assert_eq!(counted.get_at_once(1000).await, [2; 1000]);
        assert_eq!(counted.refreshes.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_that_is_not_too_old_is_served_while_one_request_refreshes_it() {
        let counted = Counted::default();
        assert_eq!(counted.get().await, 1);
        tokio::time::advance(REFRESH_AFTER - DURATION).await;
        let mut values = counted.get_at_once(1000).await;
        values.sort_unstable();
        assert_eq!((values[..999].to_vec(), values[999]), (vec![1; 999], 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_refresh_serves_every_request_that_waited_for_it() {
        let counted = Counted::default();
        let refresh = async |_: Option<Dated<u32>>| {
            let current_at = Instant::now();
            tokio::time::sleep(10 * MAX_STALENESS).await;
            Ok(Dated { value: 7, current_at })
        };
        let (slow, waited) = tokio::join!(counted.newest.get(refresh), counted.get_at_once(10));
        assert_eq!((slow.unwrap().value, waited), (7, vec![7; 10]));
        assert_eq!(counted.get().await, 1, "a later request does not get the old value");
    }

    #[tokio::test(start_paused = true)]
    async fn another_request_takes_over_from_a_dropped_or_failed_one() {
        let counted = Counted::default();
        let never = counted.newest.get(async |_| std::future::pending().await);
        assert!(tokio::time::timeout(DURATION, never).await.is_err());
        let failed = counted.newest.get(async |_| Err(Problem::unavailable("")));
        let (failed, next) = tokio::join!(failed, counted.get());
        assert!(failed.is_err());
        assert_eq!(next, 1);
    }
}
