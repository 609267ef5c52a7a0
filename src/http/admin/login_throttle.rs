//! Slows down guessing of the admin token.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actors::domain::AddressBlock;

/// Counts wrong tokens by address, and blocks an address with too many of them for the rest of the window.
#[derive(Debug, Default)]
pub(crate) struct LoginThrottle(Mutex<HashMap<AddressBlock, Window>>);

#[derive(Debug)]
struct Window {
    since: Instant,
    failed: u32,
}

impl LoginThrottle {
    /// The number of wrong tokens within a window that blocks an address.
    pub(crate) const MAX_FAILURES: u32 = 10;
    pub(crate) const WINDOW: Duration = Duration::from_secs(60);
    /// The maximum number of addresses held in memory; beyond it, addresses that are not blocked are evicted first.
    const MAX_ADDRESSES: usize = 10_000;

    pub(crate) fn is_blocked(&self, address: AddressBlock, now: Instant) -> bool {
        let windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.get(&address).is_some_and(|window| window.lasts(now) && window.failed >= Self::MAX_FAILURES)
    }

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
    fn login_throttle_blocks_only_the_guessing_address() {
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
    fn memory_is_bounded() {
        let (throttle, now) = (LoginThrottle::default(), Instant::now());
        for number in 0..3 * LoginThrottle::MAX_ADDRESSES as u32 {
            throttle.record_failure(address(number), now);
        }
        assert!(throttle.0.lock().unwrap().len() <= LoginThrottle::MAX_ADDRESSES);
    }
}
