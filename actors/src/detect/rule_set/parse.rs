use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::Value;

use super::RuleError;
use super::condition::Condition;
use super::parse_condition::MAX_DEPTH;
use super::parse_fence::fence;
use super::parser::RuleParser;
use super::quantity::parse_duration;
use super::reader::{Node, suggestion};
use super::spec::{Detail, RuleSet, RuleSpec, Severity};
use super::template::Template;
use crate::detect::emergency::EMERGENCY_SQUAWK;
use crate::detect::fence::Fence;

/// The maximum number of rules.
const MAX_RULES: usize = 1_000;

impl RuleParser<'_> {
    /// Adds the rules of a document: a mapping with `rules` and `fences`, each a mapping by name.
    ///
    /// # Errors
    /// Returns the first error of each fence and rule.
    pub fn add(&mut self, document: &Value) -> Result<(), Vec<RuleError>> {
        let mut errors = Vec::new();
        if document.is_null() {
            return Ok(());
        }
        let Value::Object(object) = document else {
            return Err(vec![RuleError::new("document", "expected a mapping with the keys rules and fences")]);
        };
        if let Some(key) = object.keys().find(|key| !["rules", "fences"].contains(&key.as_str())) {
            let hint = suggestion(key, ["rules", "fences"].into_iter());
            errors.push(RuleError::new(key.chars().take(64).collect::<String>(), format!("unknown key{hint}")));
        }
        let mut each =
            |section: &str, add: &mut dyn FnMut(&str, &Value) -> Result<(), RuleError>| match object.get(section) {
                None | Some(Value::Null) => {}
                Some(Value::Object(entries)) => {
                    for (name, value) in entries {
                        errors.extend(add(name, value).err());
                    }
                }
                Some(_) => errors.push(RuleError::new(section, "expected a mapping by name")),
            };
        each("fences", &mut |name, value| {
            let node = Node::new(format!("fence {}", checked_name("fence", name)?), value);
            if self.fence_names.contains_key(name) {
                return Err(node.error("defined more than once"));
            }
            let fence = fence(&node, self.files)?;
            let added = self.add_fence(&node, name.to_owned(), fence)?;
            self.fence_names.insert(name.to_owned(), added.index);
            Ok(())
        });
        each("rules", &mut |name, value| {
            let node = Node::new(format!("rule {}", checked_name("rule", name)?), value);
            if self.rules.iter().any(|rule| &*rule.name == name) {
                return Err(node.error("defined more than once"));
            }
            self.rule(name, &node)
        });
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Returns the rules, with the built-in one unless it was disabled or replaced.
    pub fn finish(mut self) -> RuleSet {
        if self.has_emergencies && !self.rules.iter().any(|rule| &*rule.name == EMERGENCY_SQUAWK) {
            self.rules.insert(0, RuleSpec::emergency_squawk());
        }
        RuleSet::new(self.rules, &self.fences)
    }

    fn rule(&mut self, name: &str, node: &Node<'_>) -> Result<(), RuleError> {
        let mut members = node.members()?;
        let enabled = members.take("enabled").map_or(Ok(true), |node| node.flag())?;
        let when = members.take("when");
        let hold = members.take("for");
        let cooldown = members.take("cooldown").map_or(Ok(0), |node| node.parse(parse_duration))?;
        let severity = members.take("severity").map_or(Ok(None), |node| node.choose(&Severity::NAMES).map(Some))?;
        let message = members.take("message").map_or(Ok(None), |node| node.parse(Template::parse).map(Some))?;
        members.finish()?;
        if when.is_none() && name != EMERGENCY_SQUAWK {
            return Err(node.error("lacks the key when"));
        }
        let built_in = RuleSpec::emergency_squawk();
        let mut rule = match when {
            None => built_in,
            Some(when) => {
                let condition = self.condition(&when, MAX_DEPTH)?;
                let detail = Detail::Text(Arc::from(condition.to_string()));
                RuleSpec { name: name.into(), detail, ..built_in.with_condition(condition) }
            }
        };
        if let Some(node) = hold {
            if rule.when.has(&|part| matches!(part, Condition::LostContact(_))) {
                return Err(node.error("cannot be combined with lost_contact, which has a duration of its own"));
            }
            rule.hold = node.parse(parse_duration)?;
        }
        rule.cooldown = cooldown;
        if let Some(severity) = severity {
            rule.severity = severity;
        }
        if let Some(message) = message {
            rule.detail = Detail::Message(message);
        }
        rule.digest = self.digest(node, &rule.when);
        if self.rules.len() >= MAX_RULES {
            return Err(node.error(format!("more than {MAX_RULES} rules")));
        }
        if enabled {
            self.rules.push(rule);
        } else if name == EMERGENCY_SQUAWK {
            self.has_emergencies = false;
        }
        Ok(())
    }
}

impl RuleParser<'_> {
    /// Identifies the text of a rule and the areas of its fences.
    fn digest(&self, node: &Node<'_>, when: &Condition) -> u64 {
        let mut hasher = DefaultHasher::new();
        node.value.to_string().hash(&mut hasher);
        when.for_each(&mut |part| {
            if let Condition::Inside(fence) | Condition::Enter(fence) | Condition::Exit(fence) = part {
                self.fences.get(fence.index as usize).map(Fence::digest).hash(&mut hasher);
            }
        });
        hasher.finish()
    }
}

fn checked_name<'n>(what: &str, name: &'n str) -> Result<&'n str, RuleError> {
    let valid = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
    if valid {
        return Ok(name);
    }
    let shown: String = name.chars().take(64).collect();
    Err(RuleError::new(format!("{what} {shown:?}"), "a name has 1 to 64 lower-case letters, digits, - and _"))
}
