//! The rules, one file each.

mod emergency_squawk;

use super::Rule;

/// All rules. They are described in `docs/alerts.md`.
pub const RULES: &[&dyn Rule] = &[&emergency_squawk::EmergencySquawk];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_a_unique_name_and_is_documented() {
        let docs = include_str!("../../../../docs/alerts.md");
        for rule in RULES {
            let name = rule.name();
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
            assert!(docs.contains(&format!("| `{name}` |")), "docs/alerts.md lacks a row of rule {name}");
        }
        assert_eq!(RULES.iter().map(|rule| rule.name()).collect::<BTreeSet<_>>().len(), RULES.len());
    }
}
