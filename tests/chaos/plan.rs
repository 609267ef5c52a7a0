//! Which faults strike when: drawn from a seed, so that a run can be had again.

use std::fmt;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};

use crate::faults::{Area, Fault};

/// What the short form goes through, in this order: one of each kind, and what is most likely to happen.
const SHORT: [&[Fault]; 12] = [
    &[Fault::KillStorer],
    &[Fault::PostgresKilled, Fault::KillCollector],
    &[Fault::PanicDbWriter],
    &[Fault::StorerDiesAfterCommit],
    &[Fault::KafkaReset],
    &[Fault::StopStorer],
    &[Fault::Garbage],
    &[Fault::NoConnections],
    &[Fault::SourceNonsense, Fault::PanicProducer],
    &[Fault::PostgresSilent],
    &[Fault::Retention],
    &[Fault::StopCollector],
];

/// The rounds of a run.
pub(crate) struct Plan {
    seed: u64,
    length: Length,
    faults: Vec<Fault>,
    /// Those that have not had their turn since all had.
    bag: Vec<Fault>,
    outage: Option<Duration>,
    dice: StdRng,
    rounds: usize,
    began: Instant,
    pub(crate) aircraft: usize,
    /// Nothing is to break: the program is as it is anywhere, and asks as often as OpenSky would want.
    pub(crate) calm: bool,
}

enum Length {
    /// The rounds of `SHORT`.
    Short,
    /// As many as fit.
    For(Duration),
}

/// Faults that strike one after another before the first of them is mended.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) faults: Vec<Fault>,
    /// How long the last of them lasts.
    pub(crate) outage: Duration,
    /// From one to the next.
    pub(crate) apart: Duration,
    /// What chooses among equals.
    pub(crate) luck: u64,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str) -> Option<u64> {
    variable(name).map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

impl Plan {
    /// `CHAOS_MINUTES` (none: the short form), `CHAOS_SEED` (none: another one each time), `CHAOS_FAULTS` (names, `all` or
    /// `none`), `CHAOS_OUTAGE` (seconds; none: drawn) and `CHAOS_AIRCRAFT`.
    pub(crate) fn of_environment() -> Self {
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
            dice: StdRng::seed_from_u64(seed),
            rounds: 0,
            began: Instant::now(),
            aircraft: number("CHAOS_AIRCRAFT").map_or(500, |aircraft| usize::try_from(aircraft).unwrap()),
            calm: false,
        }
    }

    /// `SOAK_MINUTES` (none: one) without a fault, with 2,000 states a second: 10,000 aircraft, each with news every 5 s.
    pub(crate) fn of_a_soak() -> Self {
        let minutes = number("SOAK_MINUTES").unwrap_or(1);
        Self {
            seed: 0,
            length: Length::For(Duration::from_secs(minutes * 60)),
            faults: Vec::new(),
            bag: Vec::new(),
            outage: Some(Duration::from_secs(5)),
            dice: StdRng::seed_from_u64(0),
            rounds: 0,
            began: Instant::now(),
            aircraft: 10_000,
            calm: true,
        }
    }

    /// How long whole servers in one process are watched: `SOAK_MINUTES`, and without it as briefly as tells anything.
    pub(crate) fn single_processes() -> Duration {
        number("SOAK_MINUTES").map_or(Duration::from_secs(20), |minutes| Duration::from_secs(minutes * 60))
    }

    /// How long it was to be.
    pub(crate) fn length(&self) -> Duration {
        match self.length {
            Length::Short => Duration::ZERO,
            Length::For(time) => time,
        }
    }

    /// The next round, while there is time for one.
    pub(crate) fn next_round(&mut self) -> Option<Round> {
        let faults = match &self.length {
            Length::Short => SHORT.get(self.rounds)?.to_vec(),
            Length::For(time) if self.began.elapsed() >= *time => return None,
            Length::For(_) => self.draw(),
        };
        self.rounds += 1;
        let longest = if matches!(self.length, Length::Short) { 3_000 } else { 12_000 };
        let drawn = Duration::from_millis(self.dice.random_range(1_000..longest));
        Some(Round {
            faults,
            outage: self.outage.unwrap_or(drawn),
            apart: Duration::from_millis(self.dice.random_range(0..2_000)),
            luck: self.dice.random(),
        })
    }

    /// One fault, in turn, or two of which each strikes something else.
    fn draw(&mut self) -> Vec<Fault> {
        if self.bag.is_empty() {
            self.bag.clone_from(&self.faults);
            self.bag.shuffle(&mut self.dice);
        }
        let Some(first) = self.bag.pop() else { return Vec::new() };
        let mut drawn = vec![first];
        if first.area() != Area::Alone && self.dice.random_bool(0.4) {
            let others: Vec<_> = self.faults.iter().copied().filter(|other| first.goes_with(*other)).collect();
            drawn.extend(others.choose(&mut self.dice));
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
