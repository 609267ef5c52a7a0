use std::fmt;
use std::rc::Rc;

use actors::ports::{DeliveryError, NotificationEndpoint};
use futures_util::future::LocalBoxFuture;

use super::settings::EndpointSettings;
use crate::address_guard::AddressGuard;

/// A kind of endpoint that the configuration can name.
pub struct EndpointKind {
    /// The name in the configuration.
    pub name: &'static str,
    /// Describes the endpoint in a few words.
    pub about: &'static str,
    /// The schemes of its address.
    pub schemes: &'static [&'static str],
    /// An example of its address.
    pub example: &'static str,
    /// Checks the settings that only this kind has. Returns the name of the faulty setting, and what is wrong.
    pub check: fn(&EndpointSettings) -> Result<(), (&'static str, String)>,
    /// Opens an endpoint of this kind, which need not be reachable yet.
    pub open: fn(&EndpointSettings) -> anyhow::Result<OpenEndpoint>,
    /// Connects to an endpoint of this kind without notifying anyone, and describes what it found.
    pub probe: for<'a> fn(&'a EndpointSettings) -> LocalBoxFuture<'a, Result<String, DeliveryError>>,
}

/// Creates an endpoint's client, which stays on the calling thread.
pub type OpenEndpoint = Box<dyn FnOnce() -> Rc<dyn NotificationEndpoint> + Send>;

impl EndpointKind {
    /// Checks the settings of an endpoint of this kind.
    ///
    /// # Errors
    /// Returns the name of the faulty setting, and what is wrong.
    pub fn check_settings(&self, settings: &EndpointSettings) -> Result<(), (&'static str, String)> {
        let Some(address) = &settings.address else {
            return Err(("url", format!("it is missing; {} needs one such as {}", self.name, self.example)));
        };
        if !self.schemes.contains(&address.scheme()) {
            let schemes = self.schemes.join(" or ");
            let text = format!("{} needs {schemes}, such as {}", self.name, self.example);
            return Err(("url", text));
        }
        let refusal = address.literal().and_then(|literal| AddressGuard::PublicOnly.refusal(literal));
        if let Some(range) = refusal.filter(|_| !settings.allow_private) {
            return Err(("url", format!("the address is {range}; set allow_private: true if that is intended")));
        }
        (self.check)(settings)
    }
}

impl fmt::Debug for EndpointKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for EndpointKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
