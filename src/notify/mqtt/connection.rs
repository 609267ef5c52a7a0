use std::sync::Arc;
use std::time::Duration;

use actors::ports::DeliveryError;
use actors::supervision::Backoff;
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, Incoming, LastWill, MqttOptions, Outgoing,
    Publish, PublishOptions, QoS, TlsConfiguration, Transport,
};
use serde_json::Value;

use super::publications::{Publication, rule_state};
use super::session::{Link, Session};
use super::topics::Topics;
use crate::address_guard::BlockedAddress;
use crate::notify::settings::EndpointSettings;
use crate::sources::http::tls_client;

const ONLINE: &str = "online";
const OFFLINE: &str = "offline";

/// The largest message, in either direction. A message of another program on the topics must not end the connection.
const MAX_PACKET: usize = 256 * 1024;

/// How many messages wait for being sent at most.
const CHANNEL: usize = 1024;

const KEEP_ALIVE_SECONDS: u16 = 30;

/// Keeps the connection to the broker, and reconnects after failures. Never returns.
pub(super) async fn run(settings: &EndpointSettings, topics: &Topics, session: &Session) {
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(30));
    loop {
        let error = match open(settings, Some(topics)) {
            Ok((client, mut events)) => {
                *session.client.borrow_mut() = Some(client.clone());
                let mut was_connected = false;
                let error = loop {
                    match events.poll().await {
                        Ok(event) => was_connected |= handle(event, &client, topics, session),
                        Err(error) => break classify(&error),
                    }
                };
                if was_connected {
                    backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(30));
                }
                error
            }
            Err(error) => error,
        };
        // Deliveries that wait for an acknowledgement fail with the client, and are repeated.
        session.client.take();
        session.link.send_replace(Link::Down(error));
        tokio::time::sleep(backoff.pause()).await;
    }
}

/// Logs in to the broker, and out again, without a message or a last will.
pub(super) async fn probe(settings: &EndpointSettings) -> Result<String, DeliveryError> {
    let connect = async {
        let (client, mut events) = open(settings, None)?;
        loop {
            match events.poll().await.map_err(|error| classify(&error))? {
                Event::Incoming(Incoming::ConnAck(_)) => {
                    client.try_disconnect().map_err(|error| invalid(&error.to_string()))?;
                }
                Event::Outgoing(Outgoing::Disconnect) => {
                    return Ok("reachable: the broker accepts the login".to_owned());
                }
                Event::Incoming(_) | Event::Outgoing(_) => {}
            }
        }
    };
    tokio::time::timeout(settings.timeout, connect).await.unwrap_or_else(|_| Err(silent()))
}

/// Applies an event. Returns whether it is the acceptance of the connection.
fn handle(event: Event, client: &AsyncClient, topics: &Topics, session: &Session) -> bool {
    match event {
        Event::Incoming(Incoming::ConnAck(_)) => {
            // What the broker retains follows.
            session.active.borrow_mut().clear();
            session.trackers.borrow_mut().clear();
            let subscribed = [topics.all_active(), topics.all_aircraft(), topics.availability()]
                .into_iter()
                .all(|filter| client.try_subscribe(filter, QoS::AtLeastOnce).is_ok());
            if !subscribed {
                log::warn!("failed to subscribe to the active alerts of the MQTT broker");
            }
            announce(client, topics);
            session.link.send_replace(Link::Connected);
            return true;
        }
        Event::Incoming(Incoming::Publish(message)) => receive(&message, client, topics, session),
        Event::Incoming(_) | Event::Outgoing(_) => {}
    }
    false
}

fn receive(message: &Publish, client: &AsyncClient, topics: &Topics, session: &Session) {
    let Ok(topic) = std::str::from_utf8(&message.topic) else { return };
    if topic == topics.availability() {
        // The last will of another process that delivers to the same topics.
        if message.payload == OFFLINE {
            announce(client, topics);
        } else if !message.retain {
            // The announcement of this process: it was published after subscribing, so the retained alerts precede it.
            session.set_synchronized();
        }
        return;
    }
    if let Some(icao24) = topics.parse_aircraft(topic) {
        session.trackers.borrow_mut().set(icao24, &message.payload);
        return;
    }
    let Some((rule, icao24)) = topics.parse_active(topic) else { return };
    let mut active = session.active.borrow_mut();
    if active.set(rule, icao24, !message.payload.is_empty()) {
        // Another process may have published the rule's state without knowing this alert.
        for publication in rule_state(topics, &active, rule) {
            send(client, publication);
        }
    }
}

