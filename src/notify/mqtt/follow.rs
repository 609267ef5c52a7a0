use std::time::Duration;

use actors::detector::TrackedAircraft;
use tokio::time::{MissedTickBehavior, interval};

use super::connection;
use super::session::Session;
use super::topics::Topics;

/// How often the positions of tracked aircraft are published.
const INTERVAL: Duration = Duration::from_secs(5);

/// Publishes where the tracked aircraft are, every few seconds. Never returns.
///
/// The messages are not retained, so that none is left if the alert ends at the same time, and not repeated: another
/// one follows.
pub(super) async fn follow(tracked: &TrackedAircraft, topics: &Topics, session: &Session) {
    let mut timer = interval(INTERVAL);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        let client = session.client.borrow();
        if let Some(client) = client.as_ref().filter(|_| session.is_synchronized()) {
            for (icao24, attributes) in session.trackers.borrow().moved(|icao24| tracked.newest(icao24)) {
                connection::send_update(client, topics.aircraft(icao24), &attributes);
            }
        }
    }
}
