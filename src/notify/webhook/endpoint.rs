use actors::domain::UnixTime;
use actors::notification::Notification;
use actors::ports::{DeliveryError, NotificationEndpoint};
use awc::http::header::{AUTHORIZATION, CONTENT_TYPE};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use url::Url;

use super::signature::SigningKey;
use crate::notify::http::HttpSender;
use crate::notify::settings::EndpointSettings;

/// Posts each notification as JSON.
pub(super) struct Webhook {
    sender: HttpSender,
    key: Option<SigningKey>,
    authorization: Option<String>,
    settings: EndpointSettings,
}

impl Webhook {
    pub(super) fn new(settings: &EndpointSettings, url: Url, key: Option<SigningKey>) -> Self {
        let authorization = settings.token.as_ref().map(|token| format!("Bearer {}", token.expose()));
        Self { sender: HttpSender::new(settings, url), key, authorization, settings: settings.clone() }
    }

    async fn post(&self, notification: &Notification) -> Result<(), DeliveryError> {
        let mut payload = notification.payload();
        if let Some(link) = self.settings.link(&notification.alert.icao24) {
            payload.insert("url".to_owned(), link.into());
        }
        let body = serde_json::Value::Object(payload).to_string().into_bytes();
        let timestamp = UnixTime::now().0;
        let mut request = self
            .sender
            .post()
            .insert_header((CONTENT_TYPE, "application/json"))
            .insert_header(("webhook-id", notification.id.as_str()))
            .insert_header(("webhook-timestamp", timestamp.to_string()));
        if let Some(key) = &self.key {
            request = request.insert_header(("webhook-signature", key.sign(&notification.id, timestamp, &body)));
        }
        if let Some(authorization) = &self.authorization {
            request = request.insert_header((AUTHORIZATION, authorization.as_str()));
        }
        self.sender.send(request, body).await
    }
}

impl NotificationEndpoint for Webhook {
    fn deliver<'a>(&'a self, notification: &'a Notification) -> LocalBoxFuture<'a, Result<(), DeliveryError>> {
        self.post(notification).boxed_local()
    }
}
