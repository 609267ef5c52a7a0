use std::time::Duration;

use rand::Rng;

use crate::ports::SourceError;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The minimum pause after any failure.
const MIN_PAUSE: Duration = Duration::from_millis(500);

/// Returns the pause after the `consecutive`-th failure in a row, counted from 1. The source's data does not change
/// more often than once per `resolution`.
pub(super) fn pause_after(error: &SourceError, consecutive: u32, resolution: Duration, rng: &mut impl Rng) -> Duration {
    match error {
        // An earlier response could not contain new data.
        SourceError::RateLimited { retry_after: Some(after) } => (*after).clamp(resolution, DAY),
        SourceError::RateLimited { retry_after: None } => {
            // Wait at least half of the bound, since the source demanded a pause.
            let bound = doubled(resolution, consecutive, Duration::from_secs(15 * 60));
            rng.random_range(bound / 2..=bound)
        }
        SourceError::Unavailable(_) | SourceError::Malformed(_) => {
            // Use full jitter, so that clients do not all return at the same time after an outage.
            let bound = doubled(Duration::from_secs(1), consecutive, Duration::from_secs(5 * 60));
            rng.random_range(MIN_PAUSE..=bound)
        }
        // The operator must act. Infrequent retries suffice to detect it.
        SourceError::Refused(_) => doubled(Duration::from_secs(60), consecutive, Duration::from_secs(30 * 60)),
    }
}

/// Returns `base`, doubled with each failure after the first, up to `cap`.
fn doubled(base: Duration, consecutive: u32, cap: Duration) -> Duration {
    let factor = 1_u32.checked_shl(consecutive.saturating_sub(1)).unwrap_or(u32::MAX);
    base.saturating_mul(factor).min(cap)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    /// The resolutions of anonymous and registered OpenSky accounts.
    const ANONYMOUS: Duration = Duration::from_secs(10);
    const REGISTERED: Duration = Duration::from_secs(5);

    #[test]
    fn a_requested_pause_is_obeyed_up_to_a_day() {
        let check = |resolution, requested: u64, seconds: u64| {
            let error = SourceError::RateLimited { retry_after: Some(Duration::from_secs(requested)) };
            let pause = pause_after(&error, 7, resolution, &mut StdRng::seed_from_u64(1));
            assert_eq!(pause.as_secs(), seconds, "{resolution:?}, {requested}");
        };
        check(REGISTERED, 22_688, 22_688);
        check(REGISTERED, 0, 5);
        check(ANONYMOUS, 3, 10);
        check(ANONYMOUS, 86_401, 86_400);
        check(ANONYMOUS, u64::MAX, 86_400);
    }

    #[test]
    fn pauses_after_failures_grow_up_to_their_cap() {
        let limited = SourceError::RateLimited { retry_after: None };
        let unavailable = SourceError::Unavailable("down".into());
        let malformed = SourceError::Malformed("<html>".into());
        let refused = SourceError::Refused("401".into());
        let check = |error: &SourceError, consecutive, shortest: f64, longest: f64| {
            let mut rng = StdRng::seed_from_u64(7);
            let pauses: Vec<f64> =
                (0..2_000).map(|_| pause_after(error, consecutive, REGISTERED, &mut rng).as_secs_f64()).collect();
            let (min, max) = pauses.iter().fold((f64::MAX, 0.0_f64), |(min, max), p| (min.min(*p), max.max(*p)));
            let slack = (longest - shortest) * 0.02;
            assert!((shortest..=shortest + slack).contains(&min), "{error}, {consecutive}: at least {min}");
            assert!((longest - slack..=longest).contains(&max), "{error}, {consecutive}: at most {max}");
        };
        for error in [&unavailable, &malformed] {
            check(error, 0, 0.5, 1.0);
            check(error, 1, 0.5, 1.0);
            check(error, 2, 0.5, 2.0);
            check(error, 9, 0.5, 256.0);
            check(error, 10, 0.5, 300.0);
            check(error, u32::MAX, 0.5, 300.0);
        }
        check(&limited, 1, 2.5, 5.0);
        check(&limited, 3, 10.0, 20.0);
        check(&limited, 40, 450.0, 900.0);
        check(&refused, 1, 60.0, 60.0);
        check(&refused, 2, 120.0, 120.0);
        check(&refused, 6, 1_800.0, 1_800.0);
        check(&refused, u32::MAX, 1_800.0, 1_800.0);
    }

    fn resolutions() -> impl Strategy<Value = Duration> {
        prop_oneof![Just(ANONYMOUS), Just(REGISTERED)]
    }

    fn errors() -> impl Strategy<Value = SourceError> {
        prop_oneof![
            any::<Option<Duration>>().prop_map(|retry_after| SourceError::RateLimited { retry_after }),
            Just(SourceError::Unavailable(String::new())),
            Just(SourceError::Malformed(String::new())),
            Just(SourceError::Refused(String::new())),
        ]
    }

    proptest! {
        #[test]
        fn pauses_after_failures_are_bounded_and_never_shrink(
            resolution in resolutions(), error in errors(), consecutive: u32, seed: u64,
        ) {
            let pause = |consecutive| {
                pause_after(&error, consecutive, resolution, &mut StdRng::seed_from_u64(seed))
            };
            prop_assert!((MIN_PAUSE..=DAY).contains(&pause(consecutive)));
            // With the same random numbers, one more failure never shortens the pause.
            prop_assert!(pause(consecutive) <= pause(consecutive.saturating_add(1)));
        }
    }
}
