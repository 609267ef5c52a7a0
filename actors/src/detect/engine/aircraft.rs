use std::sync::Arc;

use super::limits::{EVENT_DURATION, MAX_SILENCE};
use crate::detect::{Alert, RuleFacts, RuleSet, RuleSpec};
use crate::domain::StateVector;

/// A position that is older than this when the state is reported is not known.
const MAX_POSITION_AGE: i64 = 60;

/// Slower aircraft that report to be in the air may be on the ground (m/s).
const MIN_FLIGHT_SPEED: f64 = 15.0;

/// An aircraft that climbs or descends faster is in the air (m/s).
const MIN_VERTICAL_RATE: f64 = 1.0;

/// Faster aircraft that report to be on the ground are not (m/s).
const MAX_GROUND_SPEED: f64 = 130.0;

/// What is remembered about an aircraft.
#[derive(Clone, Debug)]
pub(super) struct Aircraft {
    /// The `last_contact` of its newest state.
    pub(super) last: i64,
    /// Whether a state was seen. Without one, only alerts are known.
    pub(super) seen: bool,
    /// The newest state, if a rule watches for silence.
    pub(super) state: Option<Arc<StateVector>>,
    pub(super) facts: Option<Arc<RuleFacts>>,
    /// The deadline of its entry in the timers.
    pub(super) timer: Option<i64>,
    /// The longest silence since the newest state that was handled.
    pub(super) handled: i64,
    pub(super) rules: Vec<Memory>,
    /// The fences around the newest known position, and its time.
    inside: Vec<u32>,
    position_at: Option<i64>,
    /// That position.
    position: (f64, f64),
    /// Whether the aircraft was last known to be on the ground, and when.
    ground: Option<(bool, i64)>,
    events: Vec<(Event, i64)>,
}

/// A change between two states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Entered(u32),
    Left(u32),
    TookOff,
    Landed,
}

/// What is remembered about a rule and an aircraft.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub(super) rule: u32,
    /// The active alert.
    pub(super) alert: Option<Alert>,
    /// Since when the condition is met, and when it was last met. Kept during an alert, so that it does not depend on
    /// whether a process that reads the log again takes the alert for one that begins.
    pub(super) pending: Option<(i64, i64)>,
    /// When the previous alert ended.
    pub(super) ended: Option<i64>,
}

impl Memory {
    /// Whether nothing needs to be remembered any more.
    pub(super) fn is_over(&self, now: i64, rules: &[RuleSpec]) -> bool {
        let cooldown = rules.get(self.rule as usize).map_or(0, |rule| rule.cooldown);
        self.alert.is_none() && self.pending.is_none() && self.ended.is_none_or(|ended| now - ended >= cooldown)
    }

    pub(super) fn forget_alert(&mut self) {
        (self.alert, self.ended) = (None, None);
    }
}

impl Aircraft {
    pub(super) fn new(last: i64) -> Self {
        Self {
            last,
            seen: false,
            state: None,
            facts: None,
            timer: None,
            handled: 0,
            rules: Vec::new(),
            inside: Vec::new(),
            position_at: None,
            position: (0.0, 0.0),
            ground: None,
            events: Vec::new(),
        }
    }

    pub(super) fn memory(&mut self, rule: u32) -> &mut Memory {
        let place = self.rules.iter().position(|memory| memory.rule == rule).unwrap_or_else(|| {
            self.rules.push(Memory { rule, alert: None, pending: None, ended: None });
            self.rules.len() - 1
        });
        &mut self.rules[place]
    }

