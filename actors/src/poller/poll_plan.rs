//! When the Poller asks next: as often as the credits allow, and not at all where asking is of no use.
//!
//! Credits, their costs and the resolutions are those of the OpenSky REST API, "Limitations" and "API credit usage".

use std::time::Duration;

use rand::Rng;

use crate::ports::SourceError;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The most credits that OpenSky gives for a day, to those who feed data. Whoever has more left has the tier of licensed
/// users, 14,400 credits refilled every hour: what is above this can be spent within the hour.
const LARGEST_DAILY_ALLOWANCE: u32 = 8_000;

/// OpenSky's clock and this machine's may differ by so much: who asks at midnight sharp may ask on the day before.
const MIDNIGHT_MARGIN: Duration = Duration::from_secs(30);

/// No wait is shorter, whatever went wrong.
const SHORTEST_WAIT: Duration = Duration::from_millis(500);

/// How often the operator wants to poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PollInterval {
    /// Spread what is left of the day's credits over the rest of the day.
    #[default]
    Auto,
    /// At a fixed interval, whatever the credits say; the source refuses what they do not pay for.
    Every(Duration),
}

/// Who asks: it decides how fine the source's data is and how much of it a day holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// Known by the network address alone.
    Anonymous,
    /// With an account's credentials.
    Registered,
}

impl Account {
    /// The source's data does not change faster than this.
    pub fn resolution(self) -> Duration {
        match self {
            Self::Anonymous => Duration::from_secs(10),
            Self::Registered => Duration::from_secs(5),
        }
    }

    /// The credits of one day, where the source does not say. Those who feed data have more.
    pub fn daily_credits(self) -> u32 {
        match self {
            Self::Anonymous => 400,
            Self::Registered => 4_000,
        }
    }
}

/// What the waits between polls are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollPlan {
    /// The operator's wish.
    pub interval: PollInterval,
    /// The credits that one request costs; see [`crate::domain::BoundingBox::credits`].
    pub cost: u32,
    /// Who asks.
    pub account: Account,
}

impl PollPlan {
    /// How long to wait after a good answer, from what is documented of OpenSky's tiers.
    ///
    /// `now` is the time since 1970 in UTC, `credits_left` what the answer said; `None` when it said nothing.
    pub fn after_success(&self, now: Duration, credits_left: Option<u32>) -> Duration {
        let credits_left = match (self.interval, credits_left) {
            (PollInterval::Every(_), _) | (PollInterval::Auto, None) => return self.expected_interval(),
            (PollInterval::Auto, Some(credits_left)) => credits_left,
        };
        let to_midnight = DAY - Duration::from_nanos_u128(now.as_nanos() % DAY.as_nanos());
        let over_the_day = self.spread(credits_left, to_midnight).unwrap_or(to_midnight + MIDNIGHT_MARGIN);
        let over_the_hour = self.spread(credits_left.saturating_sub(LARGEST_DAILY_ALLOWANCE), HOUR);
        over_the_hour.map_or(over_the_day, |wait| wait.min(over_the_day))
    }

    /// The time between two polls when these credits are spread over this time; `None` where they pay for none.
    pub(super) fn spread(&self, credits: u32, over: Duration) -> Option<Duration> {
        // Whole requests: the last credits of a day may not pay for one more.
        match credits / self.cost.max(1) {
            0 => None,
            requests => Some((over / requests).max(self.account.resolution())),
        }
    }

    pub(super) fn is_auto(&self) -> bool {
        self.interval == PollInterval::Auto
    }

    /// How long to wait after the `consecutive`-th failure in a row, counted from 1.
    pub fn after_failure(&self, error: &SourceError, consecutive: u32, rng: &mut impl Rng) -> Duration {
        match error {
            // An answer within the resolution could not be another one.
            SourceError::RateLimited { retry_after: Some(after) } => (*after).clamp(self.account.resolution(), DAY),
            SourceError::RateLimited { retry_after: None } => {
                // Never less than half: the source did ask for quiet.
                let longest = doubled(self.account.resolution(), consecutive, Duration::from_secs(15 * 60));
                rng.random_range(longest / 2..=longest)
            }
            SourceError::Unavailable(_) | SourceError::Malformed(_) => {
                // Full jitter: after an outage not every monitor comes back in the same second.
                let longest = doubled(Duration::from_secs(1), consecutive, Duration::from_secs(5 * 60));
                rng.random_range(SHORTEST_WAIT..=longest)
            }
            // Somebody must act; the slow tries notice when they did.
            SourceError::Refused(_) => doubled(Duration::from_secs(60), consecutive, Duration::from_secs(30 * 60)),
        }
    }

