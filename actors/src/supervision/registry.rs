use std::sync::{Arc, Mutex, PoisonError};

use super::journal::Journal;
use super::name::ActorName;
use super::status::ActorStatus;
use super::vitals::Vitals;

/// The vitals of every actor of this process, in the order in which the actors were started, and the journal of their
/// changes.
#[derive(Clone, Debug, Default)]
pub struct ActorRegistry {
    actors: Arc<Mutex<Vec<Vitals>>>,
    journal: Journal,
}

impl ActorRegistry {
    /// Adds an actor and returns the vitals that it writes.
    pub fn register(&self, name: ActorName) -> Vitals {
        let vitals = Vitals::new(name, self.journal.clone());
        self.actors.lock().unwrap_or_else(PoisonError::into_inner).push(vitals.clone());
        vitals
    }

    /// The current state of each actor.
    pub fn statuses(&self) -> Vec<ActorStatus> {
        self.actors.lock().unwrap_or_else(PoisonError::into_inner).iter().map(Vitals::status).collect()
    }

    /// The changes of all actors.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
}
