use std::fmt;
use std::str::FromStr;

use actors::notification::RuleFilter;

use crate::config::value::{InvalidValue, Secrecy, SettingValue, Shape, setting_value};
use crate::notify::{EndpointAddress, EndpointKind, KINDS};

impl SettingValue for &'static EndpointKind {
    type Limits = ();

    const SHAPE: Shape = Shape::Text;
    const PLACEHOLDER: &'static str = "KIND";
    const EXPECTED: &'static str = "a kind of endpoint";

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        let kind = KINDS.iter().copied().find(|kind| kind.name == text);
        kind.ok_or_else(|| InvalidValue::because("unknown kind of endpoint"))
    }

    fn expected((): &()) -> String {
        let names: Vec<_> = KINDS.iter().map(|kind| format!("{} ({})", kind.name, kind.about)).collect();
        format!("one of {}", names.join(", "))
    }

    fn display(&self) -> String {
        self.name.to_owned()
    }
}

impl SettingValue for EndpointAddress {
    type Limits = ();

    const SHAPE: Shape = Shape::Text;
    const PLACEHOLDER: &'static str = "URL";
    const EXPECTED: &'static str = "a URL";
    const SECRECY: Secrecy = Secrecy::MayHoldSecret;

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        text.parse().map_err(InvalidValue::because)
    }

    fn display(&self) -> String {
        self.to_string()
    }
}

/// The names of rules, or the beginnings of names, followed by `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleNames(pub RuleFilter);

impl FromStr for RuleNames {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let names: Vec<_> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let is_misplaced = |name: &&&str| name.strip_suffix('*').unwrap_or(name).contains('*');
        if let Some(name) = names.iter().find(is_misplaced) {
            return Err(InvalidValue::because(format_args!("in {name:?}, * is not at the end")));
        }
        Ok(Self(RuleFilter::new(names.into_iter().map(str::to_owned).collect())))
    }
}

impl fmt::Display for RuleNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.names().join(","))
    }
}

setting_value!(RuleNames: List, "RULE,…", "names of rules, separated by commas");
