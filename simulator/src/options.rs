use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Clock;
use crate::credits::{DailyCredits, Refill};

/// More aircraft than this are refused: the address blocks would run out.
const MOST_AIRCRAFT: usize = 100_000;

/// What the stand-in does.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Where the states come from.
    pub source: Source,
    /// About how many aircraft there are at any time, on the ground included; at most 100,000.
    pub aircraft: usize,
    /// The same seed makes the same world.
    pub seed: u64,
    /// How many times as fast as in reality the aircraft move. The times in the responses are the clock's all the same,
    /// and the speeds in the rows are the physical ones. From 0.1 to 100.
    pub speed: f64,
    /// Which aircraft have news at a poll.
    pub changes: Changes,
    /// The share of flights that end with an emergency squawk, 0 to 1.
    pub emergencies: f64,
    /// Who gets a token; `None`: everybody.
    pub credentials: Option<Credentials>,
    /// How long a token lives, in whole seconds.
    pub token_life: Duration,
    /// How many credits there are until the next refill.
    pub daily_credits: DailyCredits,
    /// When the credits of an account are refilled.
    pub account_refill: Refill,
    /// How many distinct (icao24, last_contact) to remember; `None`: none at all.
    pub remember_served: Option<usize>,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            source: Source::Generated,
            aircraft: 2_000,
            seed: 1,
            speed: 1.0,
            changes: Changes::Natural,
            emergencies: 0.001,
            credentials: None,
            token_life: Duration::from_secs(30 * 60),
            daily_credits: DailyCredits::default(),
            account_refill: Refill::default(),
            remember_served: None,
            clock: Clock::System,
        }
    }
}

impl Options {
    /// What `speed` may be.
    pub const SPEEDS: RangeInclusive<f64> = 0.1..=100.0;

    /// Says what is wrong with them, if anything is.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.aircraft > MOST_AIRCRAFT {
            return Err(format!("aircraft must be at most {MOST_AIRCRAFT}, not {}", self.aircraft));
        }
        if !Self::SPEEDS.contains(&self.speed) {
            return Err(format!("speed must be from 0.1 to 100, not {}", self.speed));
        }
        if !(0.0..=1.0).contains(&self.emergencies) {
            return Err(format!("emergencies must be from 0 to 1, not {}", self.emergencies));
        }
        if matches!(&self.source, Source::Recorded { files, .. } if files.is_empty()) {
            return Err("a recorded source needs at least one file".to_owned());
        }
        Ok(())
    }
}

/// Where the states come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Aircraft that fly great circles between real airports.
    #[default]
    Generated,
    /// Recorded responses of `/states/all`, one for each poll.
    Recorded {
        /// One response each, in this order.
        files: Vec<PathBuf>,
        /// Whether every time of a response moves by the amount that makes its `time` now.
        shift_times: bool,
        /// What follows the last one.
        after_last: AfterLast,
    },
}

/// What a recorded source does when it has served all its files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterLast {
    /// Begins again.
    #[default]
    Cycle,
    /// Serves the last one on and on.
    Hold,
}

/// Which aircraft have news at a poll. All but the natural way are for benchmarks and tests: exactly `aircraft` rows, none
/// of which ever leaves, and every answered request is a poll, at least one second later than the one before: under
/// faster polling the responses' time runs ahead of the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Changes {
    /// Most were heard in the last seconds, some are silent for a while; flights begin and end.
    #[default]
    Natural,
    /// All of them.
    All,
    /// As many as this, in turn; all at the first poll.
    Exactly(usize),
}

/// An OAuth2 client. Its `Debug` leaves the secret out.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The client's id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("id", &self.id).finish_non_exhaustive()
    }
}
