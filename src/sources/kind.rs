use std::fmt;
use std::time::Duration;

use super::address::SourceAddress;
use super::source::{Source, SourceInfo, SourceSettings, Traffic};

/// A kind of source that the configuration can name.
pub struct SourceKind {
    /// The name in the configuration.
    pub name: &'static str,
    /// Describes the source in a few words.
    pub about: &'static str,
    /// The forms of its address.
    pub addresses: &'static [AddressForm],
    /// Examples of its address, separated by ` or `. An address with the same port or the same last path segment is
    /// probably one of this kind.
    pub example: &'static str,
    /// The default priority: of two sources that report an aircraft, the one with the higher priority prevails.
    pub priority: i16,
    /// Opens a source of this kind, which need not be reachable yet.
    pub open: fn(&SourceSettings) -> anyhow::Result<Source>,
}

/// A form of [`SourceAddress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the variants of the address")]
pub enum AddressForm {
    Http,
    Tcp,
    File,
}

impl SourceKind {
    /// Describes a source of this kind with these settings, whose traffic is live.
    pub fn info(&self, settings: &SourceSettings, description: String, interval: Duration) -> SourceInfo {
        SourceInfo {
            name: settings.name.clone(),
            kind: self.name,
            priority: settings.priority.unwrap_or(self.priority),
            area: settings.bounding_box,
            description,
            proxies: Vec::new(),
            traffic: Traffic::Live,
            expected_interval: interval,
            max_interval: interval,
        }
    }

    /// Returns whether an address is probably that of a source of this kind.
    pub fn is_likely_at(&self, address: &SourceAddress) -> bool {
        self.check_address(Some(address)).is_ok()
            && self
                .example
                .split(" or ")
                .any(|example| example.parse().is_ok_and(|example: SourceAddress| example.resembles(address)))
    }

    /// Checks that a source of this kind can have this address.
    ///
    /// # Errors
    /// Returns a description of the accepted addresses.
    pub fn check_address(&self, address: Option<&SourceAddress>) -> Result<(), String> {
        let form = address.map(|address| match address {
            SourceAddress::Http(_) => AddressForm::Http,
            SourceAddress::Tcp { .. } => AddressForm::Tcp,
            SourceAddress::File(_) => AddressForm::File,
        });
        if form.is_some_and(|form| self.addresses.contains(&form)) {
            return Ok(());
        }
        let forms = self.addresses.iter().map(|form| match form {
            AddressForm::Http => "an http or https URL",
            AddressForm::Tcp => "host:port",
            AddressForm::File => "a path",
        });
        let forms = forms.collect::<Vec<_>>().join(" or ");
        let missing = if form.is_none() { "it is missing; " } else { "" };
        Err(format!("{missing}a source of the kind {} needs {forms}, such as {}", self.name, self.example))
    }
}

impl fmt::Debug for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for SourceKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
