use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::super::RuleFacts;
use super::condition::{Condition, TextField};
use super::pattern::Patterns;
use super::template::Template;
use crate::detect::emergency::{EMERGENCIES, EMERGENCY_SQUAWK, emergency_meaning};
use crate::detect::fence::{Fence, FenceIndex};
use crate::domain::StateVector;

/// How important the alerts of a rule are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For information.
    Info,
    /// Worth a look. The default.
    #[default]
    Warning,
    /// Needs attention at once.
    Critical,
}

impl Severity {
    pub(super) const NAMES: [(&'static str, Self); 3] =
        [("info", Self::Info), ("warning", Self::Warning), ("critical", Self::Critical)];
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, severity)| severity == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

/// A rule, ready to be evaluated.
#[derive(Clone, Debug)]
pub struct RuleSpec {
    /// The name, unique among the rules.
    pub name: Arc<str>,
    /// The condition.
    pub when: Condition,
    /// For how many seconds the condition must be met before an alert starts.
    pub hold: i64,
    /// For how many seconds after the end of an alert none starts for the same aircraft.
    pub cooldown: i64,
    /// The severity.
    pub severity: Severity,
    pub(super) detail: Detail,
    /// Two rules with the same digest are the same.
    pub(super) digest: u64,
}

/// What an alert says.
#[derive(Clone, Debug)]
pub(super) enum Detail {
    /// The meaning of the squawk. Another one is another alert.
    Emergency,
    Text(Arc<str>),
    Message(Template),
}

impl RuleSpec {
    /// The built-in rule `emergency-squawk`: the transponder codes for emergencies (ICAO Annex 10, volume IV, 2.1.4).
    pub(super) fn emergency_squawk() -> Self {
        let codes = EMERGENCIES.map(|(code, _)| code.into());
        let when = match Patterns::new(codes) {
            Ok(patterns) => Condition::Text(TextField::Squawk, patterns),
            Err(_) => Condition::Any(Vec::new()),
        };
        Self {
            name: EMERGENCY_SQUAWK.into(),
            when,
            hold: 0,
            cooldown: 0,
            severity: Severity::Critical,
            detail: Detail::Emergency,
            digest: 0,
        }
    }

    pub(super) fn with_condition(self, when: Condition) -> Self {
        Self { when, severity: Severity::default(), ..self }
    }

    /// Returns what an alert that starts with a state says.
    pub(in crate::detect) fn detail(&self, state: &StateVector, facts: &RuleFacts) -> Arc<str> {
        match &self.detail {
            Detail::Text(text) => text.clone(),
            Detail::Message(template) => template.fill(state, facts).into(),
            Detail::Emergency => state.squawk.as_deref().and_then(emergency_meaning).unwrap_or("emergency").into(),
        }
    }

    /// Whether it is the same rule, with the same fences.
    pub(in crate::detect) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.digest == other.digest
    }

    /// Whether a changed detail is another alert.
    pub(in crate::detect) fn restarts_on_other_detail(&self) -> bool {
        matches!(self.detail, Detail::Emergency)
    }
}

impl fmt::Display for RuleSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.when)?;
        if self.hold > 0 {
            write!(f, ", for {} s", self.hold)?;
        }
        if self.cooldown > 0 {
            write!(f, "; at most one alert in {} s", self.cooldown)?;
        }
        write!(f, " ({})", self.severity)
    }
}

/// All rules, with the indexes that the engine needs.
#[derive(Clone, Debug)]
pub struct RuleSet {
    rules: Vec<RuleSpec>,
    /// The digests of the fences.
    fences: Vec<u64>,
    index: FenceIndex,
    /// The rules that are evaluated for every state.
    always: Vec<u32>,
    /// The rules that can be met only inside a fence, by fence.
    by_fence: Vec<Vec<u32>>,
    /// The required silences in seconds, ascending, each with its rules.
    silences: Vec<(i64, Vec<u32>)>,
}

impl Default for RuleSet {
    fn default() -> Self {
        Self::new(vec![RuleSpec::emergency_squawk()], &[])
    }
}

impl RuleSet {
    pub(super) fn new(rules: Vec<RuleSpec>, fences: &[Fence]) -> Self {
        let (mut always, mut by_fence) = (Vec::new(), vec![Vec::new(); fences.len()]);
        let mut silences = BTreeSet::new();
        for (rule, number) in rules.iter().zip(0_u32..) {
            match rule.when.required_fences() {
                Some(required) => {
                    for fence in BTreeSet::from_iter(required) {
                        if let Some(rules) = by_fence.get_mut(fence as usize) {
                            rules.push(number);
                        }
                    }
                }
                None => always.push(number),
            }
            collect_silences(&rule.when, number, &mut silences);
        }
        let mut grouped: Vec<(i64, Vec<u32>)> = Vec::new();
        for (seconds, rule) in silences {
            match grouped.last_mut() {
                Some((last, rules)) if *last == seconds => rules.push(rule),
                _ => grouped.push((seconds, vec![rule])),
            }
        }
        Self {
            index: FenceIndex::new(fences),
            fences: fences.iter().map(Fence::digest).collect(),
            rules,
            always,
            by_fence,
            silences: grouped,
        }
    }

    /// The rules.
    pub fn rules(&self) -> &[RuleSpec] {
        &self.rules
    }

    /// The number of fences.
    pub fn fences(&self) -> usize {
        self.fences.len()
    }

    pub(in crate::detect) fn fence_digests(&self) -> &[u64] {
        &self.fences
    }

    pub(in crate::detect) fn index(&self) -> &FenceIndex {
        &self.index
    }

    pub(in crate::detect) fn always(&self) -> &[u32] {
        &self.always
    }

    pub(in crate::detect) fn by_fence(&self, fence: u32) -> &[u32] {
        self.by_fence.get(fence as usize).map_or(&[], Vec::as_slice)
    }

    pub(in crate::detect) fn silences(&self) -> &[(i64, Vec<u32>)] {
        &self.silences
    }
}

fn collect_silences(condition: &Condition, rule: u32, silences: &mut BTreeSet<(i64, u32)>) {
    match condition {
        Condition::LostContact(seconds) => {
            silences.insert((*seconds, rule));
        }
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().for_each(|part| collect_silences(part, rule, silences));
        }
        Condition::Not(part) => collect_silences(part, rule, silences),
        _ => {}
    }
}
