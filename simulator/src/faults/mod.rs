//! Fault injection.

mod kind;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::header::{HeaderName, HeaderValue};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use kind::{FaultKind, Target};

/// Maximum number of pending faults.
const MAX_FAULTS: usize = 64;

/// A fault, and how often it is injected. If several match a request, the first one applies.
///
/// As JSON:
/// `{"target":"states","kind":"status","status":429,"headers":{"X-Rate-Limit-Retry-After-Seconds":"60"},"times":2}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The affected endpoint.
    pub target: Target,
    /// The kind of fault.
    pub kind: FaultKind,
    /// The response status, for faults that send a response.
    #[serde(default)]
    pub status: Option<u16>,
    /// Additional response headers, for faults that send a response.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How often to inject it; `None`: until it is cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// The probability of injecting it into a request, 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
}

fn always() -> f64 {
    1.0
}

impl Fault {
    /// Creates a fault that affects every request until it is cleared.
    pub fn new(target: Target, kind: FaultKind) -> Self {
        Self { target, kind, status: None, headers: BTreeMap::new(), times: None, probability: 1.0 }
    }

    /// Sets the response status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Adds a response header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Limits how often the fault is injected.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Sets the probability of injecting it into a request, 0 to 1.
    #[must_use]
    pub fn probability(self, probability: f64) -> Self {
        Self { probability, ..self }
    }

    fn check(&self) -> Result<(), InvalidFault> {
        if !self.kind.applies_to(self.target) {
            return Err(InvalidFault::Target(self.kind, self.target));
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

/// Why a fault was rejected. The caller can correct all of these.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum InvalidFault {
    /// The target cannot have this fault.
    #[error("fault {0} does not apply to the target {1}")]
    Target(FaultKind, Target),
    /// The status is out of range.
    #[error("status must be from 200 to 599, not {0}")]
    Status(u16),
    /// The probability is out of range.
    #[error("probability must be from 0 to 1, not {0}")]
    Probability(f64),
    /// The fault would never be injected.
    #[error("times must be at least 1; omit it for a fault without a limit")]
    Times,
    /// Invalid header name or value.
    #[error("invalid name or value of header {0:?}")]
    Header(String),
    /// Too many faults are pending.
    #[error("too many pending faults (limit {MAX_FAULTS}): clear them first")]
    TooMany,
}

/// The pending faults. Clones share the same list.
#[derive(Clone, Debug)]
pub struct Faults(Arc<Mutex<Pending>>);

#[derive(Debug)]
struct Pending {
    faults: Vec<Fault>,
    injected: u64,
    dice: StdRng,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Pending { faults: Vec::new(), injected: 0, dice: StdRng::seed_from_u64(seed) })))
    }

    /// Adds a fault.
    ///
    /// # Errors
    /// If the fault is invalid or too many are pending.
    pub fn add(&self, fault: Fault) -> Result<(), InvalidFault> {
        fault.check()?;
        let mut pending = self.lock();
        if pending.faults.len() >= MAX_FAULTS {
            return Err(InvalidFault::TooMany);
        }
        pending.faults.push(fault);
        Ok(())
    }

    /// Removes all pending faults. Requests that already hang keep hanging.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    /// Returns the pending faults, each with its remaining `times`.
    pub fn pending(&self) -> Vec<Fault> {
        self.lock().faults.clone()
    }

    /// Returns how many faults have been injected since the start.
    pub fn injected(&self) -> u64 {
        self.lock().injected
    }

    /// Takes the fault that applies before the next request is examined, if any.
    pub(crate) fn immediate(&self, target: Target) -> Option<Fault> {
        self.inject(|fault| fault.target == target && fault.kind.is_immediate())
    }

    /// Takes the fault that corrupts the next good response, if any.
    pub(crate) fn corrupting(&self, target: Target) -> Option<Fault> {
        self.inject(|fault| fault.target == target && !fault.kind.is_immediate())
    }

    /// Takes the fault that applies to a port next, if any.
    pub(crate) fn of_port(&self, target: Target, has_clients: bool) -> Option<Fault> {
        self.inject(|fault| fault.target == target && (has_clients || fault.kind == FaultKind::Refuse))
    }

    fn inject(&self, matches: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut pending = self.lock();
        let Pending { faults, injected, dice } = &mut *pending;
        let index = faults.iter().position(|fault| matches(fault) && dice.random::<f64>() < fault.probability)?;
        let fault = faults[index].clone();
        match &mut faults[index].times {
            Some(1) => drop(faults.remove(index)),
            Some(times) => *times -= 1,
            None => {}
        }
        *injected += 1;
        Some(fault)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_injected_at_its_target_as_often_as_configured() {
        let faults = Faults::new(1);
        faults.add(Fault::new(Target::States, FaultKind::Hang).times(2)).unwrap();
        faults.add(Fault::new(Target::States, FaultKind::Drip)).unwrap();
        assert_eq!(faults.immediate(Target::Token), None);
        assert_eq!(faults.immediate(Target::States).map(|fault| fault.kind), Some(FaultKind::Hang));
        assert_eq!(faults.pending()[0].times, Some(1));
        assert!(faults.immediate(Target::States).is_some() && faults.immediate(Target::States).is_none());
        assert_eq!(faults.corrupting(Target::States).map(|fault| fault.kind), Some(FaultKind::Drip));
        faults.clear();
        assert_eq!((faults.corrupting(Target::States), faults.injected()), (None, 3));
    }

    #[test]
    fn a_fault_is_injected_with_its_probability() {
        let faults = Faults::new(1);
        faults.add(Fault::new(Target::Token, FaultKind::Status).probability(0.3)).unwrap();
        let injected = (0..1_000).filter(|_| faults.immediate(Target::Token).is_some()).count();
        assert!((250..350).contains(&injected), "{injected}");
    }

    #[test]
    fn an_invalid_fault_is_rejected() {
        let status = || Fault::new(Target::States, FaultKind::Status);
        for (fault, expected) in [
            (Fault::new(Target::Token, FaultKind::BadRows), InvalidFault::Target(FaultKind::BadRows, Target::Token)),
            (status().status(99), InvalidFault::Status(99)),
            (status().times(0), InvalidFault::Times),
            (status().probability(1.5), InvalidFault::Probability(1.5)),
            (status().header("a b", "c"), InvalidFault::Header("a b".to_owned())),
            (status().header("a", "b\nc"), InvalidFault::Header("a".to_owned())),
        ] {
            assert_eq!(Faults::new(1).add(fault), Err(expected));
        }
        let faults = Faults::new(1);
        for _ in 0..MAX_FAULTS {
            faults.add(status()).unwrap();
        }
        assert_eq!(faults.add(status()), Err(InvalidFault::TooMany));
    }
}
