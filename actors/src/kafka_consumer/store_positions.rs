use actix::Recipient;

use super::consumer_context::{ConsumerContext, Dependency};
use super::database_retry::DatabaseRetry;
use crate::batch::Position;
use crate::messages::FindPositions;
use crate::ports::{StartAt, Subscription};

/// Returns where to start reading: at the stored position, or at the oldest record if there is none.
pub(super) fn start_at(position: Option<&Position>) -> StartAt {
    match position {
        Some(&Position { next_offset, last_timestamp, .. }) => StartAt::Resume { next_offset, last_timestamp },
        None => StartAt::Beginning,
    }
}

/// Reads the stored positions of these partitions from the database, and retries until it responds.
pub(super) async fn find_positions<S: Subscription>(
    context: ConsumerContext<S>,
    positions: Recipient<FindPositions>,
    partitions: Vec<i32>,
) -> Vec<Position> {
    let mut retry = DatabaseRetry::new();
    loop {
        let request = FindPositions { log: context.subscription.log(), partitions: partitions.clone() };
        let (error, pause) = match positions.send(request).await {
            Ok(Ok(found)) => return found,
            Ok(Err(error)) => (error.to_string(), retry.pause(Some(&error))),
            Err(error) => (format!("the DbWriter did not answer: {error}"), retry.pause(None)),
        };
        if let Some(suppressed) = retry.should_log(&error) {
            log::warn!(actor = "kafka-consumer-store", partitions:? = partitions, pause:? = pause, suppressed; "failed to read the stored positions: {error}");
        }
        context.report_failure(Dependency::Database, &error);
        tokio::time::sleep(pause).await;
    }
}