    /// Takes a newer state into account.
    pub(super) fn observe(
        &mut self,
        state: &Arc<StateVector>,
        facts: Option<&Arc<RuleFacts>>,
        rules: &RuleSet,
        buffer: &mut Vec<u32>,
    ) {
        let at = state.last_contact.0;
        (self.last, self.seen, self.handled) = (at, true, 0);
        self.facts = facts.cloned();
        if !rules.silences().is_empty() {
            self.state = Some(state.clone());
        }
        self.events.retain(|(_, time)| at - time < EVENT_DURATION);
        if let Some((lat, lon)) = position(state) {
            rules.index().find(lat, lon, buffer);
            if self.position_at.is_some_and(|before| at - before <= MAX_SILENCE) {
                let (before, now) = (&self.inside, &*buffer);
                let entered =
                    now.iter().filter(|fence| before.binary_search(fence).is_err()).map(|fence| Event::Entered(*fence));
                let left =
                    before.iter().filter(|fence| now.binary_search(fence).is_err()).map(|fence| Event::Left(*fence));
                self.events.extend(entered.chain(left).map(|event| (event, at)));
            }
            std::mem::swap(&mut self.inside, buffer);
            (self.position_at, self.position) = (Some(at), (lat, lon));
        }
        if let Some(on_ground) = is_on_ground(state) {
            let before = self.ground.filter(|(_, time)| at - time <= MAX_SILENCE).map(|(before, _)| before);
            match (before, on_ground) {
                (Some(true), false) => self.events.push((Event::TookOff, at)),
                (Some(false), true) => self.events.push((Event::Landed, at)),
                _ => {}
            }
            self.ground = Some((on_ground, at));
        }
    }

    /// Locates the aircraft within other fences. Entering and leaving one is remembered if the fence still exists.
    pub(super) fn replace_fences(&mut self, old: &RuleSet, new: &RuleSet, buffer: &mut Vec<u32>) {
        let successor = |fence: u32| {
            let digest = old.fence_digests().get(fence as usize)?;
            let number = new.fence_digests().iter().position(|each| each == digest)?;
            u32::try_from(number).ok()
        };
        self.events = std::mem::take(&mut self.events)
            .into_iter()
            .filter_map(|(event, at)| {
                let event = match event {
                    Event::Entered(fence) => Event::Entered(successor(fence)?),
                    Event::Left(fence) => Event::Left(successor(fence)?),
                    Event::TookOff | Event::Landed => event,
                };
                Some((event, at))
            })
            .collect();
        buffer.clear();
        if self.position_at.is_some() {
            let (lat, lon) = self.position;
            new.index().find(lat, lon, buffer);
        }
        std::mem::swap(&mut self.inside, buffer);
    }

    /// The fences around the position of the newest state; none if it is unknown.
    pub(super) fn fences_now(&self) -> &[u32] {
        if self.position_at == Some(self.last) { &self.inside } else { &[] }
    }

    /// The fences that the aircraft entered within the last minute.
    pub(super) fn entered_fences(&self, now: i64) -> impl Iterator<Item = u32> + use<> {
        let events = self.events.iter().filter(move |(_, time)| now - time < EVENT_DURATION);
        let fences: Vec<_> = events
            .filter_map(|(event, _)| match event {
                Event::Entered(fence) => Some(*fence),
                _ => None,
            })
            .collect();
        fences.into_iter()
    }

    /// Whether the aircraft is inside a fence. A silent aircraft is where it was last seen.
    pub(super) fn is_inside(&self, fence: u32, silence: i64) -> Option<bool> {
        let known_at = self.position_at?;
        let is_known = if silence > 0 { self.last - known_at <= MAX_SILENCE } else { known_at == self.last };
        is_known.then(|| self.inside.binary_search(&fence).is_ok())
    }

    /// Whether an event happened within the last minute before a time.
    pub(super) fn has_recent(&self, event: Event, now: i64) -> bool {
        self.events.iter().any(|(each, time)| *each == event && now - time < EVENT_DURATION)
    }
}

/// Returns the position of a state, unless it is old.
fn position(state: &StateVector) -> Option<(f64, f64)> {
    let age = state.time_position.map_or(0, |time| state.last_contact.0.saturating_sub(time.0));
    if age > MAX_POSITION_AGE { None } else { state.lat.zip(state.lon) }
}

/// Whether the aircraft is on the ground; `None` if the report is implausible.
fn is_on_ground(state: &StateVector) -> Option<bool> {
    if state.on_ground? {
        let is_plausible = state.velocity.is_none_or(|speed| speed <= MAX_GROUND_SPEED);
        return is_plausible.then_some(true);
    }
    let is_fast = state.velocity.is_some_and(|speed| speed >= MIN_FLIGHT_SPEED);
    let climbs = state.vertical_rate.is_some_and(|rate| rate.abs() >= MIN_VERTICAL_RATE);
    (is_fast || climbs).then_some(false)
}
