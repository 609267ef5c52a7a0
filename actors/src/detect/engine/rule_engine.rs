use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;

use super::aircraft::{Aircraft, Memory};
use super::evaluate::{Context, verdict};
use super::limits::{MAX_ACTIVE, MAX_AIRCRAFT, MAX_SILENCE};
use super::timers::Timers;
use super::watermark::Watermark;
use crate::detect::{Alert, Condition, RuleFacts, RuleSet, RuleSpec};
use crate::domain::{Icao24, StateVector, UnixTime};

/// Applies rules to states, in the order of the log.
///
/// The result depends only on the states and their order: time is the `last_contact` of the states, and silence is
/// decided by the newest `last_contact` of all aircraft (the *watermark*), never by a clock. A process that takes over
/// a partition applies the states of the last [`RuleEngine::look_back`] before its position, ignores the alerts, and
/// then calls [`RuleEngine::restore`] with the newest alert of each rule and aircraft. From then on it continues as the
/// previous owner would have, except that an aircraft of which nothing was heard in that time is new.
#[derive(Clone, Debug)]
pub struct RuleEngine {
    rules: Arc<RuleSet>,
    pub(super) aircraft: HashMap<Icao24, Aircraft, RandomState>,
    timers: Timers,
    watermark: Watermark,
    active: usize,
    look_back: i64,
    /// For how many seconds a silent aircraft is remembered. Every pause after an alert is over by then.
    memory: i64,
    /// Buffers that are used again.
    inside: Vec<u32>,
    candidates: Vec<u32>,
}

