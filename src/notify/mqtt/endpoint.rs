use std::rc::Rc;

use actors::notification::Notification;
use actors::ports::{DeliveryError, NotificationEndpoint};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::time::timeout;

use super::publications::publications;
use super::session::Session;
use super::topics::Topics;
use super::{connection, follow};
use crate::notify::settings::EndpointSettings;

/// Publishes to a broker. Its connection stays open between deliveries, so that the broker knows whether it is
/// available.
pub(super) struct Mqtt {
    settings: EndpointSettings,
    topics: Topics,
    session: Session,
}

impl Mqtt {
    pub(super) fn new(settings: EndpointSettings) -> Self {
        let topics = Topics::new(&settings.topic_prefix, settings.discovery_prefix.as_deref());
        Self { settings, topics, session: Session::new() }
    }

    async fn publish(&self, notification: &Notification) -> Result<(), DeliveryError> {
        let publish = async {
            self.session.synchronized().await?;
            let max_trackers = self.settings.max_trackers;
            let messages =
                publications(&self.topics, &mut self.session.active.borrow_mut(), max_trackers, notification);
            self.session.publish(messages).await
        };
        let seconds = self.settings.timeout;
        let slow = |_| DeliveryError::unavailable(format!("the broker did not acknowledge within {seconds:?}"));
        timeout(seconds, publish).await.map_err(slow)?
    }
}

impl NotificationEndpoint for Mqtt {
    fn deliver<'a>(&'a self, notification: &'a Notification) -> LocalBoxFuture<'a, Result<(), DeliveryError>> {
        self.publish(notification).boxed_local()
    }

    fn run(self: Rc<Self>) -> LocalBoxFuture<'static, ()> {
        async move {
            let Self { settings, topics, session } = &*self;
            tokio::join!(
                connection::run(settings, topics, session),
                follow::follow(&settings.tracked, topics, session),
            );
        }
        .boxed_local()
    }
}
