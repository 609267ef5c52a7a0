//! What was refused because of a limit.

use actors::metrics::{CounterByKind, count, expect};
use prometheus_client::registry::Registry;

/// Connections and requests that were refused, by the limit that they met, as a metric. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Rejections(CounterByKind);

/// What there may be no more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Connections from one address.
    Connections,
    /// Requests under way on one connection, or from one address.
    Requests,
    /// Bytes of answers that wait for clients.
    Answers,
    /// Histories that are read at once, for one address or in all.
    Histories,
}

impl Limit {
    const ALL: &[Self] = &[Self::Connections, Self::Requests, Self::Answers, Self::Histories];

    fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Requests => "requests",
            Self::Answers => "answers",
            Self::Histories => "histories",
        }
    }
}

impl Rejections {
    /// None so far, registered under their name.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let refused = CounterByKind::default();
        for limit in Limit::ALL {
            expect(&refused, &[limit.name()]);
        }
        let help = "Connections and requests refused, by the limit they exceeded";
        registry.register("http_refused", help, refused.clone());
        Self(refused)
    }

    /// One more.
    pub(crate) fn count(&self, limit: Limit) {
        count(&self.0, limit.name(), 1);
    }
}
