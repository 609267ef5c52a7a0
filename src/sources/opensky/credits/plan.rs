use std::time::Duration;

use crate::sources::PollInterval;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The highest number of credits that OpenSky grants per day, which accounts that feed data get. A higher balance
/// belongs to a licensed account, which gets 14,400 credits every hour, so the part above this limit can be spent
/// within the hour.
const MAX_DAILY_ALLOWANCE: u32 = 8_000;

/// The tolerated difference between OpenSky's clock and this machine's: a poll exactly at midnight may count for the
/// day before.
const MIDNIGHT_MARGIN: Duration = Duration::from_secs(30);

/// The kind of account, which sets the resolution of the data and the daily credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sources::opensky) enum Account {
    /// No account. OpenSky counts credits per network address.
    Anonymous,
    /// An account, authenticated as an API client.
    Registered,
}

impl Account {
    /// Returns the resolution of OpenSky's data, which does not change more often than this.
    pub(in crate::sources::opensky) fn resolution(self) -> Duration {
        match self {
            Self::Anonymous => Duration::from_secs(10),
            Self::Registered => Duration::from_secs(5),
        }
    }

    /// Returns the credits for one day, as assumed until a response reports the balance. Accounts that feed data have
    /// more.
    pub(in crate::sources::opensky) fn daily_credits(self) -> u32 {
        match self {
            Self::Anonymous => 400,
            Self::Registered => 4_000,
        }
    }
}

/// Plans the pauses between polls from what OpenSky documents about its tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sources::opensky) struct PollPlan {
    /// The configured interval.
    pub interval: PollInterval,
    /// The cost of one poll in credits; see [`price`](super::price). 0 for `/states/own`.
    pub cost: u32,
    /// The account that the polls are charged to.
    pub account: Account,
}

impl PollPlan {
    /// Returns the pause after a successful poll.
    ///
    /// `now` is the time since the Unix epoch; `credits_left` is the balance reported by the response, if any.
    pub(in crate::sources::opensky) fn after_success(&self, now: Duration, credits_left: Option<u32>) -> Duration {
        let credits_left = match (self.interval, credits_left) {
            _ if self.cost == 0 => return self.expected_interval(),
            (PollInterval::Every(_), _) | (PollInterval::Auto, None) => return self.expected_interval(),
            (PollInterval::Auto, Some(credits_left)) => credits_left,
        };
        let to_midnight = DAY - Duration::from_nanos_u128(now.as_nanos() % DAY.as_nanos());
        let over_the_day = self.spread(credits_left, to_midnight).unwrap_or(to_midnight + MIDNIGHT_MARGIN);
        let over_the_hour = self.spread(credits_left.saturating_sub(MAX_DAILY_ALLOWANCE), HOUR);
        over_the_hour.map_or(over_the_day, |wait| wait.min(over_the_day))
    }

    /// Returns the time between two polls when `credits` are spread over a period, or `None` if they do not cover a
    /// single poll.
    pub(super) fn spread(&self, credits: u32, over: Duration) -> Option<Duration> {
        // Only whole polls count: the last credits of a day may not cover one more.
        match credits / self.cost.max(1) {
            0 => None,
            polls => Some((over / polls).max(self.account.resolution())),
        }
    }

    pub(super) fn is_auto(&self) -> bool {
        self.interval == PollInterval::Auto
    }

    /// Returns the time between two polls if none fails.
    ///
    /// With [`PollInterval::Auto`], this is the day's allowance spread evenly, because the balance is not known yet.
    /// The pauses returned by [`PollPlan::after_success`] may be longer.
    pub(in crate::sources::opensky) fn expected_interval(&self) -> Duration {
        let interval = match self.interval {
            PollInterval::Every(interval) => interval,
            PollInterval::Auto if self.cost == 0 => Duration::ZERO,
            PollInterval::Auto => DAY / (self.account.daily_credits() / self.cost.max(1)).max(1),
        };
        interval.max(self.account.resolution())
    }
}

