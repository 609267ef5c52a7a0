use std::time::Duration;

use super::plan::{PollPlan, crosses_midnight};

/// Learns from the balances of successive responses whether credits are refilled more often than once a day.
///
/// A balance that rises between two polls was refilled. A single rise may have other causes, such as an upgrade to a
/// better tier, so it takes two rises that are a plausible refill period apart. A learned period applies until an
/// expected refill does not come. Half of the balance after the last refill is kept in reserve, so a wrong guess costs
/// at most half of a day's credits.
#[derive(Debug, Default)]
pub(super) struct RefillWatch {
    last: Option<Balance>,
    /// When the balance last rose, if another rise would reveal the period.
    rise: Option<Duration>,
    learned: Option<Refills>,
}

#[derive(Clone, Copy, Debug)]
struct Balance {
    at: Duration,
    credits: u32,
}

/// The refill period revealed by two rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refills {
    period: Duration,
    /// The learned period is dropped if the balance has not risen by then.
    overdue: Duration,
    /// The credits kept for the rest of the day, in case the refill does not come.
    reserve: u32,
}

impl RefillWatch {
    /// The plausible refill periods. OpenSky checks every two hours which accounts feed data, so the balance of an
    /// account that keeps gaining and losing that tier rises at most every four hours.
    const PERIODS: std::ops::RangeInclusive<Duration> = Duration::from_mins(30)..=Duration::from_hours(3);

    /// The minimum rise that counts as a refill, in polls. A smaller one may come from a request that was not charged,
    /// or from a balance that grows steadily.
    const MIN_RISE: u32 = 10;

    /// Returns the pause after a successful poll: the plan's, or a shorter one if credits are refilled sooner.
    ///
    /// `now` is the time since the Unix epoch; `credits_left` is the balance reported by the response, if any.
    pub(super) fn after_success(&mut self, plan: &PollPlan, now: Duration, credits_left: Option<u32>) -> Duration {
        let planned = plan.after_success(now, credits_left);
        let Some(credits) = credits_left else { return planned };
        self.note(Balance { at: now, credits }, plan.cost);
        match self.learned {
            Some(Refills { overdue, reserve, .. }) if plan.is_auto() => {
                let affordable = plan.spread(credits.saturating_sub(reserve), overdue.saturating_sub(now));
                affordable.map_or(planned, |wait| wait.min(planned))
            }
            _ => planned,
        }
    }

    /// Returns the learned refill period, rounded to a quarter of an hour, because a refill shows only at the next
    /// poll.
    pub(super) fn period(&self) -> Option<Duration> {
        const STEP: u64 = 15 * 60;
        self.learned.map(|refills| Duration::from_secs((refills.period.as_secs() + STEP / 2) / STEP * STEP))
    }

    fn note(&mut self, Balance { at, credits }: Balance, cost: u32) {
        let Some(last) = self.last.replace(Balance { at, credits }) else { return };
        let risen = credits.saturating_sub(last.credits) >= Self::MIN_RISE.saturating_mul(cost.max(1));
        if self.learned.is_some_and(|refills| at > refills.overdue) {
            *self = Self { last: self.last, ..Self::default() };
        }
        if !risen {
            return;
        }
        if crosses_midnight(last.at, at) {
            // Every tier is refilled at midnight, so this confirms a known period but does not reveal one.
            self.rise = None;
            self.learned = self.learned.map(|refills| Refills::after(at, refills.period, credits));
            return;
        }
        let distance = self.rise.map(|rise| at.saturating_sub(rise)).filter(|it| Self::PERIODS.contains(it));
        let period = distance.or(self.learned.map(|refills| refills.period));
        self.learned = period.map(|period| Refills::after(at, period, credits));
        self.rise = Some(at);
    }
}

