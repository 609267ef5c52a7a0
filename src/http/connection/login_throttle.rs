//! Slowing down who guesses the admin token.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actors::domain::AddressBlock;

/// Wrong tokens by address. Past a number of them within a minute an address is not listened to for the rest of it.
#[derive(Debug, Default)]
pub struct LoginThrottle(Mutex<HashMap<AddressBlock, Window>>);

#[derive(Debug)]
struct Window {
    since: Instant,
    failed: u32,
}

impl LoginThrottle {
    /// Wrong tokens a minute.
    pub(crate) const MAX_FAILURES: u32 = 10;
    /// How long they count.
    pub(crate) const WINDOW: Duration = Duration::from_secs(60);
    /// Addresses that are remembered; of more than these the ones with the fewest wrong tokens are forgotten.
    const MAX_ADDRESSES: usize = 10_000;

    /// Whether the address has used up its attempts.
    pub(crate) fn is_blocked(&self, address: AddressBlock, now: Instant) -> bool {
        let windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.get(&address).is_some_and(|window| window.lasts(now) && window.failed >= Self::MAX_FAILURES)
    }

    /// A wrong token came from the address.
    pub(crate) fn record_failure(&self, address: AddressBlock, now: Instant) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= Self::MAX_ADDRESSES {
            windows.retain(|_, window| window.lasts(now));
        }
        if windows.len() >= Self::MAX_ADDRESSES {
            windows.retain(|_, window| window.failed >= Self::MAX_FAILURES);
        }
        if windows.len() >= Self::MAX_ADDRESSES {
            windows.clear();
        }
        let window = windows.entry(address).or_insert(Window { since: now, failed: 0 });
        if !window.lasts(now) {
            *window = Window { since: now, failed: 0 };
        }
        window.failed += 1;
    }
}

impl Window {
    fn lasts(&self, now: Instant) -> bool {
        now.duration_since(self.since) < LoginThrottle::WINDOW
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn address(number: u32) -> AddressBlock {
        IpAddr::V4(number.into()).into()
    }

    #[test]
    fn an_address_has_some_attempts_a_minute_and_others_have_their_own() {
        let (throttle, now) = (LoginThrottle::default(), Instant::now());
        for _ in 0..LoginThrottle::MAX_FAILURES {
            assert!(!throttle.is_blocked(address(1), now));
            throttle.record_failure(address(1), now);
        }
        assert!(throttle.is_blocked(address(1), now) && !throttle.is_blocked(address(2), now));
        let later = now + LoginThrottle::WINDOW;
        assert!(!throttle.is_blocked(address(1), later));
        throttle.record_failure(address(1), later);
        assert!(!throttle.is_blocked(address(1), later));
    }

    #[test]
    fn it_stays_bounded() {
        let (throttle, now) = (LoginThrottle::default(), Instant::now());
        for number in 0..3 * LoginThrottle::MAX_ADDRESSES as u32 {
            throttle.record_failure(address(number), now);
        }
        assert!(throttle.0.lock().unwrap().len() <= LoginThrottle::MAX_ADDRESSES);
    }
}
