use std::sync::Arc;

use super::consumer_context::ConsumerContext;
use super::detect_loop::DetectLoop;
use super::route::Route;
use crate::detector::NewEngine;
use crate::ports::{AlertLog, Subscription};

/// Kafka → rules → Kafka. Alerts and the positions up to which the states were processed are published as one step, so
/// an alert begins once and ends once, whichever process reads its partition.
#[derive(Clone)]
pub struct DetectRoute {
    /// Publishes alerts and positions.
    pub log: Arc<dyn AlertLog>,
    /// Creates the engine of a partition.
    pub new_engine: NewEngine,
}

impl Route for DetectRoute {
    fn run<S: Subscription>(self, context: ConsumerContext<S>) -> impl Future<Output = usize> {
        DetectLoop::new(context, self.log, self.new_engine).run()
    }
}
