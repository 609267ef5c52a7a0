use std::sync::{Arc, Mutex, PoisonError};

use super::journal::Journal;
use super::name::ActorName;
use super::status::ActorStatus;
use super::vitals::Vitals;

/// The vitals of all actors of this process, in the order in which they were started, and the journal of their changes.
#[derive(Clone, Debug, Default)]
pub struct ActorRegistry {
    actors: Arc<Mutex<Vec<Vitals>>>,
    journal: Journal,
}

impl ActorRegistry {
    /// Registers an actor and returns the vitals through which it reports.
    pub fn register(&self, name: ActorName) -> Vitals {
        let vitals = Vitals::new(name, self.journal.clone());
        self.actors.lock().unwrap_or_else(PoisonError::into_inner).push(vitals.clone());
        vitals
    }

    /// Returns the current state of each actor.
    pub fn statuses(&self) -> Vec<ActorStatus> {
        self.actors.lock().unwrap_or_else(PoisonError::into_inner).iter().map(Vitals::status).collect()
    }

    /// Returns the journal of all actors.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
}
