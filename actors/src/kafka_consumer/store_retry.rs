use std::time::Duration;

use tokio::time::Instant;

use crate::supervision::backoff::Backoff;

/// Decides when a request to a database or a sink is retried, and how often failures are logged.
///
/// A destination that was unavailable is used again within seconds of its return. One that refuses requests is retried
/// less often, until the operator acts: retries every few seconds would fill its log and might lock the account.
#[derive(Debug)]
pub(super) struct StoreRetry {
    unavailable: Backoff,
    refused: Backoff,
    logged: Option<(String, Instant)>,
    suppressed: u64,
}

impl Default for StoreRetry {
    fn default() -> Self {
        Self { unavailable: Backoff::for_service(), refused: Backoff::for_operator(), logged: None, suppressed: 0 }
    }
}

impl StoreRetry {
    /// The time after which the same error is logged again.
    const LOG_INTERVAL: Duration = Duration::from_secs(60);

    /// Returns the pause before the next attempt, after a failure that the operator must resolve (`refused`) or not.
    pub(super) fn pause(&mut self, refused: bool) -> Duration {
        if refused {
            self.unavailable = Backoff::for_service();
            self.refused.pause()
        } else {
            self.refused = Backoff::for_operator();
            self.unavailable.pause()
        }
    }

    /// Returns the number of suppressed lines if this error should be logged now: a new error immediately, the same one
    /// once a minute.
    pub(super) fn should_log(&mut self, error: &str) -> Option<u64> {
        let now = Instant::now();
        if self.logged.as_ref().is_some_and(|(last, at)| last == error && now - *at < Self::LOG_INTERVAL) {
            self.suppressed += 1;
            return None;
        }
        self.logged = Some((error.to_owned(), now));
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_same_error_is_logged_once_a_minute_and_a_different_one_immediately() {
        let mut retry = StoreRetry::default();
        assert_eq!(retry.should_log("permission denied"), Some(0));
        assert_eq!(retry.should_log("permission denied"), None);
        assert_eq!(retry.should_log("permission denied"), None);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(retry.should_log("permission denied"), Some(2));
        assert_eq!(retry.should_log("no such database"), Some(0));
    }

    #[test]
    fn a_refusing_destination_is_retried_less_often_than_an_unavailable_one() {
        let mut retry = StoreRetry::default();
        let longest =
            |retry: &mut StoreRetry, refused| (0..200).map(|_| retry.pause(refused)).max().unwrap_or_default();
        let refused = longest(&mut retry, true);
        assert!(refused > Duration::from_secs(15) && refused <= Duration::from_secs(30), "{refused:?}");
        let unavailable = longest(&mut retry, false);
        assert!(unavailable <= Duration::from_secs(3), "{unavailable:?}");
        let first = retry.pause(true);
        assert!(first <= Duration::from_secs(1), "{first:?}");
    }
}
