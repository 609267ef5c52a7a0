use std::collections::BTreeMap;
use std::fmt;

use super::secret::{MASK, Secret};
use super::{FromText, Line, Unfit};
use crate::config::kind::Kind;
use crate::kafka::check_property;

/// What is passed to librdkafka as it is. `Debug` masks the values that may be secrets.
#[derive(Clone, Default)]
pub struct KafkaProperties(BTreeMap<String, Secret>);

impl KafkaProperties {
    /// Names and values, ordered by name. The values may be secrets.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.expose()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// White space around a value is dropped, as everywhere: a trailing line break is no part of a password.
    pub(crate) fn insert(&mut self, name: &str, value: &str) -> Result<(), Unfit> {
        let value = value.trim();
        match name {
            "bootstrap.servers" | "metadata.broker.list" => {
                return Err(Unfit::because("kafka.bootstrap_servers is the key for it"));
            }
            "group.id" => return Err(Unfit::because("kafka.group_id is the key for it")),
            _ => {}
        }
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || !name.chars().all(known) {
            return Err(Unfit::because("this is no name of a property"));
        }
        // A PEM has line breaks; everything else has not.
        if !value.starts_with("-----BEGIN ") && !value.is_empty() {
            Line::from_text(value, Kind::Text)?;
        }
        check_property(name, value).map_err(Unfit)?;
        self.0.insert(name.to_owned(), Secret::new(value));
        Ok(())
    }

    /// Names and values, those that may be secrets masked.
    pub(crate) fn show(&self) -> Vec<(String, String)> {
        let shown = |(name, value): (&str, &str)| {
            (name.to_owned(), if is_sensitive(name) { MASK.to_owned() } else { value.to_owned() })
        };
        self.iter().map(shown).collect()
    }
}

impl fmt::Debug for KafkaProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.show()).finish()
    }
}

/// Whether a name is one of those under which secrets are kept.
pub(crate) fn is_sensitive(name: &str) -> bool {
    let name = name.to_lowercase();
    // jaas and oauthbearer.config carry a password or a token within a longer text.
    ["pass", "secret", "token", "private", "key.pem", "ssl_key", "jaas", "oauthbearer.config", "credential"]
        .iter()
        .any(|part| name.contains(part))
}

/// Splits `k=v,k=v`, in which `\,` is a comma of a value.
pub(crate) fn split_properties(text: &str) -> Result<Vec<(String, String)>, Unfit> {
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
            None => Err(Unfit(format!("part {} has no =", index + 1))),
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
    fn properties_that_have_a_key_of_their_own_or_none_at_all_are_refused() {
        for name in ["bootstrap.servers", "metadata.broker.list", "group.id", "", "a b", "acks", "no.such.property"] {
            assert!(KafkaProperties::default().insert(name, "x").is_err(), "{name}");
        }
    }

    #[test]
    fn what_may_be_secret_is_masked() {
        for name in [
            "sasl.password",
            "ssl.key.password",
            "ssl.keystore.password",
            "ssl.key.pem",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.config",
            "sasl.oauthbearer.assertion.private.key.passphrase",
        ] {
            // Whether this build of librdkafka has it or not.
            let properties = KafkaProperties(BTreeMap::from([(name.to_owned(), Secret::new("hush"))]));
            assert!(!format!("{properties:?}").contains("hush"), "{name}");
        }
        let mut properties = KafkaProperties::default();
        properties.insert("security.protocol", "SASL_SSL").unwrap();
        assert!(format!("{properties:?}").contains("SASL_SSL"));
    }
}