impl Default for RuleEngine {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl RuleEngine {
    /// Creates an engine without alerts.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        Self {
            look_back: look_back(&rules),
            memory: memory(&rules),
            rules,
            aircraft: HashMap::default(),
            timers: Timers::default(),
            watermark: Watermark::default(),
            active: 0,
            inside: Vec::new(),
            candidates: Vec::new(),
        }
    }

    /// How much of the log before a position decides what the rules do after it.
    pub fn look_back(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.look_back).unwrap_or(0))
    }

    /// Processes a state, and returns the alerts that end or start. A state that is not newer than the newest one of
    /// its aircraft changes nothing.
    pub fn update(&mut self, state: &Arc<StateVector>) -> Vec<Alert> {
        self.update_with(state, None)
    }

    /// Processes a state of an aircraft of which enrichment knows something.
    pub fn update_with(&mut self, state: &Arc<StateVector>, facts: Option<&Arc<RuleFacts>>) -> Vec<Alert> {
        let mut changes = Vec::new();
        self.apply(state, facts, &mut changes);
        if let Some(now) = self.watermark.advance(state.icao24, state.last_contact.0) {
            self.fire(now, &mut changes);
        }
        changes
    }

    fn apply(&mut self, state: &Arc<StateVector>, facts: Option<&Arc<RuleFacts>>, changes: &mut Vec<Alert>) {
        let at = state.last_contact.0;
        let rules = self.rules.clone();
        if self.aircraft.len() >= MAX_AIRCRAFT && !self.aircraft.contains_key(&state.icao24) {
            self.forget_earliest(changes);
        }
        let aircraft = self.aircraft.entry(state.icao24).or_insert_with(|| Aircraft::new(at));
        if aircraft.seen && at <= aircraft.last {
            return;
        }
        if at - aircraft.last >= MAX_SILENCE {
            // The watermark may not have passed the end of that hour, if no other aircraft was heard in it.
            end_all(aircraft, &mut self.active, changes);
        }
        aircraft.observe(state, facts, &rules, &mut self.inside);
        let deadline = at + rules.silences().first().map_or(MAX_SILENCE, |(seconds, _)| *seconds);
        if aircraft.timer.is_none_or(|timer| timer > deadline) {
            aircraft.timer = Some(deadline);
            self.timers.push(deadline, state.icao24);
        }

        let candidates = &mut self.candidates;
        candidates.clear();
        candidates.extend_from_slice(rules.always());
        let entered = aircraft.entered_fences(at);
        for fence in aircraft.fences_now().iter().copied().chain(entered) {
            candidates.extend_from_slice(rules.by_fence(fence));
        }
        candidates.extend(aircraft.rules.iter().map(|memory| memory.rule));
        candidates.sort_unstable();
        candidates.dedup();
        for &number in candidates.iter() {
            let Some(rule) = rules.rules().get(number as usize) else { continue };
            let verdict = verdict(&rule.when, &Context { state, aircraft, silence: 0 });
            step((number, rule), verdict, at, (aircraft, state), (&mut self.active, changes));
        }
        aircraft.rules.retain(|memory| !memory.is_over(at, rules.rules()));
    }

    /// Decides what the silence of aircraft means, now that the watermark has reached a time.
    fn fire(&mut self, now: i64, changes: &mut Vec<Alert>) {
        let first = changes.len();
        let rules = self.rules.clone();
        while let Some((deadline, icao24)) = self.timers.due(now) {
            let Some(aircraft) = self.aircraft.get_mut(&icao24).filter(|aircraft| aircraft.timer == Some(deadline))
            else {
                continue;
            };
            let silence = now - aircraft.last;
            for (seconds, numbers) in rules.silences() {
                if *seconds <= aircraft.handled || *seconds > silence {
                    continue;
                }
                aircraft.handled = *seconds;
                for &number in numbers {
                    let Some(rule) = rules.rules().get(number as usize) else { continue };
                    let Some(state) = aircraft.state.clone() else { continue };
                    let verdict = verdict(&rule.when, &Context { state: &state, aircraft, silence: *seconds });
                    let at = aircraft.last + *seconds;
                    if verdict == Some(true) {
                        step((number, rule), verdict, at, (aircraft, &state), (&mut self.active, changes));
                    }
                }
            }
            if silence >= MAX_SILENCE {
                end_all(aircraft, &mut self.active, changes);
            }
            if silence >= self.memory {
                self.aircraft.remove(&icao24);
                continue;
            }
            let next = rules.silences().iter().map(|(seconds, _)| *seconds).chain([MAX_SILENCE, self.memory]);
            let next = next.filter(|seconds| *seconds > silence).min().unwrap_or(self.memory);
            let deadline = aircraft.last + next;
            aircraft.timer = Some(deadline);
            self.timers.push(deadline, icao24);
        }
        if let Some(fired) = changes.get_mut(first..) {
            fired.sort_by(|a, b| {
                let key = |alert: &Alert| (alert.ended.unwrap_or(alert.since), alert.icao24);
                key(a).cmp(&key(b)).then_with(|| a.rule.cmp(&b.rule))
            });
        }
    }

    /// Forgets the aircraft with the earliest deadline, which is about the one that has been silent for longest.
    fn forget_earliest(&mut self, changes: &mut Vec<Alert>) {
        while let Some((deadline, icao24)) = self.timers.due(i64::MAX) {
            if self.aircraft.get(&icao24).is_none_or(|aircraft| aircraft.timer != Some(deadline)) {
                continue;
            }
            if let Some(mut aircraft) = self.aircraft.remove(&icao24) {
                end_all(&mut aircraft, &mut self.active, changes);
            }
            return;
        }
    }

    /// Replaces what is known about alerts by the newest alert of each rule and aircraft. Those that have ended matter
    /// for the pause after an alert. Returns, as ended, those of rules that do not exist.
    pub fn restore(&mut self, alerts: impl IntoIterator<Item = Alert>) -> Vec<Alert> {
        for aircraft in self.aircraft.values_mut() {
            aircraft.rules.iter_mut().for_each(Memory::forget_alert);
        }
        self.active = 0;
        let (rules, mut orphans) = (self.rules.clone(), Vec::new());
        for alert in alerts {
            let Some(number) = rules.rules().iter().position(|rule| rule.name == alert.rule) else {
                if alert.ended.is_none() {
                    let known = self.aircraft.get(&alert.icao24).map_or(alert.since.0, |aircraft| aircraft.last);
                    orphans.push(Alert { ended: Some(UnixTime(known.max(alert.since.0))), ..alert });
                }
                continue;
            };
            let heard = alert.ended.unwrap_or(alert.since).0;
            let known = self.aircraft.entry(alert.icao24).or_insert_with(|| Aircraft::new(heard));
            if known.timer.is_none() {
                let deadline = known.last + rules.silences().first().map_or(MAX_SILENCE, |(seconds, _)| *seconds);
                known.timer = Some(deadline);
                self.timers.push(deadline, alert.icao24);
            }
            let memory = known.memory(u32::try_from(number).unwrap_or(u32::MAX));
            memory.ended = alert.ended.map(|ended| ended.0);
            if alert.ended.is_none() {
                memory.alert = Some(alert);
                self.active += 1;
            }
        }
        orphans
    }

    /// Applies other rules from now on, and returns the alerts that end: those of rules that were removed or changed.
    /// Rules and fences that are the same continue with what is remembered of them. A pause after an alert continues if
    /// there is a rule of that name.
    pub fn replace_rules(&mut self, rules: Arc<RuleSet>) -> Vec<Alert> {
        let mut changes = Vec::new();
        let successor = |old: &RuleSpec| {
            let number = rules.rules().iter().position(|new| new.name == old.name)?;
            Some((u32::try_from(number).ok()?, rules.rules()[number].is_same(old)))
        };
        let successors: Vec<_> = self.rules.rules().iter().map(successor).collect();
        let first_silence = rules.silences().first().map_or(MAX_SILENCE, |(seconds, _)| *seconds);
        for (icao24, aircraft) in &mut self.aircraft {
            let last = aircraft.last;
            aircraft.rules.retain_mut(|memory| match successors.get(memory.rule as usize).copied().flatten() {
                Some((number, true)) => {
                    memory.rule = number;
                    true
                }
                other => {
                    end(memory, last, &mut self.active, &mut changes);
                    memory.pending = None;
                    memory.rule = other.map_or(memory.rule, |(number, _)| number);
                    other.is_some()
                }
            });
            aircraft.replace_fences(&self.rules, &rules, &mut self.inside);
            let deadline = last + first_silence;
            if aircraft.timer.is_none_or(|timer| timer > deadline) {
                aircraft.timer = Some(deadline);
                self.timers.push(deadline, *icao24);
            }
        }
        (self.look_back, self.memory) = (look_back(&rules), memory(&rules));
        self.rules = rules;
        changes.sort_by(|a, b| (a.ended, a.icao24, &a.rule).cmp(&(b.ended, b.icao24, &b.rule)));
        changes
    }

    /// Returns the active alerts, newest first.
    pub fn active(&self) -> Vec<&Alert> {
        let memories = self.aircraft.values().flat_map(|aircraft| &aircraft.rules);
        let mut alerts: Vec<_> = memories.filter_map(|memory| memory.alert.as_ref()).collect();
        alerts.sort_by(|a, b| (Reverse(a.since), a.icao24, &a.rule).cmp(&(Reverse(b.since), b.icao24, &b.rule)));
        alerts
    }

    /// Returns whether an aircraft has an active alert.
    pub fn is_active(&self, icao24: Icao24) -> bool {
        let aircraft = self.aircraft.get(&icao24);
        aircraft.is_some_and(|aircraft| aircraft.rules.iter().any(|memory| memory.alert.is_some()))
    }

    /// Returns the number of active alerts.
    pub fn count_active(&self) -> usize {
        self.active
    }

    /// Returns the watermark, if it is known.
    pub fn time(&self) -> Option<UnixTime> {
        self.watermark.now().map(UnixTime)
    }

    /// The rules.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }
}

