//! Counts the connections and requests that exceed a limit.

use actors::metrics::{CounterByKind, count, init_counters};
use prometheus_client::registry::Registry;

/// The metric of rejected connections and requests, by the limit that they exceeded. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Rejections(CounterByKind);

/// A limit that can be exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Connections from one address.
    Connections,
    /// Requests in flight on one connection, or from one address.
    Requests,
    /// Bytes of responses that wait for clients.
    Responses,
    /// Concurrent histories, per address or in total.
    Histories,
}

impl Limit {
    const ALL: &[Self] = &[Self::Connections, Self::Requests, Self::Responses, Self::Histories];

    fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Requests => "requests",
            Self::Responses => "answers",
            Self::Histories => "histories",
        }
    }
}

impl Rejections {
    /// Registers the metric.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let rejected = CounterByKind::default();
        for limit in Limit::ALL {
            init_counters(&rejected, &[limit.name()]);
        }
        let help = "Connections and requests rejected, by the limit they exceeded";
        registry.register("http_refused", help, rejected.clone());
        Self(rejected)
    }

    /// Counts one rejection.
    pub(crate) fn count(&self, limit: Limit) {
        count(&self.0, limit.name(), 1);
    }
}
