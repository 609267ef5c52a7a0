//! What the handlers need from the process.

#[cfg(feature = "fault-injection")]
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Addr, Recipient};
use actix_web::HttpRequest;
use actors::messages::SetPolling;
use actors::operations::Operations;
use actors::sse_hub::SseHub;
use actors::supervision::{ActorName, ActorRegistry};
use ipnet::IpNet;
use prometheus_client::registry::Registry;
use tokio::sync::mpsc;

use super::connection::client_address::client_address;
use super::reply::limits::{Client, Limits};
use super::reply::problem::Problem;
use crate::sources::Traffic;
use crate::storage::Storage;

/// What the handlers need from the process.
pub struct ServerState {
    /// The hub, where the process has the role `live`.
    pub hub: Option<Addr<SseHub>>,
    /// The database, where this process has one with the history.
    pub storage: Option<Storage>,
    /// The actors' status.
    pub actors: ActorRegistry,
    /// The actors that this server's clients need.
    pub needed: Vec<ActorName>,
    /// The metrics.
    pub registry: Arc<Registry>,
    /// The operator's bearer token.
    pub admin_token: String,
    /// Limits on what clients can request.
    pub limits: Limits,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Where the flights come from.
    pub traffic: Traffic,
    /// Carries out the operator's requests.
    pub operations: Operations,
    /// The Poller, where the process has the role `collect`.
    pub poller: Option<Recipient<SetPolling>>,
    /// Starts a drain.
    pub drain: mpsc::Sender<()>,
    /// Where to send a panic, by actor.
    #[cfg(feature = "fault-injection")]
    pub panics: HashMap<ActorName, Recipient<actors::messages::InjectPanic>>,
}

impl ServerState {
    /// How long a handler waits for an actor.
    pub(super) const ACTOR_TIMEOUT: Duration = Duration::from_secs(5);

    /// The client that sent a request.
    pub(super) fn client(&self, request: &HttpRequest) -> Client<'_> {
        let address = client_address(request.peer_addr(), request.headers(), &self.trusted_proxies);
        Client { limits: &self.limits, address }
    }

    /// The database.
    ///
    /// # Errors
    /// 404 where this process has none.
    pub(super) fn storage(&self) -> Result<&Storage, Problem> {
        self.storage.as_ref().ok_or_else(|| {
            Problem::not_found(
                "this process has no history: it needs the role `store`, or the role `live` and a PostgreSQL database",
            )
        })
    }

    /// The hub.
    ///
    /// # Errors
    /// 404 where this process has none.
    pub(super) fn hub(&self) -> Result<&Addr<SseHub>, Problem> {
        self.hub
            .as_ref()
            .ok_or_else(|| Problem::not_found("this process has no live picture: it needs the role `live`"))
    }
}
