//! Draws which faults strike and when from a seed, so that a run can be repeated.

use std::fmt;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};

use crate::faults::{Area, Fault};

/// The rounds of the short form, in this order: one fault of each kind, and the most likely ones.
const SHORT: [&[Fault]; 12] = [
    &[Fault::KillStorer],
    &[Fault::PostgresKilled, Fault::KillCollector],
    &[Fault::PanicDbWriter],
    &[Fault::StorerDiesAfterCommit],
    &[Fault::KafkaReset],
    &[Fault::StopStorer],
    &[Fault::Garbage],
    &[Fault::NoConnections],
    &[Fault::SourceMalformed, Fault::PanicProducer],
    &[Fault::PostgresSilent],
    &[Fault::Retention],
    &[Fault::StopCollector],
];

/// The sequence of rounds of a run.
pub(crate) struct Plan {
    seed: u64,
    length: Length,
    faults: Vec<Fault>,
    /// The faults that have not been drawn yet. Refilled once it is empty, so that every fault gets its turn.
    bag: Vec<Fault>,
    outage: Option<Duration>,
    rng: StdRng,
    rounds: usize,
    began: Instant,
    pub(crate) aircraft: usize,
    /// Runs without faults and without the `poll-pause` failpoint, so the program polls only as often as OpenSky's data
    /// changes.
    pub(crate) calm: bool,
}

enum Length {
    /// Runs the rounds of `SHORT`.
    Short,
    /// Runs as many rounds as fit into this time.
    For(Duration),
}

/// Faults that strike one after another. All of them are mended only after the last one has struck.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) faults: Vec<Fault>,
    /// How long the last fault lasts.
    pub(crate) outage: Duration,
    /// The pause between one fault and the next.
    pub(crate) apart: Duration,
    /// Random bits that choose between equivalent targets, such as one of the two storing processes.
    pub(crate) random_bits: u64,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str) -> Option<u64> {
    variable(name).map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}")))
}

impl Plan {
    /// Reads `CHAOS_MINUTES` (default: the short form), `CHAOS_SEED` (default: fixed for the short form, random
    /// otherwise), `CHAOS_FAULTS` (names, `all` or `none`; default: `all`), `CHAOS_OUTAGE` (seconds; default: drawn)
    /// and `CHAOS_AIRCRAFT`.
    pub(crate) fn from_environment() -> Self {
        let minutes = number("CHAOS_MINUTES");
        let seed =
            number("CHAOS_SEED").unwrap_or_else(|| if minutes.is_some() { rand::random::<u32>().into() } else { 8 });
        let faults = match variable("CHAOS_FAULTS").as_deref() {
            None | Some("all") => Fault::ALL.to_vec(),
            Some("none") => Vec::new(),
            Some(names) => names.split(',').map(|name| Fault::named(name.trim())).collect(),
        };
        Self {
            seed,
            length: minutes.map_or(Length::Short, |minutes| Length::For(Duration::from_secs(minutes * 60))),
            faults,
            bag: Vec::new(),
            outage: number("CHAOS_OUTAGE").map(Duration::from_secs),
            rng: StdRng::seed_from_u64(seed),
            rounds: 0,
            began: Instant::now(),
            aircraft: number("CHAOS_AIRCRAFT").map_or(500, |aircraft| usize::try_from(aircraft).unwrap()),
            calm: false,
        }
    }

    /// Plans a run without faults for `SOAK_MINUTES` (default: one), with 2,000 states a second: 10,000 aircraft, each
    /// with a new state every 5 s.
    pub(crate) fn soak() -> Self {
        let minutes = number("SOAK_MINUTES").unwrap_or(1);
        Self {
            seed: 0,
            length: Length::For(Duration::from_secs(minutes * 60)),
            faults: Vec::new(),
            bag: Vec::new(),
            outage: Some(Duration::from_secs(5)),
            rng: StdRng::seed_from_u64(0),
            rounds: 0,
            began: Instant::now(),
            aircraft: 10_000,
            calm: true,
        }
    }

    /// Returns how long to watch whole servers in a single process: `SOAK_MINUTES`, or by default the shortest time
    /// that gives a meaningful result.
    pub(crate) fn single_processes() -> Duration {
        number("SOAK_MINUTES").map_or(Duration::from_secs(20), |minutes| Duration::from_secs(minutes * 60))
    }

    /// Returns the planned length of the run, which is zero for the short form.
    pub(crate) fn length(&self) -> Duration {
        match self.length {
            Length::Short => Duration::ZERO,
            Length::For(time) => time,
        }
    }

    /// Returns the next round, or `None` once the run is over.
    pub(crate) fn next_round(&mut self) -> Option<Round> {
        let faults = match &self.length {
            Length::Short => SHORT.get(self.rounds)?.to_vec(),
            Length::For(time) if self.began.elapsed() >= *time => return None,
            Length::For(_) => self.draw(),
        };
        self.rounds += 1;
        let longest = if matches!(self.length, Length::Short) { 3_000 } else { 12_000 };
        let drawn = Duration::from_millis(self.rng.random_range(1_000..longest));
        Some(Round {
            faults,
            outage: self.outage.unwrap_or(drawn),
            apart: Duration::from_millis(self.rng.random_range(0..2_000)),
            random_bits: self.rng.random(),
        })
    }

    /// Draws the next fault from the bag, and sometimes a second one that affects another area.
    fn draw(&mut self) -> Vec<Fault> {
        if self.bag.is_empty() {
            self.bag.clone_from(&self.faults);
            self.bag.shuffle(&mut self.rng);
        }
        let Some(first) = self.bag.pop() else { return Vec::new() };
        let mut drawn = vec![first];
        if first.area() != Area::Alone && self.rng.random_bool(0.4) {
            let others: Vec<_> = self.faults.iter().copied().filter(|other| first.is_compatible_with(*other)).collect();
            drawn.extend(others.choose(&mut self.rng));
        }
        drawn
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<_> = self.faults.iter().map(|fault| fault.name()).collect();
        match self.length {
            Length::Short => write!(f, "the short form, {} rounds, SEED={}", SHORT.len(), self.seed),
            Length::For(time) if self.calm => {
                write!(f, "MINUTES={}, {} aircraft", time.as_secs() / 60, self.aircraft)
            }
            Length::For(time) => {
                write!(
                    f,
                    "MINUTES={} SEED={} AIRCRAFT={} FAULTS={}",
                    time.as_secs() / 60,
                    self.seed,
                    self.aircraft,
                    faults.join(",")
                )
            }
        }
    }
}
