use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::name::ActorName;

/// Requests restarts of individual actors.
#[derive(Clone, Debug, Default)]
pub struct Restarts(Arc<Mutex<HashMap<ActorName, Arc<Notify>>>>);

impl Restarts {
    /// Notified when the restart of this actor is requested.
    pub(super) fn requests(&self, name: &ActorName) -> Arc<Notify> {
        let mut actors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        actors.entry(name.clone()).or_default().clone()
    }

    /// Requests a restart of an actor. As after a panic, it keeps its address and queued messages, and loses its
    /// futures and timers. Returns `false` if there is no such actor.
    pub fn request(&self, name: &ActorName) -> bool {
        let actors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        actors.get(name).inspect(|requested| requested.notify_one()).is_some()
    }
}
