//! A second implementation of the rules for comparison: it keeps every state and scans everything for each of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::detect::{Fence, parse_geojson};
use crate::domain::{Icao24, StateVector};

/// A start or an end: rule, aircraft, since, end.
pub(super) type Change = (String, Icao24, i64, Option<i64>);

type Known = (Option<i64>, Option<(i64, i64)>, Option<i64>);

#[derive(Default)]
pub(super) struct Oracle {
    rules: Vec<(String, Value)>,
    fences: BTreeMap<String, Fence>,
    history: BTreeMap<Icao24, Vec<Arc<StateVector>>>,
    /// By aircraft and rule: the alert's start, since when the condition is met, when it was last met, the last end.
    alerts: BTreeMap<(Icao24, usize), Known>,
    watermark: i64,
    fired: BTreeMap<(Icao24, i64), i64>,
}

fn seconds(rule: &Value, key: &str) -> i64 {
    rule[key].as_str().map_or(0, |text| text.strip_suffix('s').unwrap().parse().unwrap())
}

impl Oracle {
    /// Takes a small part of the syntax: durations in seconds, one fence and one pattern per key.
    pub(super) fn new(document: &Value) -> Self {
        let fences = document["fences"].as_object().unwrap().iter();
        let rules = document["rules"].as_object().unwrap().iter();
        Self {
            fences: fences.map(|(name, fence)| (name.clone(), parse_geojson(&fence["geojson"]).unwrap())).collect(),
            rules: rules.map(|(name, rule)| (name.clone(), rule.clone())).collect(),
            watermark: i64::MIN,
            ..Self::default()
        }
    }

    pub(super) fn update(&mut self, state: &Arc<StateVector>) -> Vec<Change> {
        let (at, icao24) = (state.last_contact.0, state.icao24);
        let history = self.history.entry(icao24).or_default();
        let mut changes = Vec::new();
        let last = history.last().map(|last| last.last_contact.0);
        if last.is_none_or(|last| last < at) {
            history.push(state.clone());
            let history = history.clone();
            if let Some(last) = last.filter(|last| at - last >= 3600) {
                for rule in 0..self.rules.len() {
                    self.end(rule, last, icao24, &mut changes);
                    self.alerts.entry((icao24, rule)).or_default().1 = None;
                }
            }
            for rule in 0..self.rules.len() {
                let verdict = self.verdict(&self.rules[rule].1["when"], &history, 0);
                self.step((icao24, rule), verdict, at, &mut changes);
            }
        }
        if at > self.watermark {
            self.watermark = at;
            let mut fired = Vec::new();
            for (icao24, history) in self.history.clone() {
                let last = history.last().unwrap().last_contact.0;
                for silence in [45, 600, 3600] {
                    if silence > self.watermark - last {
                        continue;
                    }
                    if self.fired.get(&(icao24, last)).is_some_and(|fired| *fired >= silence) {
                        continue;
                    }
                    for rule in 0..self.rules.len() {
                        let when = self.rules[rule].1["when"].clone();
                        if silence == 3600 {
                            self.end(rule, last, icao24, &mut fired);
                            self.alerts.entry((icao24, rule)).or_default().1 = None;
                        } else if seconds(&when, "lost_contact") == silence
                            && self.verdict(&when, &history, silence) == Some(true)
                        {
                            self.step((icao24, rule), Some(true), last + silence, &mut fired);
                        }
                    }
                    self.fired.insert((icao24, last), silence);
                }
            }
            fired.sort_by_key(|(rule, icao24, since, ended)| (ended.unwrap_or(*since), *icao24, rule.clone()));
            changes.extend(fired);
        }
        changes
    }

    fn step(&mut self, (icao24, rule): (Icao24, usize), verdict: Option<bool>, at: i64, changes: &mut Vec<Change>) {
        let (hold, cooldown) = (seconds(&self.rules[rule].1, "for"), seconds(&self.rules[rule].1, "cooldown"));
        match verdict {
            None => {}
            Some(false) => {
                self.end(rule, at, icao24, changes);
                self.alerts.entry((icao24, rule)).or_default().1 = None;
            }
            Some(true) => {
                let (alert, met, ended) = self.alerts.entry((icao24, rule)).or_default();
                if alert.is_some() {
                    return;
                }
                let since = met.filter(|(_, last)| at - last <= 3600).map_or(at, |(since, _)| since);
                *met = Some((since, at));
                if at - since >= hold && ended.is_none_or(|ended| at - ended >= cooldown) {
                    (*alert, *met) = (Some(at), None);
                    changes.push((self.rules[rule].0.clone(), icao24, at, None));
                }
            }
        }
    }

