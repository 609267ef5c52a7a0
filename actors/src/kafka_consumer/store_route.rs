use actix::Recipient;

use super::consumer_context::ConsumerContext;
use super::database_destination::DatabaseDestination;
use super::route::Route;
use super::store_loop::StoreLoop;
use crate::messages::{FindPositions, PublishDeadLetters, StoreBatch};
use crate::ports::Subscription;

/// Kafka → database, exactly once: each partition starts at the position stored in the database, and a batch is stored
/// only if that position has not changed. One batch is read ahead while another is being stored.
#[derive(Clone)]
pub struct StoreRoute {
    /// Returns the stored positions of partitions.
    pub positions: Recipient<FindPositions>,
    /// Stores batches.
    pub db_writer: Recipient<StoreBatch>,
    /// Publishes records that cannot be decoded or stored.
    pub dead_letters: Recipient<PublishDeadLetters>,
    /// The name of the route, used as a label in metrics: `store` for state vectors, `polls` for records of polls,
    /// `alert-history` for alerts.
    pub name: &'static str,
    /// Whether the log is lost when this process ends, so that all of it must be stored first.
    pub volatile: bool,
}

impl Route for StoreRoute {
    fn run<S: Subscription>(self, context: ConsumerContext<S>) -> impl Future<Output = usize> {
        let Self { positions, db_writer, dead_letters, name, volatile } = self;
        let database = DatabaseDestination { positions, db_writer, dead_letters };
        StoreLoop::new(context, database, name, volatile).run()
    }
}
