use actors::notification::escape_name;

/// The topics of an endpoint. Rules are escaped, because a topic cannot contain every character.
#[derive(Clone, Debug)]
pub(super) struct Topics {
    prefix: String,
    discovery: Option<String>,
    node: String,
}

impl Topics {
    pub(super) fn new(prefix: &str, discovery: Option<&str>) -> Self {
        Self { prefix: prefix.to_owned(), discovery: discovery.map(str::to_owned), node: escape_name(prefix) }
    }

    /// Whether a process that delivers to the broker is connected: `online` or `offline`.
    pub(super) fn availability(&self) -> String {
        format!("{}/status", self.prefix)
    }

    /// Every notification, not retained.
    pub(super) fn alerts(&self) -> String {
        format!("{}/alerts", self.prefix)
    }

    /// An active alert, retained until it ends.
    pub(super) fn active(&self, rule: &str, icao24: &str) -> String {
        format!("{}/active/{rule}/{icao24}", self.prefix)
    }

    /// The filter of all active alerts.
    pub(super) fn all_active(&self) -> String {
        format!("{}/active/+/+", self.prefix)
    }

    /// Returns the escaped rule and the aircraft of the topic of an active alert.
    pub(super) fn parse_active<'a>(&self, topic: &'a str) -> Option<(&'a str, &'a str)> {
        topic.strip_prefix(&self.prefix)?.strip_prefix("/active/")?.split_once('/')
    }

    /// Whether a rule has an active alert: `ON` or `OFF`.
    pub(super) fn rule_state(&self, rule: &str) -> String {
        format!("{}/rules/{rule}/state", self.prefix)
    }

    /// The active alerts of a rule.
    pub(super) fn rule_attributes(&self, rule: &str) -> String {
        format!("{}/rules/{rule}/attributes", self.prefix)
    }

    /// Where an aircraft with an active alert is.
    pub(super) fn aircraft(&self, icao24: &str) -> String {
        format!("{}/aircraft/{icao24}", self.prefix)
    }

    /// The filter of all aircraft with an active alert.
    pub(super) fn all_aircraft(&self) -> String {
        format!("{}/aircraft/+", self.prefix)
    }

    /// Returns the aircraft of the topic that says where it is.
    pub(super) fn parse_aircraft<'a>(&self, topic: &'a str) -> Option<&'a str> {
        topic.strip_prefix(&self.prefix)?.strip_prefix("/aircraft/")
    }

    /// Where Home Assistant discovers the sensor of a rule; `None` without discovery.
    pub(super) fn sensor_config(&self, rule: &str) -> Option<String> {
        Some(format!("{}/binary_sensor/{}/{rule}/config", self.discovery.as_ref()?, self.node))
    }

    /// Where Home Assistant discovers an aircraft; `None` without discovery.
    pub(super) fn tracker_config(&self, icao24: &str) -> Option<String> {
        Some(format!("{}/device_tracker/{}/{icao24}/config", self.discovery.as_ref()?, self.node))
    }

    /// Identifies the device in Home Assistant.
    pub(super) fn node(&self) -> &str {
        &self.node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_of_an_active_alert_names_rule_and_aircraft() {
        let topics = Topics::new("sky/roof", Some("homeassistant"));
        let rule = escape_name("noise at night/1");
        let active = topics.active(&rule, "4b1814");
        assert_eq!(active, "sky/roof/active/noise_20at_20night_2f1/4b1814");
        assert_eq!(topics.parse_active(&active), Some((rule.as_str(), "4b1814")));
        for other in ["sky/roof/alerts", "sky/active/a/b", "sky/roof/active/a", "other"] {
            assert_eq!(topics.parse_active(other), None, "{other}");
        }
        assert_eq!(
            topics.sensor_config("noise").as_deref(),
            Some("homeassistant/binary_sensor/sky_2froof/noise/config")
        );
        assert_eq!(Topics::new("sky", None).tracker_config("4b1814"), None);
    }
}
