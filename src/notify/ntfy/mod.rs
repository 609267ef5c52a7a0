//! Publishes messages for people on a topic of an ntfy server, which shows them on telephones.

mod endpoint;

use std::rc::Rc;

use actors::ports::DeliveryError;
use url::Url;

use super::http::HttpSender;
use super::kind::EndpointKind;
use super::settings::EndpointSettings;
use endpoint::Ntfy;

/// A topic of an ntfy server.
pub static KIND: EndpointKind = EndpointKind {
    name: "ntfy",
    about: "shows messages on telephones",
    schemes: &["https", "http"],
    example: "https://ntfy.sh/my-topic",
    check: |settings| server_and_topic(settings).map(drop).map_err(|reason| ("url", reason.to_owned())),
    open: |settings| {
        let (server, topic) = server_and_topic(settings).map_err(anyhow::Error::msg)?;
        let settings = settings.clone();
        Ok(Box::new(move || Rc::new(Ntfy::new(settings, server, topic))))
    },
    probe: |settings| {
        Box::pin(async move {
            let (server, _) = server_and_topic(settings).map_err(|reason| DeliveryError::Refused(reason.to_owned()))?;
            HttpSender::new(settings, server).probe().await
        })
    },
};

/// Splits the address of a topic into that of the server, which accepts messages as JSON, and the topic.
fn server_and_topic(settings: &EndpointSettings) -> Result<(Url, String), &'static str> {
    const INVALID: &str = "it has no topic; ntfy needs one such as https://ntfy.sh/my-topic";
    let mut server = settings.address.as_ref().ok_or(INVALID)?.url().clone();
    let (path, topic) = server.path().rsplit_once('/').ok_or(INVALID)?;
    let is_valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if topic.is_empty() || topic.len() > 64 || !topic.chars().all(is_valid) || server.query().is_some() {
        return Err("it does not end in a topic of up to 64 letters, digits, hyphens and underscores");
    }
    let (path, topic) = (format!("{path}/"), topic.to_owned());
    server.set_path(&path);
    Ok((server, topic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_is_the_last_part_of_the_address() {
        let split = |url: &str| {
            let (server, topic) = server_and_topic(&EndpointSettings::at(url))?;
            Ok::<_, &str>((server.to_string(), topic))
        };
        assert_eq!(split("https://ntfy.sh/my_topic-1"), Ok(("https://ntfy.sh/".into(), "my_topic-1".into())));
        assert_eq!(split("http://host/ntfy/alerts"), Ok(("http://host/ntfy/".into(), "alerts".into())));
        for url in ["https://ntfy.sh", "https://ntfy.sh/", "https://ntfy.sh/a b", "https://ntfy.sh/a?auth=x"] {
            assert!(split(url).is_err(), "{url}");
        }
    }
}
