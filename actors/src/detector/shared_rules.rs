use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::detect::RuleSet;

/// The current rules of a process. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct SharedRules(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    rules: RwLock<Arc<RuleSet>>,
    version: AtomicU64,
}

impl SharedRules {
    /// Shares these rules.
    pub fn new(rules: RuleSet) -> Self {
        Self(Arc::new(Shared { rules: RwLock::new(Arc::new(rules)), version: AtomicU64::new(0) }))
    }

    /// Increases with each replacement.
    pub fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// Returns the rules and their version.
    pub fn current(&self) -> (u64, Arc<RuleSet>) {
        let rules = self.0.rules.read().unwrap_or_else(PoisonError::into_inner);
        (self.version(), Arc::clone(&rules))
    }

    /// Replaces the rules for all engines of the process, which apply them from their next states on.
    pub fn replace(&self, rules: RuleSet) {
        let mut current = self.0.rules.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(rules);
        self.0.version.fetch_add(1, Ordering::Release);
    }
}
