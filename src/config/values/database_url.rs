use std::fmt;

use crate::config::value::{InvalidValue, MASK, Secrecy, SettingValue, Shape, is_sensitive, mask_user_info};
use crate::storage::DatabaseUrl;

/// The address of a database, both as written and parsed. `Debug` and `Display` mask its password.
#[derive(Clone)]
pub struct DatabaseAddress {
    text: Box<str>,
    url: DatabaseUrl,
}

impl DatabaseAddress {
    /// Returns the parsed address.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Returns the text as written, including the password.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Returns whether other processes can use the database too, because it is a server and not a file.
    pub fn is_shared(&self) -> bool {
        matches!(self.url, DatabaseUrl::Postgres(_))
    }
}

impl fmt::Debug for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&self.text))
    }
}

impl SettingValue for DatabaseAddress {
    type Limits = ();

    const SHAPE: Shape = Shape::Text;
    const PLACEHOLDER: &'static str = "URL";
    const EXPECTED: &'static str = "sqlite://PATH or postgres://user:password@host:port/name";
    const SECRECY: Secrecy = Secrecy::MayHoldSecret;

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        Ok(Self { text: text.into(), url: text.parse().map_err(InvalidValue::because)? })
    }

    fn display(&self) -> String {
        self.to_string()
    }

    /// Shows only the scheme, because it is unknown where the password of an invalid address ends.
    fn quote_rejected(text: &str) -> String {
        match text.split_once("://") {
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => format!("{scheme}://{MASK}"),
            _ => MASK.to_owned(),
        }
    }
}

fn mask(url: &str) -> String {
    let masked = mask_user_info(url);
    let Some((address, query)) = masked.split_once('?') else { return masked };
    let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, _)) if is_sensitive(name) => format!("{name}={MASK}"),
        _ => parameter.to_owned(),
    });
    format!("{address}?{}", parameters.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_masked_anywhere_in_the_address() {
        let check = |text: &str, shown: &str| {
            let url = DatabaseAddress::parse(text, &()).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
            assert_eq!(url.expose(), text);
        };
        check("postgres://db/flights", "postgres://db/flights");
        check("postgres://me@db/flights", "postgres://me@db/flights");
        check("postgres://me:hush@db:5432/flights", "postgres://me:***@db:5432/flights");
        check("postgresql://me:hush@a:1,b:2/flights", "postgresql://me:***@a:1,b:2/flights");
        check(
            "postgres://db/flights?user=me&password=hush&sslmode=require",
            "postgres://db/flights?user=me&password=***&sslmode=require",
        );
        check("sqlite://data/flight-monitor.db", "sqlite://data/flight-monitor.db");
        // Invalid addresses, whose password contains special characters.
        assert_eq!(mask("postgres://me:hu?s/h@db/flights"), "postgres://me:***@db/flights");
        assert_eq!(mask("postgres://me:hu@sh@db/flights"), "postgres://me:***@db/flights");
    }

    #[test]
    fn other_addresses_are_rejected() {
        for text in ["", "data/x.db", "mysql://db/flights", "sqlite://", "postgres://db:port/x", "sqlite:x"] {
            assert!(DatabaseAddress::parse(text, &()).is_err(), "{text:?}");
        }
    }
}
