use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Asks for the restart of single actors.
#[derive(Clone, Debug, Default)]
pub struct Restarts(Arc<Mutex<HashMap<&'static str, Arc<Notify>>>>);

impl Restarts {
    /// What rings when the restart of this actor is asked for.
    pub(super) fn listen(&self, name: &'static str) -> Arc<Notify> {
        let mut bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bells.entry(name).or_default().clone()
    }

    /// Asks for the restart of an actor on its address, with the messages that are queued: it loses its futures and
    /// timers, as after a panic. `false`: there is no such actor.
    pub fn ask(&self, name: &str) -> bool {
        let bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bells.get(name).inspect(|bell| bell.notify_one()).is_some()
    }
}
