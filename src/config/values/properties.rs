use std::collections::BTreeMap;
use std::fmt;

use crate::config::value::{InvalidValue, MASK, Secrecy, SettingValue, Shape, is_sensitive};
use crate::kafka::check_property;

/// Properties for librdkafka. `Debug` masks values that may be secret.
#[derive(Clone, Default)]
pub struct KafkaProperties(BTreeMap<String, String>);

impl KafkaProperties {
    /// Returns the values by name, including secrets.
    pub fn expose(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    fn masked(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), if is_sensitive(name) { MASK } else { value.as_str() }))
    }
}

impl fmt::Debug for KafkaProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.masked()).finish()
    }
}

impl SettingValue for KafkaProperties {
    type Limits = ();

    const SHAPE: Shape = Shape::Map;
    const PLACEHOLDER: &'static str = "K=V,…";
    const EXPECTED: &'static str = "a mapping of librdkafka's property names to values, or k=v,k=v";
    const SECRECY: Secrecy = Secrecy::MayHoldSecret;

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        let mut properties = Self::default();
        split_properties(text)?.iter().try_for_each(|(name, value)| properties.insert(name, value))?;
        Ok(properties)
    }

    /// Adds a property. White space around its value is removed, as for all settings: a trailing line break is not part
    /// of a password.
    fn insert(&mut self, name: &str, text: &str) -> Result<(), InvalidValue> {
        let value = text.trim();
        match name {
            "bootstrap.servers" | "metadata.broker.list" => {
                return Err(InvalidValue::because("use kafka.bootstrap_servers instead"));
            }
            "group.id" => return Err(InvalidValue::because("use kafka.group_id instead")),
            _ => {}
        }
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || !name.chars().all(known) {
            return Err(InvalidValue::because("not a property name"));
        }
        // Only a PEM value may contain line breaks.
        if !value.starts_with("-----BEGIN ") && !value.is_empty() {
            String::parse(value, &())?;
        }
        check_property(name, value).map_err(InvalidValue::because)?;
        self.0.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    fn display(&self) -> String {
        self.masked().map(|(name, value)| format!("{name}={}", value.replace(',', "\\,"))).collect::<Vec<_>>().join(",")
    }
}

/// Splits `k=v,k=v`, where `\,` stands for a comma within a value.
pub(in crate::config) fn split_properties(text: &str) -> Result<Vec<(String, String)>, InvalidValue> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('\\', Some(',')) => {
                part.push(',');
                rest.next();
            }
            (',', _) => parts.push(std::mem::take(&mut part)),
            _ => part.push(c),
        }
    }
    parts.push(part);
    parts
        .into_iter()
        .filter(|part| !part.trim().is_empty())
        .enumerate()
        .map(|(index, part)| match part.split_once('=') {
            Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
            None => Err(InvalidValue::because(format_args!("part {} has no =", index + 1))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_split_at_bare_commas_and_the_first_equals_sign() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let expected: Vec<_> = expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            assert_eq!(split_properties(text).unwrap(), expected, "{text}");
        };
        check("", &[]);
        check("a=b", &[("a", "b")]);
        check("a=b, c=d=e,", &[("a", "b"), ("c", "d=e")]);
        check("a=b\\,c,d=", &[("a", "b,c"), ("d", "")]);
        check("a=b\\c", &[("a", "b\\c")]);
        assert_eq!(split_properties("a=b,hush").unwrap_err().to_string(), "part 2 has no =");
    }

    #[test]
    fn unknown_properties_and_those_with_a_setting_of_their_own_are_rejected() {
        for name in ["bootstrap.servers", "metadata.broker.list", "group.id", "", "a b", "acks", "no.such.property"] {
            assert!(KafkaProperties::default().insert(name, "x").is_err(), "{name}");
        }
    }

    #[test]
    fn values_that_may_be_secret_are_masked() {
        for name in [
            "sasl.password",
            "ssl.key.password",
            "ssl.keystore.password",
            "ssl.key.pem",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.config",
            "sasl.oauthbearer.assertion.private.key.passphrase",
        ] {
            // Not inserted with `insert`, because not every build of librdkafka has all of these properties.
            let properties = KafkaProperties(BTreeMap::from([(name.to_owned(), "hush".to_owned())]));
            assert!(!format!("{properties:?}").contains("hush"), "{name}");
        }
        let mut properties = KafkaProperties::default();
        properties.insert("security.protocol", "SASL_SSL").unwrap();
        assert!(format!("{properties:?}").contains("SASL_SSL"));
    }
}
