//! Credit accounting: what a request costs, and how many credits each consumer has left.

use std::collections::HashMap;

use crate::query::BoundingBox;

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// Maximum number of consumers tracked individually; the rest share one account.
const MAX_CONSUMERS: usize = 1_024;

/// Credits granted per refill. Anonymous credits are refilled at midnight UTC; for accounts see [`Refill`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyCredits {
    /// Credits of each address that sends no token.
    pub anonymous: u32,
    /// Credits of each account.
    pub account: u32,
}

impl Default for DailyCredits {
    /// 400 for anonymous clients, as OpenSky grants; for accounts more than any poll schedule can spend in a day.
    fn default() -> Self {
        Self { anonymous: 400, account: 1_000_000 }
    }
}

/// When the credits of an account are refilled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refill {
    /// At midnight UTC.
    #[default]
    Daily,
    /// At each full hour, as for OpenSky's licensed users.
    Hourly,
}

/// The client that a request is charged to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Consumer {
    /// A client without a token, identified by its IP address.
    Anonymous(String),
    /// A client with a token, identified by its client ID.
    Account(String),
    /// All clients beyond [`MAX_CONSUMERS`].
    Others,
}

/// A request exceeds the remaining credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CreditsExhausted {
    /// Remaining credits, too few for this request.
    pub(crate) remaining: u32,
    /// Seconds until the next refill.
    pub(crate) retry_after: i64,
}

/// Tracks what each consumer has spent; reset at the end of the day.
#[derive(Debug)]
pub(crate) struct Credits {
    daily: DailyCredits,
    refill: Refill,
    day: i64,
    spent: HashMap<Consumer, Spending>,
}

/// What one consumer has spent since the last refill.
#[derive(Debug, Default)]
struct Spending {
    period: i64,
    credits: u32,
}

impl Credits {
    /// Creates full accounts; `refill` applies to accounts only, anonymous credits are refilled daily.
    pub(crate) fn new(daily: DailyCredits, refill: Refill) -> Self {
        Self { daily, refill, day: i64::MIN, spent: HashMap::new() }
    }

    /// Deducts the cost of a request and returns the remaining credits.
    pub(crate) fn spend(&mut self, consumer: Consumer, cost: u32, now: i64) -> Result<u32, CreditsExhausted> {
        if now.div_euclid(DAY) != self.day {
            self.day = now.div_euclid(DAY);
            self.spent.clear();
        }
        let (allowance, seconds) = match (&consumer, self.refill) {
            (Consumer::Account(_), Refill::Hourly) => (self.daily.account, HOUR),
            (Consumer::Account(_), Refill::Daily) => (self.daily.account, DAY),
            (Consumer::Anonymous(_) | Consumer::Others, _) => (self.daily.anonymous, DAY),
        };
        let is_full = self.spent.len() >= MAX_CONSUMERS && !self.spent.contains_key(&consumer);
        let spent = self.spent.entry(if is_full { Consumer::Others } else { consumer }).or_default();
        let period = now.div_euclid(seconds);
        if spent.period != period {
            *spent = Spending { period, credits: 0 };
        }
        let remaining = allowance.saturating_sub(spent.credits);
        if remaining < cost {
            return Err(CreditsExhausted { remaining, retry_after: seconds - now.rem_euclid(seconds) });
        }
        spent.credits += cost;
        Ok(remaining - cost)
    }
}

/// Returns a request's cost by its area in square degrees: 1 up to 25, 2 up to 100, 3 up to 400, 4 above that and for
/// the whole world.
pub(crate) fn cost(bounding_box: Option<&BoundingBox>) -> u32 {
    match bounding_box.map(BoundingBox::square_degrees) {
        Some(area) if area <= 25.0 => 1,
        Some(area) if area <= 100.0 => 2,
        Some(area) if area <= 400.0 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_a_request_depends_on_its_area() {
        for (lamax, lomax, expected) in
            [(5.0, 5.0, 1), (5.0, 5.1, 2), (10.0, 10.0, 2), (20.0, 20.0, 3), (20.0, 21.0, 4)]
        {
            let bounding_box = BoundingBox { lamin: 0.0, lomin: 0.0, lamax, lomax };
            assert_eq!(cost(Some(&bounding_box)), expected, "{bounding_box:?}");
        }
        assert_eq!(cost(None), 4);
    }

    #[test]
    fn spent_credits_are_refilled_at_midnight() {
        let mut credits = Credits::new(DailyCredits { anonymous: 5, account: 9 }, Refill::Daily);
        let me = || Consumer::Anonymous("127.0.0.1".to_owned());
        let evening = 20_000 * DAY - 60;
        assert_eq!(credits.spend(me(), 4, evening), Ok(1));
        assert_eq!(credits.spend(me(), 4, evening), Err(CreditsExhausted { remaining: 1, retry_after: 60 }));
        assert_eq!(credits.spend(me(), 1, evening), Ok(0));
        assert_eq!(credits.spend(Consumer::Account("a".to_owned()), 4, evening), Ok(5));
        assert_eq!(credits.spend(me(), 4, evening + 60), Ok(1));
    }

    #[test]
    fn hourly_credits_are_refilled_at_the_full_hour_for_accounts_only() {
        let mut credits = Credits::new(DailyCredits { anonymous: 4, account: 4 }, Refill::Hourly);
        let account = || Consumer::Account("a".to_owned());
        let anonymous = || Consumer::Anonymous("127.0.0.1".to_owned());
        let noon = 20_000 * DAY + DAY / 2;
        for consumer in [account(), anonymous()] {
            assert_eq!(credits.spend(consumer, 4, noon), Ok(0));
        }
        assert_eq!(
            credits.spend(account(), 1, noon + 10),
            Err(CreditsExhausted { remaining: 0, retry_after: HOUR - 10 })
        );
        assert_eq!(credits.spend(account(), 4, noon + HOUR), Ok(0));
        assert_eq!(credits.spend(anonymous(), 4, noon + HOUR).unwrap_err().retry_after, DAY / 2 - HOUR);
    }

    #[test]
    fn consumers_beyond_the_maximum_share_one_account() {
        let mut credits = Credits::new(DailyCredits { anonymous: 4, account: 4 }, Refill::Daily);
        for i in 0..MAX_CONSUMERS {
            assert!(credits.spend(Consumer::Anonymous(i.to_string()), 4, 0).is_ok());
        }
        assert!(credits.spend(Consumer::Anonymous("one".to_owned()), 4, 0).is_ok());
        assert!(credits.spend(Consumer::Anonymous("two".to_owned()), 4, 0).is_err());
        assert!(credits.spent.len() <= MAX_CONSUMERS + 1);
    }
}
