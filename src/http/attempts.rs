//! Slowing down who guesses the admin token.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actors::domain::AddressBlock;

/// Wrong tokens by address. Past a number of them within a minute an address is not listened to for the rest of it.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<AddressBlock, Window>>);

#[derive(Debug)]
struct Window {
    since: Instant,
    failed: u32,
}

impl Attempts {
    /// Wrong tokens a minute.
    pub(super) const MOST: u32 = 10;
    /// How long they count.
    pub(super) const WINDOW: Duration = Duration::from_secs(60);
    /// Addresses that are remembered; of more than these the ones with the fewest wrong tokens are forgotten.
    const MOST_ADDRESSES: usize = 10_000;

    /// Whether the address has used up its attempts.
    pub(super) fn are_used_up(&self, address: AddressBlock, now: Instant) -> bool {
        let windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.get(&address).is_some_and(|window| window.lasts(now) && window.failed >= Self::MOST)
    }

    /// A wrong token came from the address.
    pub(super) fn failed(&self, address: AddressBlock, now: Instant) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= Self::MOST_ADDRESSES {
            windows.retain(|_, window| window.lasts(now));
        }
        if windows.len() >= Self::MOST_ADDRESSES {
            windows.retain(|_, window| window.failed >= Self::MOST);
        }
        if windows.len() >= Self::MOST_ADDRESSES {
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
        now.duration_since(self.since) < Attempts::WINDOW
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
        let (attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..Attempts::MOST {
            assert!(!attempts.are_used_up(address(1), now));
            attempts.failed(address(1), now);
        }
        assert!(attempts.are_used_up(address(1), now) && !attempts.are_used_up(address(2), now));
        let later = now + Attempts::WINDOW;
        assert!(!attempts.are_used_up(address(1), later));
        attempts.failed(address(1), later);
        assert!(!attempts.are_used_up(address(1), later));
    }

    #[test]
    fn it_stays_bounded() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for number in 0..3 * Attempts::MOST_ADDRESSES as u32 {
            attempts.failed(address(number), now);
        }
        assert!(attempts.0.lock().unwrap().len() <= Attempts::MOST_ADDRESSES);
    }
}
