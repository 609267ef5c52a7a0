use std::time::Duration;

use actors::detector::TrackedAircraft;
use actors::supervision::ConfiguredName;

use crate::config::entries::settings_of;
use crate::config::reader::Reader;
use crate::config::section::{Row, Section, section};
use crate::config::setting::Setting;
use crate::config::values::{RuleNames, Secret, days, mins, secs};
use crate::notify::{EndpointAddress, EndpointKind, EndpointSettings, Hidden};
use crate::sources::http::{Endpoint, Network};

section! {
    /// Where alerts are delivered, each under a name of your choice: webhooks, telephones and MQTT
    /// brokers. The role detect delivers.
    pub struct NotifySection in "notify.<name>", checked by check {
        /// What it is: webhook, ntfy or mqtt; see docs/notifications.md.
        kind: Option<&'static EndpointKind> = "";
        /// Its URL; mqtts:// or mqtt:// and the host of a broker. It is shown without its path, which may be a secret.
        url: Option<EndpointAddress> = "";
        /// The rules whose alerts it receives, such as emergency-squawk or noise-*. Empty: all.
        rules: RuleNames = "";
        /// The key with which a webhook's requests are signed: whsec_ and 24 to 64 bytes in Base64. Empty: unsigned.
        secret: Option<Secret> = "";
        /// The access token, sent as a bearer token.
        token: Option<Secret> = "";
        /// The user name for a broker.
        user: Option<String> = "";
        /// The password for a broker.
        password: Option<Secret> = "";
        /// Whether it may be in a private network or on this machine. Otherwise such addresses are refused when
        /// connecting.
        allow_private: bool = "false";
        /// The timeout of one attempt.
        timeout: Duration = "10s", secs(1)..=mins(2);
        /// How long an alert is retried before it becomes a dead letter.
        max_age: Duration = "1d", mins(1)..=days(7);
        /// The priority of messages on telephones, from 1 (no sound) to 5 (urgent).
        priority: i32 = "4", 1..=5;
        /// The public address of this server's page, for links to the aircraft. Empty: no links.
        page_url: Option<Endpoint> = "";
        /// The first levels of the topics on a broker.
        topic_prefix: String = "flight-monitor";
        /// The first level of the topics on which Home Assistant discovers devices. Empty: it discovers none.
        discovery_prefix: Option<String> = "homeassistant";
        /// How many aircraft with an active alert Home Assistant discovers at the same time.
        max_trackers: i32 = "50", 0..=1000;
    }
}

/// An entry of `notify`.
#[derive(Clone, Debug)]
pub struct NotifyEntry {
    /// Its name.
    pub name: ConfiguredName,
    /// Its kind.
    pub kind: &'static EndpointKind,
    /// Its settings.
    pub settings: NotifySection,
}

impl NotifyEntry {
    /// Parses all entries. If any is invalid, adds the problems to the reader and returns `None`.
    pub(super) fn read_all(reader: &mut Reader) -> Option<Vec<Self>> {
        let template = &NotifySection::SCHEMA;
        let entries = reader.entries_of(template).into_iter().map(|name| {
            let settings = reader.within(template, &name, NotifySection::read)?;
            Some(Self { name: ConfiguredName::new(&name)?, kind: settings.kind?, settings })
        });
        entries.collect::<Vec<_>>().into_iter().collect()
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let settings = settings_of(&NotifySection::SCHEMA, self.name.as_str());
        let rows = settings.iter().zip(self.settings.rows());
        rows.map(|(setting, (_, value))| (setting, value)).collect()
    }

    /// Returns the settings of the endpoint, with the proxies and certificate authorities for its requests.
    pub fn endpoint(&self, network: Network) -> EndpointSettings {
        self.settings.endpoint(self.name.as_str(), network)
    }
}

impl NotifySection {
    fn endpoint(&self, name: &str, network: Network) -> EndpointSettings {
        let hidden = |secret: &Secret| Hidden::new(secret.expose());
        EndpointSettings {
            name: name.to_owned(),
            address: self.url.clone(),
            secret: self.secret.as_ref().map(hidden),
            token: self.token.as_ref().map(hidden),
            user: self.user.clone(),
            password: self.password.as_ref().map(hidden),
            allow_private: self.allow_private,
            timeout: self.timeout,
            priority: self.priority,
            page_url: self.page_url.clone(),
            topic_prefix: self.topic_prefix.clone(),
            discovery_prefix: self.discovery_prefix.clone(),
            max_trackers: usize::try_from(self.max_trackers).unwrap_or(0),
            network,
            tracked: TrackedAircraft::default(),
        }
    }

    fn check(&self, reader: &mut Reader) {
        let Some(kind) = self.kind else {
            return reader.conflict(Self::kind, format!("it is missing; expected {}", Self::kind.expected()));
        };
        if let Err((name, reason)) = kind.check_settings(&self.endpoint("", Network::default())) {
            reader.conflict(Self::named(name), reason);
        }
    }

    /// Returns the setting of this name.
    fn named(name: &str) -> &'static Setting {
        Self::SCHEMA.settings.iter().copied().find(|setting| setting.name() == name).unwrap_or(Self::url)
    }
}
