/// The rules whose alerts an endpoint receives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFilter(Vec<String>);

impl RuleFilter {
    /// Creates a filter that admits these rules, or all if there are none. A name that ends in `*` stands for all rules
    /// that start with the text before it.
    pub fn new(rules: Vec<String>) -> Self {
        Self(rules)
    }

    /// Returns the names, as they were given.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Returns whether the endpoint receives the alerts of this rule.
    pub fn admits(&self, rule: &str) -> bool {
        let matches = |name: &String| match name.strip_suffix('*') {
            Some(start) => rule.starts_with(start),
            None => rule == name,
        };
        self.0.is_empty() || self.0.iter().any(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_admits_named_rules_and_those_with_a_prefix() {
        let check = |names: &[&str], rule: &str, admitted: bool| {
            let filter = RuleFilter::new(names.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(filter.admits(rule), admitted, "{names:?} {rule}");
        };
        check(&[], "noise", true);
        check(&["noise"], "noise", true);
        check(&["noise"], "noise-night", false);
        check(&["noise*"], "noise-night", true);
        check(&["emergency-squawk", "noise*"], "emergency-squawk", true);
        check(&["*"], "anything", true);
    }
}
