use std::time::Duration;

use crate::ports::DeliveryError;
use crate::supervision::backoff::Backoff;

/// How long a notification is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryLimits {
    /// The age at which a notification that cannot be delivered becomes a dead letter.
    pub max_age: Duration,
}

/// The attempts to deliver one notification.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempts {
    unavailable: Backoff,
    refused: Backoff,
}

/// What follows a failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NextStep {
    /// Try again after this pause.
    Retry(Duration),
    /// Give up, for this reason.
    DeadLetter(String),
}

/// The longest pause that an endpoint can demand. A longer one would delay alerts until they are of no use, and
/// the endpoint may simply be wrong.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

impl Attempts {
    pub(super) const fn none() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            unavailable: Backoff::new(Duration::from_millis(500), minute),
            refused: Backoff::new(Duration::from_secs(5), Duration::from_secs(300)),
        }
    }

    /// Decides what follows a failed attempt to deliver a notification of this age.
    pub(super) fn after(&mut self, error: &DeliveryError, age: Duration, limits: RetryLimits) -> NextStep {
        let pause = match error {
            DeliveryError::Rejected(reason) => return NextStep::DeadLetter(reason.clone()),
            DeliveryError::Unavailable { retry_after, .. } => {
                let own = self.unavailable.pause();
                retry_after.map_or(own, |demanded| demanded.min(MAX_RETRY_AFTER).max(own))
            }
            DeliveryError::Refused(_) => self.refused.pause(),
        };
        let left = limits.max_age.saturating_sub(age);
        if left.is_zero() {
            let hours = limits.max_age.as_secs_f64() / 3600.0;
            return NextStep::DeadLetter(format!("not delivered within {hours} h; last error: {error}"));
        }
        // The last attempt is made at the end.
        NextStep::Retry(pause.min(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const LIMITS: RetryLimits = RetryLimits { max_age: HOUR };

    fn after(error: &DeliveryError, age: Duration) -> NextStep {
        Attempts::none().after(error, age, LIMITS)
    }

    #[test]
    fn an_unavailable_endpoint_is_retried_until_the_notification_is_too_old() {
        let away = DeliveryError::unavailable("connection refused");
        let mut attempts = Attempts::none();
        for _ in 0..20 {
            let NextStep::Retry(pause) = attempts.after(&away, Duration::ZERO, LIMITS) else { panic!("given up") };
            assert!(pause <= Duration::from_secs(60), "{pause:?}");
        }
        assert_eq!(
            attempts.after(&away, HOUR - Duration::from_millis(1), LIMITS),
            NextStep::Retry(Duration::from_millis(1))
        );
        let NextStep::DeadLetter(reason) = attempts.after(&away, HOUR, LIMITS) else { panic!("retried") };
        assert_eq!(reason, "not delivered within 1 h; last error: unavailable: connection refused");
    }

    #[test]
    fn a_demanded_pause_is_respected_within_a_limit() {
        let busy = |retry_after| DeliveryError::Unavailable { reason: "429".into(), retry_after: Some(retry_after) };
        assert_eq!(after(&busy(Duration::from_secs(30)), Duration::ZERO), NextStep::Retry(Duration::from_secs(30)));
        assert_eq!(after(&busy(Duration::from_secs(86_400)), Duration::ZERO), NextStep::Retry(MAX_RETRY_AFTER));
        let NextStep::Retry(pause) = after(&busy(Duration::ZERO), Duration::ZERO) else { panic!("given up") };
        assert!(pause >= Duration::from_millis(50), "{pause:?}");
    }

    #[test]
    fn a_rejected_notification_is_not_retried() {
        let rejected = DeliveryError::Rejected("responded with 410 Gone".into());
        assert_eq!(after(&rejected, Duration::ZERO), NextStep::DeadLetter("responded with 410 Gone".into()));
    }
}
