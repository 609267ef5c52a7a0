//! The state that handlers share.

#[cfg(feature = "fault-injection")]
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Addr, Recipient};
use actix_web::{HttpRequest, HttpResponse};
use actors::domain::Point;
use actors::enrichment::SharedFacts;
use actors::messages::{SetPolling, TestEndpoint, View};
use actors::operations::Operations;
use actors::sse_hub::SseHub;
use actors::supervision::{ActorName, ActorRegistry, ConfiguredName};
use ipnet::IpNet;
use prometheus_client::registry::Registry;
use tokio::sync::mpsc;

use super::connection::client_address::client_address;
use super::pictures::{PictureCache, PictureFormat};
use super::reply::limits::{Client, Limits};
use super::reply::problem::Problem;
use crate::enrichment::TableWatch;
use crate::rules::RulesWatch;
use crate::sources::Sources;
use crate::storage::Storage;

/// The state that handlers share.
pub struct ServerState {
    /// The hub, if the process has the role `live`.
    pub hub: Option<Addr<SseHub>>,
    /// The hub's picture, rendered once for all clients, if the process has the role `live`.
    pub pictures: Option<PictureCache>,
    /// The database, if this process has access to the history.
    pub storage: Option<Storage>,
    /// The longest pause between two states of one flight.
    pub flight_gap: Duration,
    /// Where the first receiver with a configured location is.
    pub location: Option<Point>,
    /// How long an aircraft stays in the live picture after its last message.
    pub aircraft_timeout: Duration,
    /// What is known about aircraft in addition to their state vectors.
    pub facts: SharedFacts,
    /// The operator's aircraft table, if one is configured.
    pub aircraft_table: Option<Arc<TableWatch>>,
    /// The rules, if the process has the role `detect`.
    pub rules: Option<Arc<RulesWatch>>,
    /// The actors' status.
    pub actors: ActorRegistry,
    /// The groups of actors that this server's clients need; one actor of each group suffices.
    pub needed: Vec<Vec<ActorName>>,
    /// The metrics.
    pub registry: Arc<Registry>,
    /// The operator's bearer token.
    pub admin_token: String,
    /// Limits on what clients can request.
    pub limits: Limits,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Executes the operator's requests.
    pub operations: Operations,
    /// The sources that the process polls if it has the role `collect`.
    pub sources: Sources,
    /// The Pollers, if the process has the role `collect`.
    pub pollers: Vec<Recipient<SetPolling>>,
    /// The Notifiers, by the name of their endpoint, if the process has the role `detect`.
    pub notifiers: Vec<(ConfiguredName, Recipient<TestEndpoint>)>,
    /// Starts a drain.
    pub drain: mpsc::Sender<()>,
    /// The recipients of an injected panic, by actor.
    #[cfg(feature = "fault-injection")]
    pub panics: HashMap<ActorName, Recipient<actors::messages::InjectPanic>>,
}

impl ServerState {
    /// How long a handler waits for an actor's reply.
    pub(super) const ACTOR_TIMEOUT: Duration = Duration::from_secs(5);

    /// Returns the client that sent a request.
    pub(super) fn client(&self, request: &HttpRequest) -> Client<'_> {
        let address = client_address(request.peer_addr(), request.headers(), &self.trusted_proxies);
        Client { limits: &self.limits, address }
    }

    /// Returns the database.
    ///
    /// # Errors
    /// 404 if this process has none.
    pub(super) fn storage(&self) -> Result<&Storage, Problem> {
        self.storage.as_ref().ok_or_else(|| {
            Problem::not_found(
                "this process has no history: it needs the role `store`, or the role `live` and a PostgreSQL database",
            )
        })
    }

    /// Returns the rules.
    ///
    /// # Errors
    /// 404 if this process has none.
    pub(super) fn rules(&self) -> Result<&Arc<RulesWatch>, Problem> {
        self.rules.as_ref().ok_or_else(|| Problem::not_found("this process has no rules: it needs the role `detect`"))
    }

    /// Returns the hub.
    ///
    /// # Errors
    /// 404 if this process has none.
    pub(super) fn hub(&self) -> Result<&Addr<SseHub>, Problem> {
        self.hub.as_ref().ok_or_else(no_live_picture)
    }

    fn pictures(&self) -> Result<&PictureCache, Problem> {
        self.pictures.as_ref().ok_or_else(no_live_picture)
    }

    /// Returns the live picture, which may be a few tens of milliseconds old.
    ///
    /// # Errors
    /// 404 if this process has none, 503 if the hub does not reply in time.
    pub(super) async fn view(&self) -> Result<Arc<View>, Problem> {
        self.pictures()?.view().await
    }

    /// Responds with the whole live picture, which may be a few tens of milliseconds old: rendered and compressed once
    /// for all clients, with an entity tag, or 304 if the client has it already.
    ///
    /// # Errors
    /// 404 if this process has no live picture, 503 if the hub does not reply in time or clients have used up the
    /// memory limit for responses.
    pub(super) async fn whole_picture(
        &self,
        request: &HttpRequest,
        format: PictureFormat,
        render: impl FnOnce(&View) -> Result<Vec<u8>, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        self.pictures()?.respond(request, self.client(request), format, render).await
    }
}

fn no_live_picture() -> Problem {
    Problem::not_found("this process has no live picture: it needs the role `live`")
}
