//! What a day's requests may cost, and what they do.

use std::collections::HashMap;

use crate::query::BoundingBox;

const DAY: i64 = 86_400;

/// Consumers that are told apart; the others share one account.
const MOST_CONSUMERS: usize = 1_024;

/// Credits a day; they come back at midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyCredits {
    /// Of each address without a token.
    pub anonymous: u32,
    /// Of each account.
    pub account: u32,
}

impl Default for DailyCredits {
    /// OpenSky's 400 without a token; with one, more than any plan for the rest of a day can spend.
    fn default() -> Self {
        Self { anonymous: 400, account: 1_000_000 }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Consumer {
    /// By the address that the request came from.
    Anonymous(String),
    /// By the client's id.
    Account(String),
    /// Whoever comes when too many are known already.
    Others,
}

/// A request was one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    /// Credits that are left, too few for this request.
    pub(crate) remaining: u32,
    /// Seconds until there are new ones.
    pub(crate) retry_after: i64,
}

/// The accounts of one day.
#[derive(Debug)]
pub(crate) struct Credits {
    daily: DailyCredits,
    day: i64,
    spent: HashMap<Consumer, u32>,
}

impl Credits {
    pub(crate) fn new(daily: DailyCredits) -> Self {
        Self { daily, day: i64::MIN, spent: HashMap::new() }
    }

    /// Takes what a request costs and tells what is left.
    pub(crate) fn spend(&mut self, consumer: Consumer, cost: u32, now: i64) -> Result<u32, Spent> {
        if now.div_euclid(DAY) != self.day {
            self.day = now.div_euclid(DAY);
            self.spent.clear();
        }
        let allowance = match consumer {
            Consumer::Account(_) => self.daily.account,
            Consumer::Anonymous(_) | Consumer::Others => self.daily.anonymous,
        };
        let full = self.spent.len() >= MOST_CONSUMERS && !self.spent.contains_key(&consumer);
        let spent = self.spent.entry(if full { Consumer::Others } else { consumer }).or_insert(0);
        let remaining = allowance.saturating_sub(*spent);
        if remaining < cost {
            return Err(Spent { remaining, retry_after: DAY - now.rem_euclid(DAY) });
        }
        *spent += cost;
        Ok(remaining - cost)
    }
}

/// What a request costs by its area in square degrees: 1 up to 25, 2 up to 100, 3 up to 400, 4 above and for the world.
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
    fn a_request_costs_what_its_area_costs() {
        for (lamax, lomax, expected) in
            [(5.0, 5.0, 1), (5.0, 5.1, 2), (10.0, 10.0, 2), (20.0, 20.0, 3), (20.0, 21.0, 4)]
        {
            let bounding_box = BoundingBox { lamin: 0.0, lomin: 0.0, lamax, lomax };
            assert_eq!(cost(Some(&bounding_box)), expected, "{bounding_box:?}");
        }
        assert_eq!(cost(None), 4);
    }

    #[test]
    fn credits_end_and_come_back_at_midnight() {
        let mut credits = Credits::new(DailyCredits { anonymous: 5, account: 9 });
        let me = || Consumer::Anonymous("127.0.0.1".to_owned());
        let evening = 20_000 * DAY - 60;
        assert_eq!(credits.spend(me(), 4, evening), Ok(1));
        assert_eq!(credits.spend(me(), 4, evening), Err(Spent { remaining: 1, retry_after: 60 }));
        assert_eq!(credits.spend(me(), 1, evening), Ok(0));
        assert_eq!(credits.spend(Consumer::Account("a".to_owned()), 4, evening), Ok(5));
        assert_eq!(credits.spend(me(), 4, evening + 60), Ok(1));
    }

    #[test]
    fn a_crowd_shares_one_account_at_last() {
        let mut credits = Credits::new(DailyCredits { anonymous: 4, account: 4 });
        for i in 0..MOST_CONSUMERS {
            assert!(credits.spend(Consumer::Anonymous(i.to_string()), 4, 0).is_ok());
        }
        assert!(credits.spend(Consumer::Anonymous("one".to_owned()), 4, 0).is_ok());
        assert!(credits.spend(Consumer::Anonymous("two".to_owned()), 4, 0).is_err());
        assert!(credits.spent.len() <= MOST_CONSUMERS + 1);
    }
}
