/// The name of the built-in rule.
pub const EMERGENCY_SQUAWK: &str = "emergency-squawk";

/// The transponder codes for emergencies (ICAO Annex 10, volume IV, 2.1.4), each with its meaning.
pub(super) const EMERGENCIES: [(&str, &str); 3] =
    [("7500", "unlawful interference"), ("7600", "radio failure"), ("7700", "emergency")];

/// Returns the meaning of a transponder code for emergencies.
pub fn emergency_meaning(squawk: &str) -> Option<&'static str> {
    EMERGENCIES.iter().find(|(code, _)| *code == squawk).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_codes_are_emergencies() {
        let meanings = ["7500", "7600", "7700", "1000", "7", ""].map(emergency_meaning);
        let expected = [Some("unlawful interference"), Some("radio failure"), Some("emergency"), None, None, None];
        assert_eq!(meanings, expected);
    }

    #[test]
    fn the_built_in_rule_is_documented() {
        let docs = include_str!("../../../docs/alerts.md");
        assert!(docs.contains(&format!("| `{EMERGENCY_SQUAWK}` |")));
    }
}
