use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::{Icao24, StateVector};

/// The newest states of the aircraft with an active alert, in the partitions that this process reads. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct TrackedAircraft(Arc<Mutex<HashMap<Icao24, Arc<StateVector>>>>);

impl TrackedAircraft {
    /// Returns the newest state of an aircraft, if it is tracked.
    pub fn newest(&self, icao24: Icao24) -> Option<Arc<StateVector>> {
        self.states().get(&icao24).cloned()
    }

    pub(super) fn update(&self, state: &Arc<StateVector>) {
        let mut states = self.states();
        let newest = states.entry(state.icao24).or_insert_with(|| state.clone());
        if newest.last_contact < state.last_contact {
            *newest = state.clone();
        }
    }

    pub(super) fn remove(&self, icao24: Icao24) {
        self.states().remove(&icao24);
    }

    fn states(&self) -> MutexGuard<'_, HashMap<Icao24, Arc<StateVector>>> {
        // Nothing panics while this is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
