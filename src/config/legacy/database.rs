//! Combines the parts of the database address, `database.host` and so on, into one `database.url`.
//!
//! If the parts and `database.url` are in different layers, those in the higher layer have precedence, with a warning.
//! In the same layer they are an error.

use std::fmt;
use std::str::FromStr;

use crate::config::diagnostics::Diagnostics;
use crate::config::layer::{Entry, Layer};
use crate::config::reader::Reader;
use crate::config::section::{Section, section};
use crate::config::sections::DatabaseSettings;
use crate::config::setting::Setting;
use crate::config::value::{InvalidValue, MASK, setting_value};
use crate::config::values::Secret;

section! {
    /// The Go original's parts of the database's address.
    pub(in crate::config) struct DatabaseParts in "database" {
        /// The host, or the directory of a Unix socket.
        host: Option<String> = "";
        /// The port.
        port: Option<u16> = "", 1..=u16::MAX;
        /// The user name.
        user: Option<String> = "";
        /// The password.
        pass: Option<Secret> = "";
        /// The name of the database.
        name: Option<String> = "";
        /// How the connection is encrypted.
        sslmode: Option<SslMode> = "";
    }
}

/// PostgreSQL's `sslmode`.
#[derive(Clone, Debug)]
pub(in crate::config) struct SslMode(String);

impl FromStr for SslMode {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full" => Ok(Self(text.to_owned())),
            _ => Err(InvalidValue::because("unknown mode")),
        }
    }
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

setting_value!(SslMode: Text, "MODE", "one of disable, allow, prefer, require, verify-ca, verify-full");

/// Moves the parts out of the layers and sets `database.url` in the highest layer that has a part. The layers are
/// ordered from lowest to highest: file, environment, flags.
pub(in crate::config) fn assemble_url(layers: &mut [Layer]) -> Result<(), ::config::ConfigError> {
    let settings = DatabaseParts::SCHEMA.settings;
    let parts: Vec<_> = layers.iter_mut().map(|layer| layer.split_off(settings)).collect();
    let Some(level) = parts.iter().rposition(|layer| !layer.entries().is_empty()) else { return Ok(()) };
    let url = DatabaseSettings::url;
    // A part in a higher layer overrides the same part in lower layers.
    let given = |setting: &&Setting| parts.iter().rev().find_map(|layer| layer.find(setting)).map(Entry::to_string);
    let names = settings.iter().filter_map(given).collect::<Vec<_>>().join(", ");
    let whole = whole_address(layers).map(|(level, entry)| (level, entry.to_string()));
    let mut diagnostics = Diagnostics::default();
    match whole {
        Some((whole_level, whole)) if whole_level > level => {
            diagnostics.warnings.push(format!("{names} ignored, because {whole} takes precedence"));
        }
        Some((whole_level, whole)) if whole_level == level => {
            let reason = format!("{whole} cannot be combined with these; keep one or the other");
            diagnostics.problem(url.path, MASK.to_owned(), names, reason);
        }
        lower => {
            let warning = lower.map(|(_, whole)| format!("{whole} is ignored, because {names} takes precedence"));
            diagnostics.warnings.extend(warning);
            let mut reader = Reader::merge(settings.iter().copied(), &[], parts)?;
            let assembled = DatabaseParts::read(&mut reader).and_then(|parts| parts.url(&mut reader));
            diagnostics.append(reader.diagnostics);
            if let Some(text) = assembled {
                layers[level].remove(url);
                layers[level].set(url, &text, &names);
            }
        }
    }
    layers[level].diagnostics.append(diagnostics);
    Ok(())
}

/// Returns `database.url` from the highest layer that has it.
fn whole_address(layers: &[Layer]) -> Option<(usize, &Entry)> {
    let url = DatabaseSettings::url;
    // A file created from the template contains the default, which does not count as a deliberate choice.
    let is_decision = |level: usize, entry: &Entry| level > 0 || entry.text() != url.default;
    let levels = layers.iter().enumerate().rev().filter_map(|(level, layer)| Some((level, layer.find(url)?)));
    levels.into_iter().find(|(level, entry)| is_decision(*level, entry))
}

impl DatabaseParts {
    fn url(&self, reader: &mut Reader) -> Option<String> {
        let lacks = "and it cannot be combined with database.url";
        let Some(host) = &self.host else {
            if let Some((setting, _)) = self.rows().into_iter().find(|(_, value)| !value.is_empty()) {
                reader.conflict(setting, format!("database.host is missing, {lacks}"));
            }
            return None;
        };
        let mut url = "postgres://".to_owned();
        match (&self.user, &self.pass) {
            (Some(user), Some(password)) => {
                url.push_str(&format!("{}:{}@", percent_encoded(user), percent_encoded(password.expose())));
            }
            (Some(user), None) => url.push_str(&format!("{}@", percent_encoded(user))),
            (None, Some(_)) => {
                reader.conflict(Self::pass, format!("database.user is missing, {lacks}"));
                return None;
            }
            (None, None) => {}
        }
        // A host with a colon is an IPv6 address; one with a slash is the directory of a Unix socket.
        match host.parse::<std::net::Ipv6Addr>() {
            Ok(address) => url.push_str(&format!("[{address}]")),
            Err(_) => url.push_str(&percent_encoded(host)),
        }
        if let Some(port) = self.port {
            url.push_str(&format!(":{port}"));
        }
        if let Some(name) = &self.name {
            url.push_str(&format!("/{}", percent_encoded(name)));
        }
        if let Some(SslMode(mode)) = &self.sslmode {
            url.push_str(&format!("?sslmode={mode}"));
        }
        Some(url)
    }
}

/// Encodes everything except RFC 3986's unreserved characters.
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