impl Refills {
    fn after(rise: Duration, period: Duration, credits: u32) -> Self {
        // A rise shows only at the next poll, and that poll may fail.
        Self { period, overdue: rise + period + period / 4, reserve: credits / 2 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::plan::Account;
    use super::*;
    use crate::sources::PollInterval;

    const MINUTE: f64 = 60.0;
    const HOUR: f64 = 3_600.0;
    const DAY: f64 = 86_400.0;

    /// Simulates OpenSky's accounting for one account.
    #[derive(Clone, Debug)]
    struct Books {
        allowance: u32,
        /// The time between two refills in seconds.
        refill: f64,
        /// The first refill, in seconds since midnight UTC.
        phase: f64,
        /// When the allowance changes and to how much, because the account starts or stops feeding data.
        changes: Vec<(f64, u32)>,
        left: u32,
        refilled: f64,
    }

    impl Books {
        fn new(allowance: u32, refill: f64, phase: f64) -> Self {
            Self { allowance, refill, phase, changes: Vec::new(), left: allowance, refilled: f64::MIN }
        }

        /// Returns the balance after a poll, or `None` if the credits did not cover it.
        fn poll(&mut self, now: f64, cost: u32) -> Option<u32> {
            let refilled = ((now - self.phase) / self.refill).floor();
            if refilled != self.refilled {
                (self.refilled, self.left) = (refilled, self.allowance);
            }
            while self.changes.first().is_some_and(|(at, _)| *at <= now) {
                let (_, allowance) = self.changes.remove(0);
                let spent = self.allowance.saturating_sub(self.left);
                (self.allowance, self.left) = (allowance, allowance.saturating_sub(spent));
            }
            self.left = self.left.checked_sub(cost)?;
            Some(self.left)
        }
    }

    fn plan(account: Account, cost: u32) -> PollPlan {
        PollPlan { interval: PollInterval::Auto, cost, account }
    }

    /// Returns the times of all polls from `start` to `end`, in seconds since a midnight. `Err` is the time of a poll
    /// that the credits did not cover.
    fn polls(plan: PollPlan, books: Books, start: f64, end: f64) -> Result<Vec<f64>, f64> {
        polls_with(&mut RefillWatch::default(), plan, books, start, end)
    }

    fn polls_with(
        watch: &mut RefillWatch,
        plan: PollPlan,
        mut books: Books,
        start: f64,
        end: f64,
    ) -> Result<Vec<f64>, f64> {
        let midnight = Duration::from_secs(19_675 * 86_400);
        let (mut now, mut polls) = (start, Vec::new());
        while now < end {
            let left = books.poll(now, plan.cost).ok_or(now)?;
            polls.push(now);
            now += watch.after_success(&plan, midnight + Duration::from_secs_f64(now), Some(left)).as_secs_f64();
        }
        Ok(polls)
    }

    #[test]
    fn hourly_credits_are_spent_within_the_hour() {
        // Allowance, cost, and the maximum number of seconds between two polls in the fourth hour.
        for (allowance, cost, at_most) in
            [(14_400, 4, 5.0), (14_400, 1, 5.0), (6_000, 4, 7.0), (3_000, 4, 13.0), (400, 1, 30.0)]
        {
            for phase in [0.0, 20.0 * MINUTE] {
                let made =
                    polls(plan(Account::Registered, cost), Books::new(allowance, HOUR, phase), 7.0 * HOUR, 11.0 * HOUR);
                let count = made.unwrap().iter().filter(|at| **at >= 10.0 * HOUR).count();
                let seconds = HOUR / count as f64;
                assert!((4.9..=at_most).contains(&seconds), "{allowance} at {cost}: every {seconds} s");
            }
        }
    }

    #[test]
    fn the_learned_period_is_forgotten_when_a_refill_is_missed() {
        let (plan, mut watch) = (plan(Account::Registered, 4), RefillWatch::default());
        let mut note = |hours: f64, left| {
            let now = Duration::from_secs(19_675 * 86_400) + Duration::from_secs_f64(hours * HOUR);
            let wait = watch.after_success(&plan, now, Some(left));
            (wait.as_secs_f64().round(), watch.learned.is_some())
        };
        assert_eq!(note(8.0, 1_000), (230.0, false));
        // This rise may come from a better tier.
        assert_eq!(note(9.0, 3_000), (72.0, false));
        assert_eq!(note(9.9, 1_000), (203.0, false));
        // 1,500 credits are spread over the next hour and a quarter.
        assert_eq!(note(10.0, 3_000), (12.0, true));
        assert_eq!(note(11.0, 1_504), (124.0, true));
        assert_eq!(note(11.3, 1_504), (122.0, false));
    }

    #[test]
    fn free_requests_and_midnight_are_not_taken_for_refills() {
        let (plan, mut watch) = (plan(Account::Registered, 4), RefillWatch::default());
        for (hours, left) in
            [(20.0, 100), (21.0, 104), (22.0, 108), (23.0, 108), (24.01, 4_000), (25.0, 3_900), (25.5, 3_905)]
        {
            let now = Duration::from_secs(19_675 * 86_400) + Duration::from_secs_f64(hours * HOUR);
            watch.after_success(&plan, now, Some(left));
            assert_eq!(watch.learned, None, "{hours}");
        }
    }

    fn tiers() -> impl Strategy<Value = (Account, Books)> {
        let clock = -20.0..20.0_f64;
        prop_oneof![
            clock.clone().prop_map(|skew| (Account::Anonymous, Books::new(400, DAY, skew))),
            clock.clone().prop_map(|skew| (Account::Registered, Books::new(4_000, DAY, skew))),
            clock.clone().prop_map(|skew| (Account::Registered, Books::new(8_000, DAY, skew))),
            (0.0..HOUR).prop_map(|phase| (Account::Registered, Books::new(14_400, HOUR, phase))),
            // An allowance that is not documented.
            (clock, 8_001..40_000_u32).prop_map(|(skew, most)| (Account::Registered, Books::new(most, DAY, skew))),
            (40..14_400_u32, 0.0..HOUR).prop_map(|(most, phase)| (Account::Registered, Books::new(most, HOUR, phase))),
        ]
    }

    /// Returns an account with 4,000 credits a day, some of them spent.
    fn daily_books(spent: u32) -> Books {
        Books { left: 4_000 - spent, refilled: 0.0, ..Books::new(4_000, DAY, 0.0) }
    }

    proptest! {
        #[test]
        fn no_tier_is_ever_exhausted(
            (account, books) in tiers(), cost in 1u32..=4, start in 60.0..DAY - 60.0, spent in 0.0..1.0,
        ) {
            let left = (f64::from(books.allowance) * (1.0 - spent)) as u32;
            let refilled = ((start - books.phase) / books.refill).floor();
            let books = Books { left: left.max(cost), refilled, ..books };
            let made = polls(plan(account, cost), books, start, start + 2.0 * DAY);
            prop_assert!(made.is_ok(), "spent at {}", made.unwrap_err() / HOUR);
        }

        #[test]
        fn a_temporary_tier_is_not_taken_for_a_refill(
            cost in 1u32..=4, start in 60.0..HOUR, spent in 0..3_000_u32, first in 0.0..2.0 * HOUR,
        ) {
            // OpenSky checks every two hours whether the account feeds data.
            let tier = |n| (start + first + 2.0 * HOUR * f64::from(n), if n % 2 == 0 { 8_000 } else { 4_000 });
            let books = Books { changes: (0..9).map(tier).collect(), ..daily_books(spent) };
            let mut watch = RefillWatch::default();
            // Polling may fail: the better tier can be lost after more was spent than the other tier allows.
            let _ = polls_with(&mut watch, plan(Account::Registered, cost), books, start, DAY);
            prop_assert_eq!(watch.learned, None);
        }

        #[test]
        fn two_rises_of_the_allowance_never_exhaust_an_account(
            cost in 1u32..=4, start in 60.0..HOUR, spent in 0..3_000_u32, first in 0.0..20.0, apart in 0.5..3.0,
        ) {
            let (first, apart): (f64, f64) = (start + first * HOUR, apart * HOUR);
            let books = Books { changes: vec![(first, 6_000), (first + apart, 8_000)], ..daily_books(spent) };
            let made = polls(plan(Account::Registered, cost), books, start, 2.0 * DAY);
            prop_assert!(made.is_ok(), "spent at {}", made.unwrap_err() / HOUR);
        }

        #[test]
        fn a_licensed_account_polls_the_world_every_five_seconds(start in 0.0..DAY, phase in 0.0..HOUR) {
            let books = Books::new(14_400, HOUR, phase);
            let made = polls(plan(Account::Registered, 4), books, start, start + 6.0 * HOUR).unwrap();
            let seconds = 6.0 * HOUR / made.len() as f64;
            prop_assert!((4.99..5.01).contains(&seconds), "{seconds}");
        }
    }
}
