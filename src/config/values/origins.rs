use std::fmt;

use url::Url;

use super::address::check_name;
use super::{FromText, Unfit, mask_user_info};
use crate::config::kind::Kind;

/// The origin of a web page, in the form that browsers send: lower case, without a default port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// As browsers send it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        let refuse = |reason: &str| Err(Unfit(format!("{:?}: {reason}", mask_user_info(text))));
        let Ok(url) = Url::parse(text) else { return refuse("this is no origin") };
        if !matches!(url.scheme(), "http" | "https") {
            return refuse("an origin starts with http:// or https://");
        }
        if text.contains('*') {
            return refuse("there are no patterns; write each origin, or * alone");
        }
        // The parser adds a slash, so one that is written is only seen in the text.
        let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
        if authority.contains(['/', '?', '#', '\\']) {
            return refuse("an origin has no path, not even a slash");
        }
        if authority.contains('@') {
            return Err(Unfit::because("an origin has no user name"));
        }
        if let Some(url::Host::Domain(name)) = url.host() {
            check_name(name).map_err(|unfit| Unfit(format!("{:?}: {unfit}", mask_user_info(text))))?;
        }
        Ok(Self(url.origin().ascii_serialization()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which web pages may read the streams and the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// All.
    Any,
    /// These, and this server's own.
    These(Vec<Origin>),
}

impl AllowedOrigins {
    /// Whether a page of this origin, as the browser wrote it, is one of them.
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(origins) => origins.iter().any(|allowed| allowed.0 == origin),
        }
    }

    pub(crate) fn show(&self) -> Vec<String> {
        match self {
            Self::Any => vec!["*".to_owned()],
            Self::These(origins) => origins.iter().map(Origin::to_string).collect(),
        }
    }
}

impl FromText for AllowedOrigins {
    fn from_text(text: &str, _: Kind) -> Result<Self, Unfit> {
        let parts: Vec<_> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        if parts == ["*"] {
            return Ok(Self::Any);
        }
        if parts.contains(&"*") {
            return Err(Unfit::because("* stands alone"));
        }
        parts.into_iter().map(Origin::parse).collect::<Result<_, _>>().map(Self::These)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_send() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(AllowedOrigins::from_text(text, Kind::Origins).unwrap().show(), expected, "{text}");
        };
        check("http://localhost:3000", &["http://localhost:3000"]);
        check("https://Map.Example.org:443, http://a:80", &["https://map.example.org", "http://a"]);
        check("*", &["*"]);
        check("", &[]);
    }

    #[test]
    fn what_is_no_origin_is_refused_with_its_reason() {
        let check = |text: &str, reason: &str| {
            let error = AllowedOrigins::from_text(text, Kind::Origins).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        };
        check("localhost:3000", "http://");
        check("localhost", "no origin");
        check("http://'localhost'", "a host name has no");
        check("http://a/", "not even a slash");
        check("http://a/map", "no path");
        check("http://a?x", "no path");
        check("https://*.example.org", "patterns");
        check("ftp://a", "http://");
        check("*,http://a", "alone");
        check("http://me:hush@a", "user name");
    }

    #[test]
    fn only_the_listed_origins_are_allowed() {
        let origins = AllowedOrigins::from_text("http://a,https://b:8443", Kind::Origins).unwrap();
        assert!(origins.allows("http://a") && origins.allows("https://b:8443"));
        assert!(!origins.allows("https://a") && !origins.allows("https://b") && !origins.allows("null"));
        assert!(AllowedOrigins::Any.allows("null"));
    }
}
