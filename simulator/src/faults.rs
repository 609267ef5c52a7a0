//! What is to go wrong, on request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::header::{HeaderName, HeaderValue};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Faults that can wait at a time.
const MOST_FAULTS: usize = 64;

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// `GET /api/states/all`.
    States,
    /// The token endpoint.
    Token,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Answers at once with `status` (503 unless told otherwise), whoever asks.
    Status,
    /// Answers at once with a web page, as a captive portal or a proxy does (`status` 200 unless told otherwise).
    Html,
    /// Does not answer, until the client goes or ten minutes are over.
    Hang,
    /// Resets the connection in place of an answer.
    Reset,
    /// Announces the whole answer, sends half of it and closes the connection.
    Truncate,
    /// Sends the answer in small pieces, some hundred bytes a second.
    Drip,
    /// An empty body.
    Empty,
    /// Good JSON in which the fields have other types than they should.
    WrongTypes,
    /// `"states": null`; of the states only.
    NullStates,
    /// Rows that are no state vectors among the good ones, every tenth and at least one of each kind. The header
    /// `X-Simulator-Bad-Rows` says how many. Of the states only.
    BadRows,
}

impl FaultKind {
    /// Whether it applies before the request is examined; the others corrupt a good response.
    fn is_immediate(self) -> bool {
        matches!(self, Self::Status | Self::Html | Self::Hang | Self::Reset)
    }
}

/// One fault, and how often it strikes. Of several, the first that fits does.
///
/// In JSON: `{"target":"states","kind":"status","status":429,"headers":{"X-Rate-Limit-Retry-After-Seconds":"60"},"times":2}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Where it strikes.
    pub target: Target,
    /// What goes wrong.
    pub kind: FaultKind,
    /// The status of the answer, where there is one.
    #[serde(default)]
    pub status: Option<u16>,
    /// Headers of the answer, where there is one.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How often it strikes; `None`: until it is cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// How likely it strikes at each request, 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
}

fn always() -> f64 {
    1.0
}

impl Fault {
    /// A fault that strikes always, until it is cleared.
    pub fn new(target: Target, kind: FaultKind) -> Self {
        Self { target, kind, status: None, headers: BTreeMap::new(), times: None, probability: 1.0 }
    }

    /// The same with this status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same, at most so often.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// The same, at so many of the requests, 0 to 1.
    #[must_use]
    pub fn probability(self, probability: f64) -> Self {
        Self { probability, ..self }
    }

    fn check(&self) -> Result<(), InvalidFault> {
        if self.target == Target::Token && matches!(self.kind, FaultKind::NullStates | FaultKind::BadRows) {
            return Err(InvalidFault::Target(self.kind));
        }
        if let Some(status) = self.status
            && !(200..=599).contains(&status)
        {
            return Err(InvalidFault::Status(status));
        }
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(InvalidFault::Probability(self.probability));
        }
        if self.times == Some(0) {
            return Err(InvalidFault::Times);
        }
        for (name, value) in &self.headers {
            if HeaderName::try_from(name.as_str()).is_err() || HeaderValue::from_str(value).is_err() {
                return Err(InvalidFault::Header(name.clone()));
            }
        }
        Ok(())
    }
}

/// Why a fault is none; whoever asked for it can mend that.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum InvalidFault {
    /// The token endpoint has no states.
    #[error("{0:?} is no fault of the token endpoint")]
    Target(FaultKind),
    /// Not the status of an answer.
    #[error("status must be from 200 to 599, not {0}")]
    Status(u16),
    /// Not a probability.
    #[error("probability must be from 0 to 1, not {0}")]
    Probability(f64),
    /// It would never strike.
    #[error("times must be at least 1; leave it out for a fault that stays")]
    Times,
    /// Not a header.
    #[error("{0:?} is no header that can be sent")]
    Header(String),
    /// Too many are waiting.
    #[error("{MOST_FAULTS} faults are waiting already; clear them first")]
    TooMany,
}

/// The faults that wait. Clones are the same list.
#[derive(Clone, Debug)]
pub struct Faults(Arc<Mutex<Waiting>>);

