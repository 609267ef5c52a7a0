use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use super::alert::Alert;
use crate::domain::Icao24;

/// Identifies the alerts of a rule and an aircraft, of which at most one is active. Its text is the key of their
/// records: `<rule>/<icao24>`, such as `emergency-squawk/4b1814`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertKey {
    /// The rule's name.
    pub rule: Arc<str>,
    /// The aircraft.
    pub icao24: Icao24,
}

/// A change of the log of alerts.
#[derive(Clone, Debug, PartialEq)]
pub enum AlertChange {
    /// An alert begins or ends.
    Alert(Alert),
    /// The record of an alert that ended a week ago is deleted.
    Forget(AlertKey),
}

/// The text is not the key of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a key of the form <rule>/<icao24>")]
pub struct InvalidAlertKey;

impl From<&Alert> for AlertKey {
    fn from(alert: &Alert) -> Self {
        Self { rule: alert.rule.clone(), icao24: alert.icao24 }
    }
}

impl fmt::Display for AlertKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.rule, self.icao24)
    }
}

impl FromStr for AlertKey {
    type Err = InvalidAlertKey;

    fn from_str(text: &str) -> Result<Self, InvalidAlertKey> {
        let (rule, icao24) = text.rsplit_once('/').ok_or(InvalidAlertKey)?;
        let icao24 = icao24.parse().map_err(|_| InvalidAlertKey)?;
        if rule.is_empty() { Err(InvalidAlertKey) } else { Ok(Self { rule: rule.into(), icao24 }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_from_its_text() {
        let key = AlertKey { rule: "over/the fence".into(), icao24: "4b1814".parse().unwrap() };
        assert_eq!(key.to_string(), "over/the fence/4b1814");
        assert_eq!(key.to_string().parse(), Ok(key));
        for text in ["", "4b1814", "/4b1814", "rule/", "rule/4b181", "rule/4b1814/"] {
            assert_eq!(text.parse::<AlertKey>(), Err(InvalidAlertKey), "{text}");
        }
    }
}