fn announce(client: &AsyncClient, topics: &Topics) {
    send(client, Publication { topic: topics.availability(), payload: ONLINE.into(), retained: true });
}

/// Publishes attributes once, without waiting for an acknowledgement.
pub(super) fn send_update(client: &AsyncClient, topic: String, attributes: &Value) {
    if let Err(error) = client.try_publish(topic, attributes.to_string(), PublishOptions::at_most_once()) {
        log::debug!(error:%; "failed to queue a position for the MQTT broker");
    }
}

/// Publishes without waiting, since this is called by the loop that would send it.
fn send(client: &AsyncClient, Publication { topic, payload, retained }: Publication) {
    let options = PublishOptions::at_least_once().retain(retained);
    if let Err(error) = client.try_publish(topic, payload, options) {
        log::warn!(error:%; "failed to queue a message for the MQTT broker");
    }
}

/// Prepares a connection. With topics, the last will of the process is published on them.
fn open(settings: &EndpointSettings, topics: Option<&Topics>) -> Result<(AsyncClient, EventLoop), DeliveryError> {
    let url = settings.address.as_ref().map(crate::notify::EndpointAddress::url);
    let (url, host) = url.and_then(|url| Some((url, url.host_str()?))).ok_or_else(|| invalid("it has no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let is_encrypted = url.scheme() == "mqtts";
    let port = url.port().unwrap_or(if is_encrypted { 8883 } else { 1883 });
    let id = format!("flight-monitor-{}-{:08x}", settings.name, rand::random::<u32>());
    let mut options = MqttOptions::new(id, (host.clone(), port));
    options.set_keep_alive(KEEP_ALIVE_SECONDS).set_clean_session(true).set_max_packet_size(MAX_PACKET, MAX_PACKET);
    if let Some(topics) = topics {
        options.set_last_will(LastWill::new(topics.availability(), OFFLINE, QoS::AtLeastOnce, true));
    }
    if is_encrypted {
        let tls = tls_client(settings.network.authorities.clone());
        options.set_transport(Transport::Tls(TlsConfiguration::Rustls(Arc::new(tls))));
    }
    match (&settings.user, &settings.password) {
        (Some(user), Some(password)) => {
            options.set_credentials(user.as_str(), password.expose().as_bytes().to_vec());
        }
        (Some(user), None) => {
            options.set_username(user.as_str());
        }
        (None, _) => {}
    }
    let guard = settings.guard();
    options.set_socket_connector(move |_, _| {
        let host = host.clone();
        async move { guard.connect(&host, port).await }
    });
    let (client, mut events) =
        AsyncClient::builder(options).capacity(CHANNEL).try_build().map_err(|error| invalid(&error.to_string()))?;
    events.network_options.set_connection_timeout(settings.timeout.as_secs().max(1));
    Ok((client, events))
}

fn silent() -> DeliveryError {
    DeliveryError::unavailable("the broker does not respond")
}

fn invalid(reason: &str) -> DeliveryError {
    DeliveryError::Refused(format!("the address or the credentials cannot be used: {reason}"))
}

fn classify(error: &ConnectionError) -> DeliveryError {
    use ConnectReturnCode::{BadClientId, BadUserNamePassword, NotAuthorized, RefusedProtocolVersion};
    match error {
        ConnectionError::ConnectionRefused(code) => {
            let reason = format!("the broker refused the connection: {code:?}");
            match code {
                BadClientId | BadUserNamePassword | NotAuthorized | RefusedProtocolVersion => {
                    DeliveryError::Refused(reason)
                }
                _ => DeliveryError::unavailable(reason),
            }
        }
        ConnectionError::Io(io) if io.get_ref().is_some_and(|error| error.is::<BlockedAddress>()) => {
            DeliveryError::Refused(io.to_string())
        }
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => silent(),
        error => DeliveryError::unavailable(error.to_string()),
    }
}
