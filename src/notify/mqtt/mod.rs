//! Publishes alerts to an MQTT broker, with devices that Home Assistant discovers.
//!
//! The active alerts are retained messages, so the broker itself holds the state: every process that delivers to it,
//! and its successor after a restart, reads them back.

mod active_alerts;
mod connection;
mod discovery;
mod endpoint;
mod follow;
mod publications;
mod session;
mod topics;
mod trackers;

use std::rc::Rc;

use super::kind::EndpointKind;
use super::settings::EndpointSettings;
use endpoint::Mqtt;

/// An MQTT broker.
pub static KIND: EndpointKind = EndpointKind {
    name: "mqtt",
    about: "publishes to an MQTT broker and Home Assistant",
    schemes: &["mqtts", "mqtt"],
    example: "mqtts://broker.example.org",
    check,
    open: |settings| {
        check(settings).map_err(|(_, reason)| anyhow::Error::msg(reason))?;
        let settings = settings.clone();
        Ok(Box::new(move || Rc::new(Mqtt::new(settings))))
    },
    probe: |settings| Box::pin(connection::probe(settings)),
};

fn check(settings: &EndpointSettings) -> Result<(), (&'static str, String)> {
    let url = settings.address.as_ref().map(super::EndpointAddress::url);
    if url.is_some_and(|url| !matches!(url.path(), "" | "/") || url.query().is_some()) {
        return Err(("url", "it has a path or a query, which a broker does not have; see topic_prefix".to_owned()));
    }
    if settings.password.is_some() && settings.user.is_none() {
        return Err(("user", "it is empty, and password is not".to_owned()));
    }
    let is_valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
    for (name, prefix) in
        [("topic_prefix", Some(&settings.topic_prefix)), ("discovery_prefix", settings.discovery_prefix.as_ref())]
    {
        let Some(prefix) = prefix else { continue };
        let is_prefix = prefix.chars().all(is_valid) && prefix.split('/').all(|level| !level.is_empty());
        if !is_prefix || prefix.len() > 64 {
            let reason = "it is not up to 64 letters, digits and the characters - _ . in levels separated by /";
            return Err((name, reason.to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_no_broker_accepts_are_refused() {
        let check_with = |change: fn(&mut EndpointSettings)| {
            let mut settings = EndpointSettings::at("mqtt://localhost");
            change(&mut settings);
            check(&settings).map_err(|(name, _)| name)
        };
        assert_eq!(check_with(|_| {}), Ok(()));
        assert_eq!(check_with(|settings| settings.topic_prefix = "sky/roof-1".into()), Ok(()));
        assert_eq!(check_with(|settings| settings.topic_prefix = "sky/#".into()), Err("topic_prefix"));
        assert_eq!(check_with(|settings| settings.topic_prefix = "/sky".into()), Err("topic_prefix"));
        assert_eq!(check_with(|settings| settings.discovery_prefix = Some("a b".into())), Err("discovery_prefix"));
        assert_eq!(check_with(|settings| settings.password = Some(crate::notify::Hidden::new("x"))), Err("user"));
        assert_eq!(check_with(|s| s.address = "mqtt://localhost/sky".parse().ok()), Err("url"));
    }
}
