use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Clock;
use crate::credits::{DailyCredits, Refill};
use crate::doors::{Beast, Community, Receiver, Sbs};

/// Maximum number of aircraft: with more, the address blocks would run out.
const MAX_AIRCRAFT: usize = 100_000;

/// Options of the simulator.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on; port 0 picks a free port.
    pub address: SocketAddr,
    /// The source of the state vectors.
    pub source: SkySource,
    /// Approximate number of aircraft at any time, including those on the ground; at most 100,000.
    pub aircraft: usize,
    /// Seed of the random generator; equal seeds produce equal worlds.
    pub seed: u64,
    /// Time-lapse factor for aircraft movement, from 0.1 to 100. It changes neither the times in the responses, which
    /// follow the clock, nor the ground speeds in the rows, which stay physical.
    pub speed: f64,
    /// Which aircraft change between polls.
    pub changes: Changes,
    /// Fraction of flights that end with an emergency squawk, 0 to 1.
    pub emergencies: f64,
    /// The credentials that get a token; `None`: any.
    pub credentials: Option<ClientCredentials>,
    /// Lifetime of a token, in whole seconds.
    pub token_life: Duration,
    /// Credits granted per refill.
    pub daily_credits: DailyCredits,
    /// When the credits of an account are refilled.
    pub account_refill: Refill,
    /// The receiver whose messages `aircraft.json`, SBS and Beast tell. Recorded responses have none.
    pub receiver: Receiver,
    /// The port with the receiver's messages in SBS-1 format; `None`: closed.
    pub sbs: Option<Sbs>,
    /// The port with the receiver's messages in Beast format; `None`: closed.
    pub beast: Option<Beast>,
    /// The API of a community of receivers.
    pub community: Community,
    /// Maximum number of distinct (icao24, last_contact) pairs to record of each target; `None`: record nothing.
    pub remember_served: Option<usize>,
    /// The time source.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            source: SkySource::Generated,
            aircraft: 2_000,
            seed: 1,
            speed: 1.0,
            changes: Changes::Natural,
            emergencies: 0.001,
            credentials: None,
            token_life: Duration::from_secs(30 * 60),
            daily_credits: DailyCredits::default(),
            account_refill: Refill::default(),
            receiver: Receiver::default(),
            sbs: None,
            beast: None,
            community: Community::default(),
            remember_served: None,
            clock: Clock::System,
        }
    }
}

impl Options {
    /// Valid values of `speed`.
    pub const SPEEDS: RangeInclusive<f64> = 0.1..=100.0;

    /// Validates the options.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.aircraft > MAX_AIRCRAFT {
            return Err(format!("aircraft must be at most {MAX_AIRCRAFT}, not {}", self.aircraft));
        }
        if !Self::SPEEDS.contains(&self.speed) {
            return Err(format!("speed must be from 0.1 to 100, not {}", self.speed));
        }
        if !(0.0..=1.0).contains(&self.emergencies) {
            return Err(format!("emergencies must be from 0 to 1, not {}", self.emergencies));
        }
        self.receiver.check()?;
        if matches!(self.source, SkySource::Recorded { .. }) && (self.sbs.is_some() || self.beast.is_some()) {
            return Err("recorded states have no receiver: SBS and Beast need generated flights".to_owned());
        }
        if matches!(&self.source, SkySource::Recorded { files, .. } if files.is_empty()) {
            return Err("a recorded source needs at least one file".to_owned());
        }
        Ok(())
    }
}

/// The source of the state vectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SkySource {
    /// Aircraft that fly great circles between real airports.
    #[default]
    Generated,
    /// Recorded responses of `/states/all`, one per poll.
    Recorded {
        /// Files with one response each, served in this order.
        files: Vec<PathBuf>,
        /// Whether to shift every time of a response by the same amount, so that its `time` is now.
        shift_times: bool,
        /// What to do after the last file.
        after_last: AfterLast,
    },
}

/// What a recorded source does after it has served all its files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterLast {
    /// Starts over with the first file.
    #[default]
    Cycle,
    /// Keeps serving the last file.
    Hold,
}

/// Which aircraft change between polls.
///
/// All variants except `Natural` are for benchmarks and tests: they serve exactly `aircraft` rows, none of which ever
/// disappears. Every answered request counts as a poll and is dated at least one second after the previous one, so
/// with faster polling the response time runs ahead of the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Changes {
    /// Most aircraft were heard within the last few seconds, some are silent for a while; flights begin and end.
    #[default]
    Natural,
    /// All aircraft change at every poll.
    All,
    /// This many aircraft change at each poll, in turn; all of them at the first poll.
    Exactly(usize),
}

/// OAuth2 client credentials. `Debug` omits the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    /// The client ID.
    pub id: String,
    /// The client secret.
    pub secret: String,
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials").field("id", &self.id).finish_non_exhaustive()
    }
}
