use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Alert, RULES, Rule, Verdict};
use crate::domain::{Icao24, StateVector, UnixTime};

/// The maximum number of active alerts, which only a faulty source exceeds. At the limit, no alert starts until another
/// one ends.
const MAX_ACTIVE: usize = 10_000;

/// The active alerts: at most one per aircraft and rule.
///
/// An alert starts with the first state that meets a rule's condition. It ends with the first state that does not, or
/// when the aircraft has been silent for longer than the owner allows. A new watch, such as after a restart, raises all
/// alerts again.
#[derive(Clone, Debug)]
pub struct AlertWatch {
    rules: &'static [&'static dyn Rule],
    active: BTreeMap<(Icao24, &'static str), Active>,
    revision: u64,
}

#[derive(Clone, Debug)]
struct Active {
    alert: Alert,
    last_seen: UnixTime,
}

impl Default for AlertWatch {
    fn default() -> Self {
        Self::with_rules(RULES)
    }
}

impl AlertWatch {
    fn with_rules(rules: &'static [&'static dyn Rule]) -> Self {
        Self { rules, active: BTreeMap::new(), revision: 0 }
    }

    /// Processes a state that is newer than all previous ones of its aircraft, and returns the alerts that end or start
    /// with it.
    pub fn update(&mut self, state: &Arc<StateVector>) -> Vec<Alert> {
        let mut changes = Vec::new();
        for rule in self.rules {
            let verdict = rule.evaluate(state);
            if self.active.is_empty() && !matches!(verdict, Verdict::Met(_)) {
                continue;
            }
            let key = (state.icao24, rule.name());
            let active = self.active.get_mut(&key);
            let detail = match (verdict, active) {
                (Verdict::Met(detail), Some(active)) if *active.alert.detail == *detail => {
                    active.last_seen = state.last_contact;
                    continue;
                }
                (Verdict::Unknown, active) => {
                    active.into_iter().for_each(|active| active.last_seen = state.last_contact);
                    continue;
                }
                (Verdict::NotMet, _) => None,
                (Verdict::Met(detail), _) => Some(detail),
            };
            let ended = self.active.remove(&key).map(|active| active.end(state.last_contact));
            changes.extend(ended);
            if let Some(detail) = detail.filter(|_| !self.is_full()) {
                let alert = Alert::starting(rule.name(), detail, state.clone());
                self.active.insert(key, Active { alert: alert.clone(), last_seen: state.last_contact });
                changes.push(alert);
            }
        }
        self.revision += changes.len() as u64;
        changes
    }

    /// Ends all alerts of an aircraft.
    pub fn end(&mut self, icao24: Icao24) {
        for rule in self.rules {
            self.revision += u64::from(self.active.remove(&(icao24, rule.name())).is_some());
        }
    }

    /// Ends the alerts of aircraft last seen before `oldest`, and returns them.
    pub fn end_silent(&mut self, oldest: UnixTime) -> Vec<Alert> {
        let silent = self.active.extract_if(.., |_, active| active.last_seen < oldest);
        let ended: Vec<_> = silent
            .map(|(_, active)| {
                let last_seen = active.last_seen;
                active.end(last_seen)
            })
            .collect();
        self.revision += ended.len() as u64;
        ended
    }

    /// Replaces the active alerts, each given with the `last_contact` of the newest state of its aircraft. Returns, as
    /// ended, those whose rules do not exist.
    pub fn restore(&mut self, alerts: impl IntoIterator<Item = (UnixTime, Alert)>) -> Vec<Alert> {
        self.active.clear();
        let mut ended = Vec::new();
        for (last_seen, alert) in alerts {
            let active = Active { alert, last_seen };
            match self.rules.iter().find(|rule| rule.name() == &*active.alert.rule) {
                Some(rule) => drop(self.active.insert((active.alert.icao24, rule.name()), active)),
                None => ended.push(active.end(last_seen)),
            }
        }
        self.revision += 1;
        ended
    }

    /// Returns the active alerts, newest first.
    pub fn active(&self) -> Vec<&Alert> {
        let mut alerts: Vec<_> = self.active.values().map(|active| &active.alert).collect();
        alerts.sort_by_key(|alert| Reverse(alert.since));
        alerts
    }

    /// Whether the limit is reached, so that no alert can start.
    pub fn is_full(&self) -> bool {
        self.active.len() >= MAX_ACTIVE
    }

    /// Changes whenever [`AlertWatch::active`] changes.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

