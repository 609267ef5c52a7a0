//! The state that all requests share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::community_gate::CommunityGate;
use crate::credits::Credits;
use crate::doors::Receiver;
use crate::faults::{Faults, Target};
use crate::feed::Feed;
use crate::options::{ClientCredentials, Options};
use crate::served::Served;
use crate::sky::Sky;
use crate::tokens::Tokens;

/// The simulator's state.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) credentials: Option<ClientCredentials>,
    pub(crate) token_life: Duration,
    pub(crate) faults: Faults,
    pub(crate) counts: Counts,
    /// `None` if responses are recorded.
    pub(crate) sky: Option<Sky>,
    pub(crate) receiver: Receiver,
    pub(crate) community: CommunityGate,
    served: BTreeMap<Target, Served>,
    /// The times at which targets stand still because of a fault, in Unix milliseconds.
    stale_since: Mutex<BTreeMap<Target, i64>>,
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
    /// Requests for `aircraft.json`.
    pub aircraft_json: u64,
    /// Requests to the community's API.
    pub v2: u64,
    /// Connections accepted by the SBS port.
    pub sbs: u64,
    /// Connections accepted by the Beast port.
    pub beast: u64,
}

/// Counters behind [`Requests`].
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) token: AtomicU64,
    pub(crate) tokens_issued: AtomicU64,
    pub(crate) states: AtomicU64,
    pub(crate) states_answered: AtomicU64,
    pub(crate) aircraft_json: AtomicU64,
    pub(crate) v2: AtomicU64,
    pub(crate) sbs: AtomicU64,
    pub(crate) beast: AtomicU64,
}

impl Counts {
    pub(crate) fn read(&self) -> Requests {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Requests {
            token: read(&self.token),
            tokens_issued: read(&self.tokens_issued),
            states: read(&self.states),
            states_answered: read(&self.states_answered),
            aircraft_json: read(&self.aircraft_json),
            v2: read(&self.v2),
            sbs: read(&self.sbs),
            beast: read(&self.beast),
        }
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl State {
    pub(crate) fn new(options: Options, feed: Feed) -> Self {
        let now = options.clock.now_millis();
        let targets = [Target::States, Target::AircraftJson, Target::V2, Target::Sbs, Target::Beast];
        let served = options.remember_served.map(|limit| targets.map(|target| (target, Served::new(limit))));
        Self {
            sky: feed.world().map(|world| Sky::new(world, &options.receiver, now)),
            receiver: options.receiver,
            community: CommunityGate::new(options.community),
            stale_since: Mutex::default(),
            clock: options.clock,
            credentials: options.credentials,
            token_life: options.token_life,
            faults: Faults::new(options.seed),
            served: served.into_iter().flatten().collect(),
            counts: Counts::default(),
            tokens: Mutex::default(),
            credits: Mutex::new(Credits::new(options.daily_credits, options.account_refill)),
            feed: Mutex::new(feed),
        }
    }

    /// Returns the time that a response tells, in Unix milliseconds: `now`, or when the target became stale.
    pub(crate) fn time_of(&self, target: Target, is_stale: bool, now: i64) -> i64 {
        let mut since = self.stale_since.lock().unwrap_or_else(PoisonError::into_inner);
        if is_stale {
            return *since.entry(target).or_insert(now);
        }
        since.remove(&target);
        now
    }

    /// Records address and time of what was sent, if recording is enabled.
    pub(crate) fn record(&self, target: Target, states: &[(u32, i64)]) {
        if let Some(served) = self.served(target) {
            served.record(states);
        }
    }

    /// Returns the record of a target; `None` if recording is disabled.
    pub(crate) fn served(&self, target: Target) -> Option<&Served> {
        self.served.get(&target)
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