#[derive(Debug)]
struct Waiting {
    faults: Vec<Fault>,
    struck: u64,
    dice: StdRng,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Waiting { faults: Vec::new(), struck: 0, dice: StdRng::seed_from_u64(seed) })))
    }

    /// Lets one more fault wait.
    ///
    /// # Errors
    /// When it cannot strike as it says, or too many are waiting.
    pub fn add(&self, fault: Fault) -> Result<(), InvalidFault> {
        fault.check()?;
        let mut waiting = self.lock();
        if waiting.faults.len() >= MOST_FAULTS {
            return Err(InvalidFault::TooMany);
        }
        waiting.faults.push(fault);
        Ok(())
    }

    /// Forgets them all. What hangs goes on hanging.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    /// Those that wait, with the times that are left to them.
    pub fn waiting(&self) -> Vec<Fault> {
        self.lock().faults.clone()
    }

    /// How many have struck since the start.
    pub fn struck(&self) -> u64 {
        self.lock().struck
    }

    /// The fault that strikes a request before anybody has looked at it, if one does.
    pub(crate) fn immediate(&self, target: Target) -> Option<Fault> {
        self.strike(|fault| fault.target == target && fault.kind.is_immediate())
    }

    /// The fault that corrupts the next good response, if any.
    pub(crate) fn of_answer(&self, target: Target) -> Option<Fault> {
        self.strike(|fault| fault.target == target && !fault.kind.is_immediate())
    }

    fn strike(&self, fits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut waiting = self.lock();
        let Waiting { faults, struck, dice } = &mut *waiting;
        let index = faults.iter().position(|fault| fits(fault) && dice.random::<f64>() < fault.probability)?;
        let fault = faults[index].clone();
        match &mut faults[index].times {
            Some(1) => drop(faults.remove(index)),
            Some(times) => *times -= 1,
            None => {}
        }
        *struck += 1;
        Some(fault)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_it_says_and_where_it_says() {
        let faults = Faults::new(1);
        faults.add(Fault::new(Target::States, FaultKind::Hang).times(2)).unwrap();
        faults.add(Fault::new(Target::States, FaultKind::Drip)).unwrap();
        assert_eq!(faults.immediate(Target::Token), None);
        assert_eq!(faults.immediate(Target::States).map(|fault| fault.kind), Some(FaultKind::Hang));
        assert_eq!(faults.waiting()[0].times, Some(1));
        assert!(faults.immediate(Target::States).is_some() && faults.immediate(Target::States).is_none());
        assert_eq!(faults.of_answer(Target::States).map(|fault| fault.kind), Some(FaultKind::Drip));
        faults.clear();
        assert_eq!((faults.of_answer(Target::States), faults.struck()), (None, 3));
    }

    #[test]
    fn a_rate_is_kept() {
        let faults = Faults::new(1);
        faults.add(Fault::new(Target::Token, FaultKind::Status).probability(0.3)).unwrap();
        let struck = (0..1_000).filter(|_| faults.immediate(Target::Token).is_some()).count();
        assert!((250..350).contains(&struck), "{struck}");
    }

    #[test]
    fn a_fault_that_cannot_strike_is_refused() {
        let status = || Fault::new(Target::States, FaultKind::Status);
        for (fault, expected) in [
            (Fault::new(Target::Token, FaultKind::BadRows), InvalidFault::Target(FaultKind::BadRows)),
            (status().status(99), InvalidFault::Status(99)),
            (status().times(0), InvalidFault::Times),
            (status().probability(1.5), InvalidFault::Probability(1.5)),
            (status().header("a b", "c"), InvalidFault::Header("a b".to_owned())),
            (status().header("a", "b\nc"), InvalidFault::Header("a".to_owned())),
        ] {
            assert_eq!(Faults::new(1).add(fault), Err(expected));
        }
        let faults = Faults::new(1);
        for _ in 0..MOST_FAULTS {
            faults.add(status()).unwrap();
        }
        assert_eq!(faults.add(status()), Err(InvalidFault::TooMany));
    }
}
