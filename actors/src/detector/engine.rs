use std::sync::Arc;
use std::time::Duration;

use crate::detect::Alert;
use crate::domain::{StateVector, UnixTime};

/// The rules applied to one partition of the log.
///
/// The decisions must follow from the states alone, in their order in the partition: not from the local clock, from the
/// sizes of batches, or from other partitions. Only then does a process that continues a partition decide the same.
pub trait Engine: 'static {
    /// Processes the next state of the partition, and returns the alerts that end or begin with it. Of an alert that
    /// ends and one of the same rule and aircraft that begins, the former comes first.
    fn update(&mut self, state: &Arc<StateVector>) -> Vec<Alert>;

    /// Replaces the alerts by the newest one of each rule and aircraft that the previous owner of the partition
    /// published, active or ended. The states of the last
    /// [`Engine::look_back`] were processed before, and the resulting alerts ignored. Returns, as ended, the alerts whose
    /// rules no longer exist.
    fn restore(&mut self, newest: Vec<Alert>) -> Vec<Alert>;

    /// Returns the number of active alerts.
    fn active(&self) -> usize;

    /// Returns the time by which silence is decided, if it is known.
    fn time(&self) -> Option<UnixTime>;

    /// Returns for how long a state can affect later decisions other than by an active alert, as a difference of
    /// `last_contact`.
    fn look_back(&self) -> Duration;
}

/// Creates the engine of a partition.
pub type NewEngine = Arc<dyn Fn() -> Box<dyn Engine> + Send + Sync>;
