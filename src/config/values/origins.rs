use url::Url;

use super::address::check_name;
use crate::config::value::{InvalidValue, SettingValue, Shape, mask_user_info};
use crate::http::AllowedOrigins;

impl SettingValue for AllowedOrigins {
    type Limits = ();

    const SHAPE: Shape = Shape::List;
    const PLACEHOLDER: &'static str = "ORIGIN,…";
    const EXPECTED: &'static str =
        "origins as scheme://host[:port] without a path, separated by commas or as a list; or *";

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        let parts: Vec<_> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        if parts == ["*"] {
            return Ok(Self::Any);
        }
        if parts.contains(&"*") {
            return Err(InvalidValue::because("* cannot be combined with other origins"));
        }
        parts.into_iter().map(origin).collect::<Result<_, _>>().map(Self::Only)
    }

    fn display(&self) -> String {
        match self {
            Self::Any => "*".to_owned(),
            Self::Only(origins) => origins.join(","),
        }
    }
}

/// Parses the origin of a web page, and returns it as browsers send it: in lower case, without the default port.
fn origin(text: &str) -> Result<String, InvalidValue> {
    let reject = |reason: &str| Err(InvalidValue::because(format_args!("{:?}: {reason}", mask_user_info(text))));
    let Ok(url) = Url::parse(text) else { return reject("not an origin") };
    if !matches!(url.scheme(), "http" | "https") {
        return reject("an origin starts with http:// or https://");
    }
    if text.contains('*') {
        return reject("patterns are not supported; write each origin, or * alone");
    }
    // The parser adds a slash, so only the text shows whether one was written.
    let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
    if authority.contains(['/', '?', '#', '\\']) {
        return reject("an origin has no path, not even a slash");
    }
    if authority.contains('@') {
        return Err(InvalidValue::because("an origin has no user name"));
    }
    if let Some(url::Host::Domain(name)) = url.host()
        && let Err(invalid) = check_name(name)
    {
        return reject(&invalid.to_string());
    }
    Ok(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(origins: &[&str]) -> AllowedOrigins {
        AllowedOrigins::Only(origins.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn origins_are_what_browsers_send() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(AllowedOrigins::parse(text, &()).unwrap(), only(expected), "{text}");
        };
        check("http://localhost:3000", &["http://localhost:3000"]);
        check("https://Map.Example.org:443, http://a:80", &["https://map.example.org", "http://a"]);
        check("", &[]);
        assert_eq!(AllowedOrigins::parse("*", &()).unwrap(), AllowedOrigins::Any);
        assert_eq!(AllowedOrigins::Any.display(), "*");
        assert_eq!(only(&["http://a", "https://b:8443"]).display(), "http://a,https://b:8443");
    }

    #[test]
    fn invalid_origins_are_rejected_with_the_reason() {
        let check = |text: &str, reason: &str| {
            let error = AllowedOrigins::parse(text, &()).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        };
        check("localhost:3000", "http://");
        check("localhost", "not an origin");
        check("http://'localhost'", "a host name cannot contain");
        check("http://a/", "not even a slash");
        check("http://a/map", "no path");
        check("http://a?x", "no path");
        check("https://*.example.org", "patterns");
        check("ftp://a", "http://");
        check("*,http://a", "cannot be combined");
        check("http://me:hush@a", "user name");
    }
}
