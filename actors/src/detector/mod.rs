//! Decides which alerts begin and end, partition by partition, so that the decisions follow from the log alone and
//! another process can continue them. `kafka_consumer::DetectRoute` reads the log and publishes the decisions.

mod engine;
mod partition;
mod partition_engine;
mod shared_rules;
mod tracked_aircraft;

pub use engine::{Engine, NewEngine};
pub use partition::DetectPartition;
pub use partition_engine::PartitionEngine;
pub use shared_rules::SharedRules;
pub use tracked_aircraft::TrackedAircraft;

#[cfg(test)]
mod tests;