/// Returns whether a day may have started between two times, by OpenSky's clock or by this machine's.
pub(super) fn crosses_midnight(from: Duration, to: Duration) -> bool {
    let day = |time: Duration| time.as_secs() / DAY.as_secs();
    day(from.saturating_sub(MIDNIGHT_MARGIN)) != day(to + MIDNIGHT_MARGIN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Account::{Anonymous, Registered};

    fn auto(account: Account, cost: u32) -> PollPlan {
        PollPlan { interval: PollInterval::Auto, cost, account }
    }

    fn every(seconds: f64, account: Account) -> PollPlan {
        PollPlan { interval: PollInterval::Every(Duration::from_secs_f64(seconds)), cost: 4, account }
    }

    /// Returns 2023-11-14 at this hour, UTC.
    fn at_hour(hour: f64) -> Duration {
        Duration::from_secs(19_675 * 86_400) + Duration::from_secs_f64(hour * 3600.0)
    }

    #[test]
    fn the_allowance_is_spread_over_the_day_if_the_balance_is_unknown() {
        let check = |account, cost, seconds: f64| {
            let plan = auto(account, cost);
            assert_eq!(plan.after_success(at_hour(23.0), None).as_secs_f64(), seconds, "{account:?} at {cost}");
            assert_eq!(plan.expected_interval().as_secs_f64(), seconds, "{account:?} at {cost}");
        };
        check(Anonymous, 4, 864.0);
        check(Anonymous, 1, 216.0);
        check(Registered, 4, 86.4);
        check(Registered, 1, 21.6);
        // States of one's own receivers are free.
        check(Registered, 0, 5.0);
    }

    #[test]
    fn the_credits_left_are_spread_over_the_rest_of_the_day() {
        let check = |account, cost, hour, left, seconds: f64| {
            let wait = auto(account, cost).after_success(at_hour(hour), Some(left));
            assert_eq!(wait.as_secs_f64(), seconds, "{account:?} at {cost}, {left} left at {hour}:00");
        };
        check(Registered, 4, 0.0, 4_000, 86.4);
        check(Registered, 4, 0.0, 8_000, 43.2);
        // More than the highest daily allowance: the tier that is refilled every hour.
        check(Registered, 4, 0.0, 14_400, 5.0);
        check(Registered, 4, 23.0, 14_400, 5.0);
        check(Registered, 4, 12.0, 11_520, 5.0);
        check(Registered, 4, 0.0, 9_200, 12.0);
        check(Registered, 4, 0.0, 8_003, 43.2);
        check(Registered, 4, 12.0, 4_000, 43.2);
        check(Registered, 1, 12.0, 4_000, 10.8);
        check(Anonymous, 4, 0.0, 400, 864.0);
        check(Anonymous, 4, 18.0, 40, 2_160.0);
        // The remaining three credits do not cover another poll.
        check(Anonymous, 4, 18.0, 43, 2_160.0);
        // Not faster than the data changes.
        check(Registered, 1, 23.0, 4_000, 5.0);
        check(Anonymous, 1, 23.0, 4_000, 10.0);
        // Nothing is left: wait for the new day, plus the margin.
        check(Anonymous, 4, 18.0, 3, 6.0 * 3600.0 + 30.0);
        check(Registered, 1, 0.0, 0, 86_430.0);
        // A source that does not charge.
        check(Registered, 0, 0.0, 4_000, 5.0);
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

    fn accounts() -> impl Strategy<Value = Account> {
        prop_oneof![Just(Anonymous), Just(Registered)]
    }

    proptest! {
        #[test]
        fn polls_never_cost_more_than_the_daily_credits(
            account in accounts(), cost in 1u32..=4, credits in 0u32..10_000, start in 0.0..24.0, told: bool,
        ) {
            let plan = auto(account, cost);
            let midnight = at_hour(24.0);
            // If no balance is reported, the day's allowance is assumed, and the first poll has already been charged to
            // it.
            let mut left = if told { credits } else { account.daily_credits() - cost };
            let mut now = at_hour(start);
            loop {
                now += plan.after_success(now, told.then_some(left));
                if now >= midnight {
                    break;
                }
                prop_assert!(left >= cost, "poll at {:?} without enough credits", now);
                left -= cost;
            }
            prop_assert!(now <= midnight + MIDNIGHT_MARGIN || !told, "no poll before {:?} past midnight", now - midnight);
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

    }
}
