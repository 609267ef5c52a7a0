//! The state that all requests share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::credits::Credits;
use crate::faults::Faults;
use crate::feed::Feed;
use crate::options::{ClientCredentials, Options};
use crate::served::Served;
use crate::tokens::Tokens;

/// The simulator's state.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) credentials: Option<ClientCredentials>,
    pub(crate) token_life: Duration,
    pub(crate) faults: Faults,
    pub(crate) served: Option<Served>,
    pub(crate) counts: Counts,
    tokens: Mutex<Tokens>,
    credits: Mutex<Credits>,
    feed: Mutex<Feed>,
}

/// Numbers of requests received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Requests for a token.
    pub token: u64,
    /// Tokens issued.
    pub tokens_issued: u64,
    /// Requests for states.
    pub states: u64,
    /// Requests for states that were granted: neither rejected nor hit by an immediate fault.
    pub states_answered: u64,
}

/// Counters behind [`Requests`].
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) token: AtomicU64,
    pub(crate) tokens_issued: AtomicU64,
    pub(crate) states: AtomicU64,
    pub(crate) states_answered: AtomicU64,
}

impl Counts {
    pub(crate) fn read(&self) -> Requests {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Requests {
            token: read(&self.token),
            tokens_issued: read(&self.tokens_issued),
            states: read(&self.states),
            states_answered: read(&self.states_answered),
        }
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl State {
    pub(crate) fn new(options: Options, feed: Feed) -> Self {
        Self {
            clock: options.clock,
            credentials: options.credentials,
            token_life: options.token_life,
            faults: Faults::new(options.seed),
            served: options.remember_served.map(Served::new),
            counts: Counts::default(),
            tokens: Mutex::default(),
            credits: Mutex::new(Credits::new(options.daily_credits, options.account_refill)),
            feed: Mutex::new(feed),
        }
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn credits(&self) -> MutexGuard<'_, Credits> {
        self.credits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn feed(&self) -> MutexGuard<'_, Feed> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
