//! The Go original took the database's address in pieces, `database.host` and so on; they are put together to one URL.
//!
//! The rule between them and `database.url`: whatever is given at the higher level (file, environment) holds, with a
//! warning; both at the same level are an error.

use super::error::{Problem, Warning, mask, quote};
use super::keys::{self, environment_name};
use super::layer::{Findings, Layer, read_secret};

/// A piece's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartName(&'static str);

/// A piece with its value.
#[derive(Clone)]
pub(super) struct Part {
    name: &'static str,
    text: String,
    origin: String,
}

// The value may be the password.
impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

/// The pieces' paths, for documents and look-ups.
pub(super) const PARTS: [&str; 6] =
    ["database.host", "database.port", "database.user", "database.pass", "database.name", "database.sslmode"];

/// The companion of `database.pass` that names a file with it.
pub(super) const PASSWORD_FILE: &str = "database.pass_file";

const URL: &str = "database.url";
const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

pub(super) fn part(path: &str) -> Option<PartName> {
    PARTS.into_iter().find(|name| *name == path).map(PartName)
}

/// The password that a file holds.
pub(super) fn password_in(file: &str, origin: &str, findings: &mut Findings) -> Option<Part> {
    let (text, origin) = read_secret(PASSWORD_FILE, file, origin, findings)?;
    part("database.pass").map(|password| password.given(&text, &origin))
}

pub(super) fn part_by_environment(variable: &str) -> Option<PartName> {
    PARTS.into_iter().find(|name| environment_name(name) == variable).map(PartName)
}

impl PartName {
    pub(super) fn is_port(self) -> bool {
        self.0 == "database.port"
    }

    pub(super) fn given(self, text: &str, origin: &str) -> Part {
        Part { name: self.0, text: text.trim().to_owned(), origin: origin.to_owned() }
    }
}

impl Part {
    fn describe(&self) -> String {
        format!("{} ({})", self.name, self.origin)
    }

    fn shown(&self) -> String {
        if self.name == "database.pass" { mask() } else { quote(&self.text) }
    }

    fn problem(&self) -> Option<Problem> {
        let (fits, expected) = match self.name {
            "database.port" => {
                (self.text.parse::<u16>().is_ok_and(|port| port > 0), "a port from 1 to 65535".to_owned())
            }
            "database.sslmode" => (SSL_MODES.contains(&self.text.as_str()), format!("one of {}", SSL_MODES.join(", "))),
            _ => (!self.text.chars().any(char::is_control), "text on one line".to_owned()),
        };
        (!fits).then(|| Problem::Value {
            key: self.name.to_owned(),
            value: self.shown(),
            origin: self.origin.clone(),
            reason: "it is none".to_owned(),
            expected,
        })
    }

    fn lacks(&self, missing: &str) -> Problem {
        Problem::Conflict {
            key: self.name.to_owned(),
            value: self.shown(),
            origin: self.origin.clone(),
            reason: format!("{missing} is missing, and it does not go together with {URL}"),
        }
    }
}

/// Puts the pieces of all levels together to `database.url` at the highest level that has one. The layers come lowest
/// first: file, environment, flags.
pub(super) fn assemble(layers: &mut [Layer], findings: &mut Findings) {
    let Some(key) = keys::find(URL) else { return };
    let Some(level) = layers.iter().rposition(|layer| !layer.parts.is_empty()) else { return };
    let parts = effective(layers);
    let names = parts.iter().map(Part::describe).collect::<Vec<_>>().join(", ");
    match whole_address(layers, key) {
        Some((above, origin)) if above > level => {
            return findings.warnings.push(Warning::Replaced { ignored: names, used: format!("{URL} ({origin})") });
        }
        Some((beside, origin)) if beside == level => {
            let reason = format!("{names} cannot stand beside it; keep the one or the other");
            return findings.problems.push(Problem::Conflict { key: URL.to_owned(), value: mask(), origin, reason });
        }
        Some((_, origin)) => {
            findings.warnings.push(Warning::Replaced { ignored: format!("{URL} ({origin})"), used: names.clone() });
        }
        None => {}
    }
    match assembled(&parts) {
        Ok(url) => {
            if let Some(layer) = layers.get_mut(level) {
                layer.remove(URL);
                layer.give(key, &url, &names, findings);
            }
        }
        Err(problems) => findings.problems.extend(problems),
    }
}

/// The highest level that has `database.url`, and where it stands there.
fn whole_address(layers: &[Layer], key: &keys::Key) -> Option<(usize, String)> {
    // A file made from the template spells out the default, and does not mean it as a decision.
    let is_decision = |level: usize, text: &str| level > 0 || text != key.default;
    let mut levels = layers.iter().enumerate().rev().filter_map(|(level, layer)| Some((level, layer.find(URL)?)));
    levels.find(|(level, given)| is_decision(*level, given.text())).map(|(level, given)| (level, given.origin.clone()))
}

/// Each piece from the highest level that has it.
fn effective(layers: &[Layer]) -> Vec<Part> {
    let find = |name: &str| layers.iter().rev().flat_map(|layer| &layer.parts).find(|part| part.name == name).cloned();
    PARTS.into_iter().filter_map(find).collect()
}

/// The pieces as one address.
fn assembled(parts: &[Part]) -> Result<String, Vec<Problem>> {
    let problems: Vec<_> = parts.iter().filter_map(Part::problem).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let part = |name: &str| parts.iter().find(|part| part.name == name);
    let value = |name: &str| part(name).map(|part| part.text.as_str());
    let Some(host) = value("database.host") else {
        return Err(parts.iter().take(1).map(|part| part.lacks("database.host")).collect());
    };
    let mut url = "postgres://".to_owned();
    match (value("database.user"), part("database.pass")) {
        (Some(user), Some(password)) => {
            url.push_str(&format!("{}:{}@", percent_encoded(user), percent_encoded(&password.text)));
        }
        (Some(user), None) => url.push_str(&format!("{}@", percent_encoded(user))),
        (None, Some(password)) => return Err(vec![password.lacks("database.user")]),
        (None, None) => {}
    }
    // A colon is part of an IPv6 address, a slash of a socket's directory.
    match host.parse::<std::net::Ipv6Addr>() {
        Ok(address) => url.push_str(&format!("[{address}]")),
        Err(_) => url.push_str(&percent_encoded(host)),
    }
    if let Some(port) = value("database.port") {
        url.push_str(&format!(":{port}"));
    }
    if let Some(name) = value("database.name") {
        url.push_str(&format!("/{}", percent_encoded(name)));
    }
    if let Some(mode) = value("database.sslmode") {
        url.push_str(&format!("?sslmode={mode}"));
    }
    Ok(url)
}

/// Everything but RFC 3986's unreserved characters.
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
