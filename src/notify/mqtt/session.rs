use std::cell::RefCell;
use std::time::Duration;

use actors::ports::DeliveryError;
use rumqttc::{AsyncClient, PublishOptions};
use tokio::sync::watch;
use tokio::time::timeout;

use super::active_alerts::ActiveAlerts;
use super::publications::Publication;
use super::trackers::Trackers;

/// What the connection and the deliveries of an endpoint share.
pub(super) struct Session {
    /// The client of the running connection.
    pub(super) client: RefCell<Option<AsyncClient>>,
    pub(super) link: watch::Sender<Link>,
    pub(super) active: RefCell<ActiveAlerts>,
    pub(super) trackers: RefCell<Trackers>,
}

/// The state of the connection to the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Connecting,
    /// The broker has accepted the connection, and sends the active alerts that it retains.
    Connected,
    /// The active alerts are complete.
    Synchronized,
    Down(DeliveryError),
}

/// How long to wait for the retained alerts of a broker that does not show when they are complete. What arrives later is
/// applied, too, but until then a rule may be reported as inactive.
const SYNCHRONIZATION: Duration = Duration::from_secs(1);

impl Session {
    pub(super) fn new() -> Self {
        Self {
            client: RefCell::default(),
            link: watch::Sender::new(Link::Connecting),
            active: RefCell::default(),
            trackers: RefCell::default(),
        }
    }

    /// Whether the broker is connected, and what it retains is known.
    pub(super) fn is_synchronized(&self) -> bool {
        *self.link.borrow() == Link::Synchronized
    }

    /// Waits until the broker has accepted the connection, and returns its client.
    pub(super) async fn connected(&self) -> Result<AsyncClient, DeliveryError> {
        let mut link = self.link.subscribe();
        let reached = link.wait_for(|link| *link != Link::Connecting).await;
        let reached = reached.map(|link| link.clone()).unwrap_or(Link::Connecting);
        match reached {
            Link::Connected | Link::Synchronized => {
                let client = self.client.borrow().clone();
                client.ok_or_else(|| DeliveryError::unavailable("not connected"))
            }
            Link::Connecting => Err(DeliveryError::unavailable("not connected")),
            Link::Down(error) => Err(error),
        }
    }

    /// Waits until the active alerts are complete.
    pub(super) async fn synchronized(&self) -> Result<(), DeliveryError> {
        self.connected().await?;
        let mut link = self.link.subscribe();
        let synchronized = link.wait_for(|link| *link != Link::Connected);
        if timeout(SYNCHRONIZATION, synchronized).await.is_err() {
            self.set_synchronized();
        }
        self.connected().await.map(drop)
    }

    /// Records that the active alerts are complete.
    pub(super) fn set_synchronized(&self) {
        self.link.send_if_modified(|link| {
            let is_new = *link == Link::Connected;
            if is_new {
                *link = Link::Synchronized;
            }
            is_new
        });
    }

    /// Publishes messages in order, and waits until the broker has acknowledged all of them.
    pub(super) async fn publish(&self, messages: Vec<Publication>) -> Result<(), DeliveryError> {
        let client = self.connected().await?;
        let failed = |error: &dyn std::fmt::Display| DeliveryError::unavailable(format!("failed to publish: {error}"));
        let mut notices = Vec::with_capacity(messages.len());
        for Publication { topic, payload, retained } in messages {
            let options = PublishOptions::at_least_once().retain(retained);
            let notice = client.publish_tracked(topic, payload, options).await;
            notices.push(notice.map_err(|error| failed(&error))?);
        }
        for notice in notices {
            notice.wait_completion_async().await.map_err(|error| failed(&error))?;
        }
        Ok(())
    }
}
