//! Posts notifications as JSON, signed as described by Standard Webhooks.

mod endpoint;
mod signature;

use std::rc::Rc;

use actors::ports::DeliveryError;

use super::http::HttpSender;
use super::kind::EndpointKind;
use super::settings::EndpointSettings;
use endpoint::Webhook;
pub use signature::{InvalidSigningKey, SigningKey};

/// A webhook.
pub static KIND: EndpointKind = EndpointKind {
    name: "webhook",
    about: "posts JSON to a URL",
    schemes: &["https", "http"],
    example: "https://example.org/hooks/flights",
    check: |settings| key(settings).map(drop).map_err(|reason| ("secret", reason.to_string())),
    open: |settings| {
        let (key, settings) = (key(settings)?, settings.clone());
        let url = settings.address.as_ref().map(|address| address.url().clone());
        let url = url.ok_or_else(|| anyhow::anyhow!("url is missing"))?;
        Ok(Box::new(move || Rc::new(Webhook::new(&settings, url, key))))
    },
    probe: |settings| {
        let url = settings.address.as_ref().map(|address| address.url().clone());
        Box::pin(async move {
            let url = url.ok_or_else(|| DeliveryError::Refused("url is missing".to_owned()))?;
            HttpSender::new(settings, url).probe().await
        })
    },
};

fn key(settings: &EndpointSettings) -> Result<Option<SigningKey>, InvalidSigningKey> {
    settings.secret.as_ref().map(|secret| secret.expose().parse()).transpose()
}