    fn end(&mut self, rule: usize, at: i64, icao24: Icao24, changes: &mut Vec<Change>) {
        let (alert, _, ended) = self.alerts.entry((icao24, rule)).or_default();
        if let Some(since) = alert.take() {
            *ended = Some(at.max(since));
            changes.push((self.rules[rule].0.clone(), icao24, since, *ended));
        }
    }

    fn verdict(&self, when: &Value, history: &[Arc<StateVector>], silence: i64) -> Option<bool> {
        let state = history.last().unwrap();
        let mut verdicts = Vec::new();
        for (key, value) in when.as_object().unwrap() {
            let name = value.as_str().unwrap_or_default();
            let limit = |number: Option<f64>, below: &str| number.map(|number| number < below.parse::<f64>().unwrap());
            verdicts.push(match key.as_str() {
                "altitude" => limit(state.baro_altitude, name.trim_matches(|c: char| !c.is_ascii_digit())),
                "callsign" => {
                    state.callsign.as_deref().map(|callsign| callsign.starts_with(name.trim_end_matches('*')))
                }
                "on_ground" => state.on_ground.map(|on_ground| on_ground == value.as_bool().unwrap()),
                "inside" if silence > 0 => self
                    .positions(name, history)
                    .last()
                    .copied()
                    .and_then(|(at, inside)| (state.last_contact.0 - at <= 3600).then_some(inside)),
                "inside" => self.positions(name, &history[history.len() - 1..]).last().map(|(_, inside)| *inside),
                "enter" => Some(turned(&self.positions(name, history), true, state.last_contact.0 + silence)),
                "exit" => Some(turned(&self.positions(name, history), false, state.last_contact.0 + silence)),
                "takeoff" => Some(turned(&grounds(history), false, state.last_contact.0 + silence)),
                "landing" => Some(turned(&grounds(history), true, state.last_contact.0 + silence)),
                "lost_contact" => Some(silence >= seconds(when, "lost_contact")),
                "not" => self.verdict(value, history, silence).map(|met| !met),
                "any" => {
                    let any = value.as_array().unwrap().iter().map(|part| self.verdict(part, history, silence));
                    let any: Vec<_> = any.collect();
                    if any.contains(&Some(true)) { Some(true) } else { (!any.contains(&None)).then_some(false) }
                }
                other => panic!("{other}"),
            });
        }
        if verdicts.contains(&Some(false)) { Some(false) } else { (!verdicts.contains(&None)).then_some(true) }
    }

    /// Whether each known position was inside a fence.
    fn positions(&self, fence: &str, history: &[Arc<StateVector>]) -> Vec<(i64, bool)> {
        let fence = &self.fences[fence];
        let known = history.iter().filter_map(|state| Some((state.last_contact.0, state.lat?, state.lon?)));
        known.map(|(at, lat, lon)| (at, fence.contains(lat, lon))).collect()
    }
}

fn grounds(history: &[Arc<StateVector>]) -> Vec<(i64, bool)> {
    let known = history.iter().filter_map(|state| {
        let is_slow = state.velocity.is_none_or(|speed| speed <= 130.0);
        let is_fast = state.velocity.is_some_and(|speed| speed >= 15.0);
        let plausible = if state.on_ground? { is_slow } else { is_fast };
        plausible.then_some((state.last_contact.0, state.on_ground?))
    });
    known.collect()
}

/// Whether a known value turned to this one within the last minute.
fn turned(values: &[(i64, bool)], to: bool, now: i64) -> bool {
    values.windows(2).any(|pair| {
        let [(before, was), (at, is)] = [pair[0], pair[1]];
        was != to && is == to && at - before <= 3600 && now - at < 60
    })
}
