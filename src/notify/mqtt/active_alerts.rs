use std::collections::BTreeSet;

/// The active alerts: what the broker retains, and what this process has delivered since.
#[derive(Debug, Default)]
pub(super) struct ActiveAlerts(BTreeSet<(String, String)>);

impl ActiveAlerts {
    /// Records that an alert is active or has ended. Returns whether that is new. The rule is escaped.
    pub(super) fn set(&mut self, rule: &str, icao24: &str, is_active: bool) -> bool {
        let key = (rule.to_owned(), icao24.to_owned());
        if is_active { self.0.insert(key) } else { self.0.remove(&key) }
    }

    /// Forgets everything; the broker sends what it retains after each connection.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the aircraft with an active alert of a rule.
    pub(super) fn of_rule(&self, rule: &str) -> Vec<&str> {
        let of_rule = self.0.iter().filter(|(other, _)| other == rule);
        of_rule.map(|(_, icao24)| icao24.as_str()).collect()
    }

    /// Returns whether an aircraft has an active alert.
    pub(super) fn has(&self, icao24: &str) -> bool {
        self.0.iter().any(|(_, other)| other == icao24)
    }

    /// Returns the number of aircraft with an active alert.
    pub(super) fn aircraft(&self) -> usize {
        self.0.iter().map(|(_, icao24)| icao24).collect::<BTreeSet<_>>().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aircraft_is_active_until_its_last_alert_ends() {
        let mut active = ActiveAlerts::default();
        assert!(active.set("noise", "4b1814", true) && !active.set("noise", "4b1814", true));
        assert!(active.set("fence", "4b1814", true) && active.set("fence", "3c6444", true));
        assert_eq!((active.of_rule("fence"), active.aircraft()), (vec!["3c6444", "4b1814"], 2));
        assert!(active.set("fence", "4b1814", false) && active.has("4b1814"));
        assert!(active.set("noise", "4b1814", false) && !active.has("4b1814"));
        assert_eq!((active.of_rule("noise"), active.aircraft()), (vec![], 1));
    }
}
