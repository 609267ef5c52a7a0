use std::time::Duration;

use tokio::time::Instant;

use crate::ports::StoreError;
use crate::supervision::backoff::Backoff;

/// Decides when a database request is retried, and how often failures are logged.
///
/// An unavailable database is used again within seconds of its return. A database that refuses requests is retried less
/// often, until the operator acts: retries every few seconds would fill its log and might lock the account.
#[derive(Debug)]
pub(super) struct DatabaseRetry {
    unavailable: Backoff,
    refused: Backoff,
    logged: Option<(String, Instant)>,
    suppressed: u64,
}

impl DatabaseRetry {
    /// The time after which the same error is logged again.
    const LOG_AGAIN: Duration = Duration::from_secs(60);

    pub(super) fn new() -> Self {
        Self { unavailable: Backoff::for_a_service(), refused: Backoff::for_an_operator(), logged: None, suppressed: 0 }
    }

    /// Returns the pause before the next attempt.
    pub(super) fn pause(&mut self, error: Option<&StoreError>) -> Duration {
        if matches!(error, Some(StoreError::Refused(_))) {
            self.unavailable = Backoff::for_a_service();
            self.refused.pause()
        } else {
            self.refused = Backoff::for_an_operator();
            self.unavailable.pause()
        }
    }

    /// Returns the number of suppressed lines if this error should be logged now: a new error immediately, the same one
    /// once a minute.
    pub(super) fn should_log(&mut self, error: &str) -> Option<u64> {
        let now = Instant::now();
        if self.logged.as_ref().is_some_and(|(last, at)| last == error && now - *at < Self::LOG_AGAIN) {
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
    async fn the_same_error_is_logged_once_a_minute_and_another_one_at_once() {
        let mut retry = DatabaseRetry::new();
        assert_eq!(retry.should_log("no right"), Some(0));
        assert_eq!(retry.should_log("no right"), None);
        assert_eq!(retry.should_log("no right"), None);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(retry.should_log("no right"), Some(2));
        assert_eq!(retry.should_log("no such database"), Some(0));
    }

    #[test]
    fn a_database_that_refuses_is_tried_less_often_than_one_that_is_unavailable() {
        let mut retry = DatabaseRetry::new();
        let longest = |retry: &mut DatabaseRetry, error: &StoreError| {
            (0..200).map(|_| retry.pause(Some(error))).max().unwrap_or_default()
        };
        let refused = longest(&mut retry, &StoreError::Refused("no right".into()));
        assert!(refused > Duration::from_secs(15) && refused <= Duration::from_secs(30), "{refused:?}");
        let unavailable = longest(&mut retry, &StoreError::Unavailable("away".into()));
        assert!(unavailable <= Duration::from_secs(3), "{unavailable:?}");
        let first = retry.pause(Some(&StoreError::Refused("no right".into())));
        assert!(first <= Duration::from_secs(1), "{first:?}");
    }
}
