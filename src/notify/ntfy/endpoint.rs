use actors::notification::{AlertEvent, Notification};
use actors::ports::{DeliveryError, NotificationEndpoint};
use awc::http::header::{AUTHORIZATION, CONTENT_TYPE};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use url::Url;

use crate::notify::http::HttpSender;
use crate::notify::message::Message;
use crate::notify::settings::EndpointSettings;

/// Publishes each notification as a message.
pub(super) struct Ntfy {
    sender: HttpSender,
    topic: String,
    settings: EndpointSettings,
}

/// A message, as ntfy's API for JSON describes it. Headers could not contain every callsign and rule.
#[derive(Debug, Serialize)]
struct NtfyMessage<'a> {
    topic: &'a str,
    title: &'a str,
    message: &'a str,
    priority: i32,
    tags: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    click: Option<String>,
}

/// The priority of the message that an alert has ended, if that of its start is not lower: it makes no sound.
const LOW_PRIORITY: i32 = 2;

impl Ntfy {
    pub(super) fn new(settings: EndpointSettings, server: Url, topic: String) -> Self {
        Self { sender: HttpSender::new(&settings, server), topic, settings }
    }

    async fn publish(&self, notification: &Notification) -> Result<(), DeliveryError> {
        let mut request = self.sender.post().insert_header((CONTENT_TYPE, "application/json"));
        if let Some(token) = &self.settings.token {
            request = request.insert_header((AUTHORIZATION, format!("Bearer {}", token.expose())));
        }
        let body = serde_json::to_vec(&self.message(notification, &Message::of(notification)));
        let body = body.map_err(|error| DeliveryError::Rejected(error.to_string()))?;
        self.sender.send(request, body).await
    }

    fn message<'a>(&'a self, notification: &Notification, message: &'a Message) -> NtfyMessage<'a> {
        let priority = self.settings.priority;
        let (priority, tags): (_, &[_]) = match notification.event {
            AlertEvent::Started => (priority, &["airplane"]),
            AlertEvent::Ended => (priority.min(LOW_PRIORITY), &["white_check_mark"]),
            AlertEvent::Test => (priority, &["airplane", "test_tube"]),
        };
        NtfyMessage {
            topic: &self.topic,
            title: &message.title,
            message: &message.body,
            priority,
            tags,
            click: self.settings.link(&notification.alert.icao24),
        }
    }
}

impl NotificationEndpoint for Ntfy {
    fn deliver<'a>(&'a self, notification: &'a Notification) -> LocalBoxFuture<'a, Result<(), DeliveryError>> {
        self.publish(notification).boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[actix_rt::test]
    async fn a_message_has_the_members_of_the_api() {
        let mut settings = EndpointSettings::at("https://ntfy.sh/alerts");
        settings.page_url = Some("https://flights.example.org/".parse().unwrap());
        let ntfy = Ntfy::new(settings, "https://ntfy.sh/".parse().unwrap(), "alerts".into());
        let alert =
            r#"{"icao24":"4b1814","since":1,"rule":"fence","ended":null,"detail":"in the valley","state":null}"#;
        let published = |alert: &str| {
            let notification = Notification::decode(alert.as_bytes()).unwrap();
            serde_json::to_value(ntfy.message(&notification, &Message::of(&notification))).unwrap()
        };
        assert_eq!(
            published(alert),
            json!({"topic": "alerts", "title": "4B1814: in the valley", "message": "rule fence, ICAO address 4B1814",
                   "priority": 4, "tags": ["airplane"], "click": "https://flights.example.org/#icao24=4b1814"})
        );
        assert_eq!(published(&alert.replace("\"ended\":null", "\"ended\":61"))["priority"], 2);
    }
}
