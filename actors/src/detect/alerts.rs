//! Who cries for help: the transponder codes that every controller looks for, and when a cry begins and ends.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::domain::{Icao24, StateVector, UnixTime};

/// What a transponder code cries for (ICAO Annex 10, volume IV, 2.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emergency {
    /// 7500.
    UnlawfulInterference,
    /// 7600.
    RadioFailure,
    /// 7700.
    General,
}

impl Emergency {
    /// What a code cries for; `None` where it does not.
    pub fn of_squawk(squawk: &str) -> Option<Self> {
        match squawk {
            "7500" => Some(Self::UnlawfulInterference),
            "7600" => Some(Self::RadioFailure),
            "7700" => Some(Self::General),
            _ => None,
        }
    }

    /// The code.
    pub fn squawk(self) -> &'static str {
        match self {
            Self::UnlawfulInterference => "7500",
            Self::RadioFailure => "7600",
            Self::General => "7700",
        }
    }

    /// In words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::UnlawfulInterference => "unlawful interference",
            Self::RadioFailure => "radio failure",
            Self::General => "emergency",
        }
    }
}

/// An aircraft has begun to squawk an emergency. Serialised it is the JSON that `docs/alerts.md` describes.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Which.
    pub emergency: Emergency,
    /// The first state with it.
    pub state: Arc<StateVector>,
}

impl Alert {
    /// When it was first heard.
    pub fn since(&self) -> UnixTime {
        self.state.last_contact
    }
}

impl Serialize for Alert {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut alert = serializer.serialize_struct("Alert", 5)?;
        alert.serialize_field("icao24", &self.state.icao24)?;
        alert.serialize_field("squawk", self.emergency.squawk())?;
        alert.serialize_field("meaning", self.emergency.meaning())?;
        alert.serialize_field("since", &self.since())?;
        alert.serialize_field("state", &*self.state)?;
        alert.end()
    }
}

/// The alerts that are on: one for each aircraft at most.
///
/// It begins with the first state that has the code. It ends when the aircraft is heard with another code, or is unheard
/// for longer than its keeper remembers: a state without a code says nothing of it. Whoever forgets everything, by a
/// restart, begins every alert anew.
#[derive(Clone, Debug, Default)]
pub struct AlertWatch {
    on: BTreeMap<Icao24, On>,
    revision: u64,
}

#[derive(Clone, Debug)]
struct On {
    alert: Alert,
    heard: UnixTime,
}

impl AlertWatch {
    /// Takes note of a state, each newer than the last one of its aircraft, and says whether an alert begins with it.
    pub fn notice(&mut self, state: &Arc<StateVector>) -> Option<Alert> {
        let known = self.on.get_mut(&state.icao24);
        let Some(squawk) = state.squawk.as_deref() else {
            if let Some(on) = known {
                on.heard = state.last_contact;
            }
            return None;
        };
        let Some(emergency) = Emergency::of_squawk(squawk) else {
            if known.is_some() {
                self.end(state.icao24);
            }
            return None;
        };
        if let Some(on) = known.filter(|on| on.alert.emergency == emergency) {
            on.heard = state.last_contact;
            return None;
        }
        let alert = Alert { emergency, state: state.clone() };
        self.on.insert(state.icao24, On { alert: alert.clone(), heard: state.last_contact });
        self.revision += 1;
        Some(alert)
    }

    /// Ends the alert of an aircraft, if there is one.
    pub fn end(&mut self, icao24: Icao24) {
        self.revision += u64::from(self.on.remove(&icao24).is_some());
    }

    /// Ends the alerts of aircraft that were heard last before this.
    pub fn end_unheard(&mut self, oldest: UnixTime) {
        let before = self.on.len();
        self.on.retain(|_, on| on.heard >= oldest);
        self.revision += u64::from(self.on.len() < before);
    }

    /// Those that are on, the newest first.
    pub fn on(&self) -> Vec<&Alert> {
        let mut alerts: Vec<_> = self.on.values().map(|on| &on.alert).collect();
        alerts.sort_by_key(|alert| Reverse(alert.since()));
        alerts
    }

    /// Another one after each change of what [`AlertWatch::on`] says.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::test_support::state;

    fn squawking(icao24: &str, at: i64, squawk: Option<&str>) -> Arc<StateVector> {
        Arc::new(StateVector { squawk: squawk.map(Into::into), ..state(icao24, at) })
    }

