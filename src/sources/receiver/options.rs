use std::time::Duration;

use actors::domain::BoundingBox;

use crate::sources::address::SourceAddress;

/// The settings of a [`ReceiverSource`](super::ReceiverSource).
#[derive(Clone, Debug)]
pub struct ReceiverOptions {
    /// The receiver's address: a name or an address, IPv6 without brackets, and the port.
    pub address: (String, u16),
    /// The area whose aircraft are published; `None` for all.
    pub area: Option<BoundingBox>,
    /// The timeout of connecting, including the name lookup.
    pub connect_timeout: Duration,
    /// A connection is replaced after this time without a byte.
    pub idle_timeout: Duration,
    /// The pause between two polls, which is how long a state may wait.
    pub pause: Duration,
}

impl ReceiverOptions {
    /// Returns the address for logs and errors.
    pub(super) fn shown_address(&self) -> String {
        let (host, port) = self.address.clone();
        SourceAddress::Tcp { host, port }.to_string()
    }
}