/// Returns for how many seconds before the watermark states affect later decisions.
///
/// The next state of an aircraft can be an hour late, and an hour after a state whose position, or whose time on the
/// ground, it is compared with. A condition that is not met for long enough, or during a pause after an alert, has been
/// met for less than that time.
fn look_back(rules: &RuleSet) -> i64 {
    let is_event = |part: &Condition| {
        use Condition::{Enter, Exit, Landing, LostContact, Takeoff};
        matches!(part, Enter(_) | Exit(_) | Takeoff | Landing | LostContact(_))
    };
    let longest = rules.rules().iter().map(|rule| rule.hold.max(rule.cooldown)).max().unwrap_or(0);
    let has_past = longest > 0 || rules.rules().iter().any(|rule| rule.when.has(&is_event));
    if has_past { longest + 2 * MAX_SILENCE } else { MAX_SILENCE }
}

/// Returns for how many seconds a silent aircraft is remembered.
fn memory(rules: &RuleSet) -> i64 {
    let cooldown = rules.rules().iter().map(|rule| rule.cooldown).max().unwrap_or(0);
    // Its alerts end after an hour at the latest. Until then, and at that second, late states continue with its past.
    cooldown + MAX_SILENCE + 1
}

/// Applies a verdict to what is known about a rule and an aircraft.
fn step(
    (number, rule): (u32, &RuleSpec),
    verdict: Option<bool>,
    at: i64,
    (aircraft, state): (&mut Aircraft, &Arc<StateVector>),
    (active, changes): (&mut usize, &mut Vec<Alert>),
) {
    if verdict == Some(false) {
        if let Some(memory) = aircraft.rules.iter_mut().find(|memory| memory.rule == number) {
            memory.pending = None;
            end(memory, at, active, changes);
        }
        return;
    }
    if verdict.is_none() {
        return;
    }
    let facts = aircraft.facts.clone();
    let facts = facts.as_deref().unwrap_or(&NOTHING_KNOWN);
    let memory = aircraft.memory(number);
    let is_other = |alert: &Alert| rule.restarts_on_other_detail() && alert.detail != rule.detail(state, facts);
    if memory.alert.as_ref().is_some_and(is_other) {
        memory.pending = None;
        end(memory, at, active, changes);
    }
    // A gap of more than an hour between two states that meet the condition interrupts it.
    let pending = memory.pending.filter(|(_, last)| at - last <= MAX_SILENCE).map_or(at, |(since, _)| since);
    memory.pending = Some((pending, at));
    if memory.alert.is_some() {
        return;
    }
    let rests = memory.ended.is_some_and(|ended| at - ended < rule.cooldown);
    if at - pending < rule.hold || rests || *active >= MAX_ACTIVE {
        return;
    }
    let started = Alert::starting(rule.name.clone(), rule.detail(state, facts), state.clone());
    let started = Alert { since: UnixTime(at), ..started };
    memory.alert = Some(started.clone());
    *active += 1;
    changes.push(started);
}

static NOTHING_KNOWN: RuleFacts = RuleFacts { registration: None, aircraft_type: None, operator: None, country: None };

/// Ends the alerts of a silent aircraft, in the order of the rules' names. Its conditions are no longer met.
fn end_all(aircraft: &mut Aircraft, active: &mut usize, changes: &mut Vec<Alert>) {
    let (last, first) = (aircraft.last, changes.len());
    for memory in &mut aircraft.rules {
        memory.pending = None;
        end(memory, last, active, changes);
    }
    if let Some(ended) = changes.get_mut(first..) {
        ended.sort_by(|a, b| a.rule.cmp(&b.rule));
    }
}

/// Ends the alert if one is active.
fn end(memory: &mut Memory, at: i64, active: &mut usize, changes: &mut Vec<Alert>) {
    let Some(alert) = memory.alert.take() else { return };
    let ended = at.max(alert.since.0);
    memory.ended = Some(ended);
    *active = active.saturating_sub(1);
    changes.push(Alert { ended: Some(UnixTime(ended)), ..alert });
}