impl Active {
    fn end(self, at: UnixTime) -> Alert {
        Alert { ended: Some(at), ..self.alert }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_support::state;

    fn squawking(icao24: &str, at: i64, squawk: Option<&str>) -> Arc<StateVector> {
        Arc::new(StateVector { squawk: squawk.map(Into::into), ..state(icao24, at) })
    }

    /// Returns the aircraft, squawk and start of each active alert.
    fn active(watch: &AlertWatch) -> Vec<(String, String, i64)> {
        let alerts = watch.active().into_iter();
        alerts.map(|a| (a.icao24.to_string(), a.state.squawk.clone().unwrap().into(), a.since.0)).collect()
    }

    /// Returns the alert that starts with this state.
    fn started(watch: &mut AlertWatch, state: &Arc<StateVector>) -> Option<Alert> {
        let changes = watch.update(state);
        assert!(changes.iter().all(|alert| alert.ended.is_none_or(|ended| ended == state.last_contact)));
        let mut started = changes.into_iter().filter(|alert| alert.ended.is_none());
        let first = started.next();
        assert_eq!(started.next(), None);
        first
    }

    #[test]
    fn an_alert_starts_once_and_ends_with_another_code_or_silence() {
        let mut watch = AlertWatch::default();
        let mut check = |icao24: &str, at, squawk, starts: bool, expected: &[(&str, &str, i64)]| {
            let before = (active(&watch), watch.revision());
            let alert = started(&mut watch, &squawking(icao24, at, squawk));
            assert_eq!(alert.is_some(), starts, "{icao24} at {at}");
            let expected: Vec<_> = expected.iter().map(|(i, s, t)| ((*i).to_owned(), (*s).to_owned(), *t)).collect();
            assert_eq!(active(&watch), expected, "{icao24} at {at}");
            assert_eq!(watch.revision() != before.1, active(&watch) != before.0, "{icao24} at {at}");
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
        let silent = watch.end_silent(UnixTime(10));
        assert_eq!(silent.iter().map(|a| (a.since.0, a.ended)).collect::<Vec<_>>(), [(9, Some(UnixTime(9)))]);
        let left = [("bbbbbb".to_owned(), "7600".to_owned(), 6)];
        assert_eq!(active(&watch), left, "a state without a code keeps the alert active");
        assert_eq!(watch.end_silent(UnixTime(11)).len(), 1);
        assert_eq!(active(&watch), []);
    }

    fn is_emergency(squawk: &&str) -> bool {
        ["7500", "7600", "7700"].contains(squawk)
    }

    /// A rule that is met below 300 m. Its name can be chosen.
    #[derive(Debug)]
    struct Named(&'static str);

    impl Rule for Named {
        fn name(&self) -> &'static str {
            self.0
        }

        fn evaluate(&self, state: &StateVector) -> Verdict {
            match state.baro_altitude {
                Some(altitude) if altitude < 300.0 => Verdict::Met("below 300 m"),
                Some(_) => Verdict::NotMet,
                None => Verdict::Unknown,
            }
        }
    }

    fn at_altitude(icao24: u32, at: i64, altitude: f64) -> Arc<StateVector> {
        Arc::new(StateVector { baro_altitude: Some(altitude), ..state(&format!("{icao24:06x}"), at) })
    }

    #[test]
    fn each_rule_raises_its_own_alert() {
        let mut watch = AlertWatch::with_rules(&[&Named("one"), &Named("two")]);
        let rules = |alerts: Vec<Alert>| {
            let changes = alerts.iter().map(|a| (a.rule.to_string(), a.ended.map(|at| at.0)));
            changes.collect::<Vec<_>>()
        };
        assert_eq!(rules(watch.update(&at_altitude(1, 10, 100.0))), [("one".into(), None), ("two".into(), None)]);
        assert_eq!(rules(watch.update(&at_altitude(1, 20, 200.0))), []);
        assert_eq!(
            rules(watch.update(&at_altitude(1, 30, 300.0))),
            [("one".into(), Some(30)), ("two".into(), Some(30))]
        );
        watch.update(&at_altitude(1, 40, 0.0));
        watch.end(Icao24::from_u32(1));
        assert_eq!((watch.active().len(), watch.revision()), (0, 8));
    }

    #[test]
    fn active_alerts_are_bounded() {
        let mut watch = AlertWatch::with_rules(&[&Named("one")]);
        for icao24 in 0..MAX_ACTIVE as u32 {
            assert_eq!(watch.update(&at_altitude(icao24, 10, 100.0)).len(), 1);
        }
        let late = MAX_ACTIVE as u32;
        assert_eq!(watch.update(&at_altitude(late, 20, 100.0)), []);
        watch.update(&at_altitude(0, 30, 300.0));
        assert_eq!(watch.update(&at_altitude(late, 40, 100.0)).len(), 1);
        assert_eq!(watch.active().len(), MAX_ACTIVE);
    }

    fn squawk() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["7500", "7600", "7700", "1000", ""])
    }

    proptest! {
        /// An alert must start exactly if the aircraft's last known squawk was different.
        #[test]
        fn each_alert_starts_once_until_it_ends(
            received in prop::collection::vec((0_u32..3, prop::option::of(squawk())), 0..60),
        ) {
            let (mut watch, mut last) = (AlertWatch::default(), BTreeMap::new());
            for (at, (aircraft, squawk)) in received.into_iter().enumerate() {
                let icao24 = format!("{aircraft:06x}");
                let alert = started(&mut watch, &squawking(&icao24, at as i64, squawk));
                let before = match squawk {
                    Some(squawk) => last.insert(icao24.clone(), squawk),
                    None => last.get(&icao24).copied(),
                };
                let expected = squawk.filter(|squawk| Some(*squawk) != before).filter(is_emergency);
                let code = alert.and_then(|alert| alert.state.squawk.clone());
                prop_assert_eq!(code.as_deref(), expected);
                let emergencies = last.iter().filter(|(_, squawk)| is_emergency(squawk));
                let mut expected: Vec<_> = emergencies.map(|(icao24, _)| icao24.clone()).collect();
                let mut known: Vec<_> = watch.active().iter().map(|alert| alert.icao24.to_string()).collect();
                expected.sort_unstable();
                known.sort_unstable();
                prop_assert_eq!(known, expected);
            }
        }
    }
}
