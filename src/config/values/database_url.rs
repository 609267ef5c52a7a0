use std::fmt;

use super::secret::MASK;
use super::{FromText, Unfit, is_sensitive};
use crate::config::kind::Kind;
use crate::storage::DatabaseUrl;

/// The address of a database, which may hold a password: `Debug` and `Display` mask it.
#[derive(Clone)]
pub struct SecretUrl(Box<str>);

impl SecretUrl {
    /// The address with its password, for the one who connects.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is a server's, which other processes can reach too, and no file's.
    pub fn is_shared(&self) -> bool {
        !self.0.starts_with("sqlite")
    }

    /// Whether there is a password in it.
    pub fn has_password(&self) -> bool {
        mask(&self.0) != *self.0
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&self.0))
    }
}

impl FromText for SecretUrl {
    fn from_text(text: &str, _: Kind) -> Result<Self, Unfit> {
        // The one who connects reads it: what this lets through can be used.
        text.parse::<DatabaseUrl>().map_err(|error| Unfit(error.to_string()))?;
        Ok(Self(text.into()))
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

/// Masks the password in `scheme://user:password@host`. A password that was not percent-encoded may hold anything, so
/// all up to the last `@` counts as its own.
pub(crate) fn mask_user_info(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let Some(end) = url.rfind('@').filter(|at| *at >= start) else { return url.to_owned() };
    match url[start..end].find(':') {
        Some(colon) => format!("{}:{MASK}{}", &url[..start + colon], &url[end..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_masked_wherever_it_stands() {
        let check = |text: &str, shown: &str| {
            let url = SecretUrl::from_text(text, Kind::DatabaseUrl).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
            assert_eq!(url.expose(), text);
            assert_eq!(url.has_password(), text != shown);
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
        // Also in what is refused.
        assert_eq!(mask("postgres://me:hu?s/h@db/flights"), "postgres://me:***@db/flights");
        assert_eq!(mask("postgres://me:hu@sh@db/flights"), "postgres://me:***@db/flights");
    }

    #[test]
    fn other_addresses_are_refused() {
        for text in ["", "data/x.db", "mysql://db/flights", "sqlite://", "postgres://db:port/x", "sqlite:x"] {
            assert!(SecretUrl::from_text(text, Kind::DatabaseUrl).is_err(), "{text:?}");
        }
    }
}