    fn on(watch: &AlertWatch) -> Vec<(String, &'static str, i64)> {
        let alerts = watch.on().into_iter();
        alerts.map(|a| (a.state.icao24.to_string(), a.emergency.squawk(), a.since().0)).collect()
    }

    #[test]
    fn an_alert_begins_once_and_ends_with_another_code_or_with_silence() {
        let mut watch = AlertWatch::default();
        let mut check = |icao24: &str, at, squawk, begins: bool, expected: &[(&str, &'static str, i64)]| {
            let before = (on(&watch), watch.revision());
            let begun = watch.notice(&squawking(icao24, at, squawk));
            assert_eq!(begun.is_some(), begins, "{icao24} at {at}");
            let expected: Vec<_> = expected.iter().map(|(i, s, t)| ((*i).to_owned(), *s, *t)).collect();
            assert_eq!(on(&watch), expected, "{icao24} at {at}");
            assert_eq!(watch.revision() != before.1, on(&watch) != before.0, "{icao24} at {at}");
        };
        check("aaaaaa", 1, Some("1000"), false, &[]);
        check("aaaaaa", 2, None, false, &[]);
        check("aaaaaa", 3, Some("7700"), true, &[("aaaaaa", "7700", 3)]);
        check("aaaaaa", 4, Some("7700"), false, &[("aaaaaa", "7700", 3)]);
        check("aaaaaa", 5, None, false, &[("aaaaaa", "7700", 3)]);
        check("aaaaaa", 6, Some("7700"), false, &[("aaaaaa", "7700", 3)]);
        check("bbbbbb", 6, Some("7600"), true, &[("bbbbbb", "7600", 6), ("aaaaaa", "7700", 3)]);
        check("aaaaaa", 7, Some("7500"), true, &[("aaaaaa", "7500", 7), ("bbbbbb", "7600", 6)]);
        check("aaaaaa", 8, Some("2000"), false, &[("bbbbbb", "7600", 6)]);
        check("aaaaaa", 9, Some("7500"), true, &[("aaaaaa", "7500", 9), ("bbbbbb", "7600", 6)]);
        check("bbbbbb", 10, None, false, &[("aaaaaa", "7500", 9), ("bbbbbb", "7600", 6)]);
        watch.end_unheard(UnixTime(10));
        assert_eq!(on(&watch), [("bbbbbb".to_owned(), "7600", 6)], "a state without a code is heard, too");
        watch.end_unheard(UnixTime(11));
        assert_eq!(on(&watch), []);
    }

    /// What other programs read, to the byte.
    #[test]
    fn an_alert_is_this_json() {
        let alert = AlertWatch::default().notice(&squawking("4b1814", 1_700_000_001, Some("7600"))).unwrap();
        let text = serde_json::to_string(&alert).unwrap();
        let start = r#"{"icao24":"4b1814","squawk":"7600","meaning":"radio failure","since":1700000001,"state":{"icao24":"4b1814","callsign":null,"#;
        assert!(text.starts_with(start), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["state"], serde_json::to_value(&*alert.state).unwrap());
        assert_eq!(value["state"]["squawk"], json!("7600"));
    }

    proptest! {
        /// Looked at one after another: an alert begins where the last code that was heard of the aircraft was another one.
        #[test]
        fn each_alert_is_raised_once_until_it_ends(
            heard in prop::collection::vec((0_u32..3, prop::option::of(prop::sample::select(vec!["7500", "7600", "7700", "1000", ""]))), 0..60),
        ) {
            let (mut watch, mut last) = (AlertWatch::default(), BTreeMap::new());
            for (at, (aircraft, squawk)) in heard.into_iter().enumerate() {
                let icao24 = format!("{aircraft:06x}");
                let begun = watch.notice(&squawking(&icao24, at as i64, squawk));
                let before = match squawk {
                    Some(squawk) => last.insert(icao24.clone(), squawk),
                    None => last.get(&icao24).copied(),
                };
                let expected = squawk.filter(|squawk| Some(*squawk) != before).and_then(Emergency::of_squawk);
                prop_assert_eq!(begun.map(|alert| alert.emergency), expected);
                let mut cries: Vec<_> = last.iter().filter(|(_, squawk)| Emergency::of_squawk(squawk).is_some()).map(|(icao24, _)| icao24.clone()).collect();
                let mut known: Vec<_> = watch.on().iter().map(|alert| alert.state.icao24.to_string()).collect();
                cries.sort_unstable();
                known.sort_unstable();
                prop_assert_eq!(known, cries);
            }
        }
    }
}