    /// The time between two polls when nothing goes wrong: data twice as old as this is late.
    ///
    /// With [`PollInterval::Auto`] it is the day's allowance spread evenly, since what is left of it is not known here;
    /// the waits of [`PollPlan::after_success`] may be longer.
    pub fn expected_interval(&self) -> Duration {
        let interval = match self.interval {
            PollInterval::Every(interval) => interval,
            PollInterval::Auto => DAY / (self.account.daily_credits() / self.cost.max(1)).max(1),
        };
        interval.max(self.account.resolution())
    }
}

/// Whether a day may have begun between two times, by OpenSky's clock or by this machine's.
pub(super) fn crosses_midnight(from: Duration, to: Duration) -> bool {
    let day = |time: Duration| time.as_secs() / DAY.as_secs();
    day(from.saturating_sub(MIDNIGHT_MARGIN)) != day(to + MIDNIGHT_MARGIN)
}

/// `base`, doubled with each failure after the first, up to `cap`.
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
    use Account::{Anonymous, Registered};

    fn auto(account: Account, cost: u32) -> PollPlan {
        PollPlan { interval: PollInterval::Auto, cost, account }
    }

    fn every(seconds: f64, account: Account) -> PollPlan {
        PollPlan { interval: PollInterval::Every(Duration::from_secs_f64(seconds)), cost: 4, account }
    }

    /// 2023-11-14, at so many hours UTC.
    fn at_hour(hour: f64) -> Duration {
        Duration::from_secs(19_675 * 86_400) + Duration::from_secs_f64(hour * 3600.0)
    }

    #[test]
    fn without_a_word_about_credits_the_allowance_is_spread_over_the_day() {
        let check = |account, cost, seconds: f64| {
            let plan = auto(account, cost);
            assert_eq!(plan.after_success(at_hour(23.0), None).as_secs_f64(), seconds, "{account:?} at {cost}");
            assert_eq!(plan.expected_interval().as_secs_f64(), seconds, "{account:?} at {cost}");
        };
        check(Anonymous, 4, 864.0);
        check(Anonymous, 1, 216.0);
        check(Registered, 4, 86.4);
        check(Registered, 1, 21.6);
    }

    #[test]
    fn the_credits_left_are_spread_over_the_rest_of_the_day() {
        let check = |account, cost, hour, left, seconds: f64| {
            let wait = auto(account, cost).after_success(at_hour(hour), Some(left));
            assert_eq!(wait.as_secs_f64(), seconds, "{account:?} at {cost}, {left} left at {hour}:00");
        };
        check(Registered, 4, 0.0, 4_000, 86.4);
        check(Registered, 4, 0.0, 8_000, 43.2);
        // More than any day's allowance: the tier that is refilled every hour.
        check(Registered, 4, 0.0, 14_400, 5.0);
        check(Registered, 4, 23.0, 14_400, 5.0);
        check(Registered, 4, 12.0, 11_520, 5.0);
        check(Registered, 4, 0.0, 9_200, 12.0);
        check(Registered, 4, 0.0, 8_003, 43.2);
        check(Registered, 4, 12.0, 4_000, 43.2);
        check(Registered, 1, 12.0, 4_000, 10.8);
        check(Anonymous, 4, 0.0, 400, 864.0);
        check(Anonymous, 4, 18.0, 40, 2_160.0);
        // The odd three credits pay for nothing.
        check(Anonymous, 4, 18.0, 43, 2_160.0);
        // Never faster than the data changes.
        check(Registered, 1, 23.0, 4_000, 5.0);
        check(Anonymous, 1, 23.0, 4_000, 10.0);
        // Nothing left: the new day, and a little more.
        check(Anonymous, 4, 18.0, 3, 6.0 * 3600.0 + 30.0);
        check(Registered, 1, 0.0, 0, 86_430.0);
        // A source that charges nothing.
        check(Registered, 0, 0.0, 4_000, 21.6);
    }

    #[test]
    fn a_fixed_interval_is_obeyed_down_to_the_resolution() {
        let check = |account, asked, left, seconds: f64| {
            let plan = every(asked, account);
            assert_eq!(plan.after_success(at_hour(9.0), left).as_secs_f64(), seconds, "{asked} s, {account:?}");
            assert_eq!(plan.expected_interval().as_secs_f64(), seconds);
        };
        check(Registered, 60.0, Some(4_000), 60.0);
        check(Registered, 60.0, Some(0), 60.0);
        check(Registered, 7.5, None, 7.5);
        check(Registered, 1.0, None, 5.0);
        check(Anonymous, 0.0, Some(1), 10.0);
    }

    #[test]
    fn the_source_s_word_about_waiting_is_kept_within_a_day() {
        let check = |account, said: u64, seconds: u64| {
            let error = SourceError::RateLimited { retry_after: Some(Duration::from_secs(said)) };
            let wait = auto(account, 4).after_failure(&error, 7, &mut StdRng::seed_from_u64(1));
            assert_eq!(wait.as_secs(), seconds, "{account:?}, {said}");
        };
        check(Registered, 22_688, 22_688);
        check(Registered, 0, 5);
        check(Anonymous, 3, 10);
        check(Anonymous, 86_401, 86_400);
        check(Anonymous, u64::MAX, 86_400);
    }

    #[test]
    fn waits_after_failures_grow_up_to_their_cap() {
        let limited = SourceError::RateLimited { retry_after: None };
        let unavailable = SourceError::Unavailable("down".into());
        let malformed = SourceError::Malformed("<html>".into());
        let refused = SourceError::Refused("401".into());
        let check = |error: &SourceError, consecutive, shortest: f64, longest: f64| {
            let mut rng = StdRng::seed_from_u64(7);
            let waits: Vec<f64> = (0..2_000)
                .map(|_| auto(Registered, 4).after_failure(error, consecutive, &mut rng).as_secs_f64())
                .collect();
            let (least, most) = waits.iter().fold((f64::MAX, 0.0_f64), |(a, b), w| (a.min(*w), b.max(*w)));
            let slack = (longest - shortest) * 0.02;
            assert!((shortest..=shortest + slack).contains(&least), "{error}, {consecutive}: least {least}");
            assert!((longest - slack..=longest).contains(&most), "{error}, {consecutive}: most {most}");
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

    fn accounts() -> impl Strategy<Value = Account> {
        prop_oneof![Just(Anonymous), Just(Registered)]
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
        fn a_day_s_polls_never_cost_more_than_its_credits(
            account in accounts(), cost in 1u32..=4, credits in 0u32..10_000, start in 0.0..24.0, told: bool,
        ) {
            let plan = auto(account, cost);
            let midnight = at_hour(24.0);
            // An untold allowance is counted from the first poll on, which is paid already.
            let mut left = if told { credits } else { account.daily_credits() - cost };
            let mut now = at_hour(start);
            loop {
                now += plan.after_success(now, told.then_some(left));
                if now >= midnight {
                    break;
                }
                prop_assert!(left >= cost, "a poll at {:?} that nothing pays for", now);
                left -= cost;
            }
            prop_assert!(now <= midnight + MIDNIGHT_MARGIN || !told, "asleep until {:?}", now - midnight);
        }

        #[test]
        fn more_credits_never_mean_longer_waits(
            account in accounts(), cost in 0u32..=8, now: u32, fewer: u32, more: u32,
        ) {
            let plan = auto(account, cost);
            let now = Duration::from_secs(now.into());
            let wait = |left| plan.after_success(now, Some(left));
            prop_assert!(wait(fewer.max(more)) <= wait(fewer.min(more)));
        }

        #[test]
        fn no_wait_after_success_is_shorter_than_the_resolution_or_longer_than_a_day(
            account in accounts(), cost: u32, now: Duration, left: Option<u32>,
        ) {
            let wait = auto(account, cost).after_success(now, left);
            prop_assert!((account.resolution()..=DAY + MIDNIGHT_MARGIN).contains(&wait), "{wait:?}");
        }

        #[test]
        fn waits_after_failures_are_bounded_and_their_bounds_never_shrink(
            account in accounts(), error in errors(), consecutive: u32, seed: u64,
        ) {
            let wait = |consecutive| {
                auto(account, 4).after_failure(&error, consecutive, &mut StdRng::seed_from_u64(seed))
            };
            prop_assert!((SHORTEST_WAIT..=DAY).contains(&wait(consecutive)));
            // The same throw of the dice never gives less after one more failure.
            prop_assert!(wait(consecutive) <= wait(consecutive.saturating_add(1)));
        }
    }
}
