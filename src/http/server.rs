#[cfg(feature = "fault-injection")]
use std::collections::HashMap;
use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix::{Addr, Recipient};
use actix_http::{HttpServiceBuilder, Request};
use actix_server::{GracefulShutdownSignal, Server, ServerHandle};
use actix_service::{Service, ServiceFactory, map_config};
use actix_web::body::BoxBody;
use actix_web::dev::AppConfig;
use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::{Compress, DefaultHeaders, from_fn};
use actix_web::{App, FromRequest, Handler, HttpRequest, Resource, Responder, guard, web};
use actix_web_lab::middleware::CatchPanic;
use actors::domain::AddressBlock;
use actors::messages::SetPolling;
use actors::operations::Operations;
use actors::sse_hub::SseHub;
use actors::supervision::{ActorName, ActorRegistry};
use ipnet::IpNet;
use prometheus_client::registry::Registry;
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc};

use super::admin::{actions, events, operator};
use super::api::flights::Pictures;
use super::api::{flights, history, openapi, past_flights, stats, status, stream, track};
use super::connection::client_address::client_address;
use super::connection::connection_limiter::{ConnectionLimiter, limited};
use super::connection::in_flight::{RequestLimits, counted};
use super::connection::login_throttle::LoginThrottle;
use super::connection::per_address_limit::PerAddressLimit;
use super::connection::socket_handoff::{PlainConnection, plain};
use super::connection::sockets;
use super::connection::tls::{self, TlsError, TlsFiles};
use super::connection::tls_connection::{TlsConnection, serve_tls};
use super::cors::{cors, explain_refusals};
use super::ops::{health, metrics, page};
use super::reply::limits::Limits;
use super::reply::problem::Problem;
use crate::sources::Traffic;
use crate::storage::Storage;

/// Where to listen, and whom to serve.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// A name or an address.
    pub host: String,
    /// 0: any free one.
    pub port: u16,
    /// Whose pages may read `/sse` and `/api`.
    pub allowed_origins: AllowedOrigins,
    /// Connections at the same time, clients of the stream and others, over all threads.
    pub max_connections: usize,
    /// Those from one address; proxies that are trusted may have all of them.
    pub connections_per_address: usize,
    /// What to speak TLS with; `None`: plain HTTP.
    pub tls: Option<TlsFiles>,
}

/// Whose pages may read `/sse` and `/api` (CORS).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Everybody's.
    Any,
    /// These origins', as browsers write them.
    Only(Vec<String>),
}

/// What the routes know of the process.
pub struct ServerState {
    /// The hub, where the process has the role `live`.
    pub hub: Option<Addr<SseHub>>,
    /// The database, where this process has one that holds what is collected.
    pub storage: Option<Storage>,
    /// The state of each actor.
    pub actors: ActorRegistry,
    /// The actors that this server's clients cannot do without.
    pub needed: Vec<ActorName>,
    /// The metrics.
    pub registry: Arc<Registry>,
    /// The operator's bearer token.
    pub admin_token: String,
    /// Wrong tokens, by address.
    pub login_throttle: LoginThrottle,
    /// The whole picture, made once for all.
    pub pictures: Pictures,
    /// What there may be of anything.
    pub limits: Limits,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether the aircraft are live, simulated or recorded ones.
    pub traffic: Traffic,
    /// Takes the operator's orders.
    pub operations: Operations,
    /// The Poller, where the process has the role `collect`.
    pub poller: Option<Recipient<SetPolling>>,
    /// Where a drain is asked for.
    pub drain: mpsc::Sender<()>,
    /// Places for those who watch `/admin/events`.
    pub watchers: Arc<Semaphore>,
    /// Where to send a panic, by actor.
    #[cfg(feature = "fault-injection")]
    pub panics: HashMap<ActorName, actix::Recipient<actors::messages::InjectPanic>>,
}

impl ServerState {
    /// How long a route waits for an actor.
    pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

    /// How many may watch `/admin/events` at once.
    pub const WATCHERS: usize = 32;

    /// Where the client of a request is, as it counts for limits.
    pub(crate) fn client_address(&self, request: &HttpRequest) -> AddressBlock {
        client_address(request.peer_addr(), request.headers(), &self.trusted_proxies)
    }

    /// The database.
    ///
    /// # Errors
    /// 404 where this process has none.
    pub(crate) fn storage(&self) -> Result<&Storage, Problem> {
        self.storage.as_ref().ok_or_else(|| {
            Problem::not_found(
                "this process has no history: it lacks the role `store`, and the role `live` with a PostgreSQL",
            )
        })
    }
}

/// A server that listens.
pub struct RunningServer {
    /// Its addresses, with the real port.
    pub addresses: Vec<SocketAddr>,
    handle: ServerHandle,
}

impl RunningServer {
    /// Stops accepting, lets answers under way finish for a moment, and ends.
    pub async fn stop(self) {
        self.handle.stop(true).await;
    }
}

/// Why the server does not serve.
#[derive(Debug, Error)]
pub enum StartError {
    /// Its address cannot be bound.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Host and port.
        address: String,
        /// The system's word.
        #[source]
        error: io::Error,
    },
    /// Its certificate or key cannot be used.
    #[error("http.tls_certificate, http.tls_key: {0}")]
    Tls(#[from] TlsError),
}

/// Threads that serve connections.
const WORKERS: usize = 2;

/// Binds and serves, on threads of its own.
///
/// # Errors
/// When the address cannot be bound, or there is a certificate that cannot be used.
pub fn start(options: &HttpOptions, state: ServerState) -> Result<RunningServer, StartError> {
    let proxies = state.trusted_proxies.clone();
    let limiter =
        ConnectionLimiter::new(options.connections_per_address, proxies.clone(), state.limits.rejections.clone());
    // Over HTTP/1 a connection has one request at a time.
    let per_address = PerAddressLimit::new(options.connections_per_address);
    let requests = RequestLimits { per_address, proxies, rejections: state.limits.rejections.clone() };
    let patience = state.limits.patience;
    let (state, origins) = (web::Data::new(state), options.allowed_origins.clone());
    let with_tls = options.tls.is_some();
    let app = move || {
        let app = App::new()
            .app_data(state.clone())
            .wrap(CatchPanic::default())
            .wrap(usual_headers(with_tls))
            .configure(|routes| configure(routes, &origins))
            .default_service(web::to(|| async {
                Err::<&str, _>(Problem::not_found("there is nothing at this address"))
            }));
        // What it says of host and scheme is for addresses that an application makes; this one makes none.
        counted(requests.clone(), map_config(app, |()| AppConfig::default()))
    };
    let builder = Server::build()
        .workers(WORKERS)
        // What it is told is for each of them; where all have as many, no more are accepted.
        .max_concurrent_connections((options.max_connections / WORKERS).max(1))
        .shutdown_timeout(2)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let listeners = sockets::listen(&options.host, options.port).map_err(|error| {
        let address = format!("{}:{}", options.host, options.port);
        StartError::Listen { address, error }
    })?;
    let addresses = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
    let tls = options.tls.clone().map(tls::server_config).transpose()?;
    let server = listeners.into_iter().try_fold(builder, |builder, listener| {
        let (app, stopping, limiter) = (app.clone(), stopping.clone(), limiter.clone());
        match tls.clone() {
            None => builder.listen("http", listener, move || {
                let http = http_service(stopping.clone()).on_connect_ext(move |connection: &PlainConnection, found| {
                    connection.with_socket(|socket| sockets::bound(socket, patience));
                    found.insert(connection.handoff());
                    found.insert(connection.in_flight());
                });
                limited(limiter.clone(), plain(patience, http.finish(app())))
            }),
            Some(tls) => builder.listen("https", listener, move || {
                let http = http_service(stopping.clone()).on_connect_ext(move |connection: &TlsConnection, found| {
                    sockets::bound(connection.socket(), patience);
                    found.insert(connection.in_flight());
                });
                limited(limiter.clone(), serve_tls(tls.clone(), patience, http.finish(app())))
            }),
        }
    });
    let server = server.map_err(|error| StartError::Listen { address: options.host.clone(), error })?.run();
    let handle = server.handle();
    // The server's own futures run on its threads; this one only ends with it.
    #[expect(clippy::disallowed_methods, reason = "it is no actor's future")]
    actix_rt::spawn(server);
    Ok(RunningServer { addresses, handle })
}

/// How connections are served, whatever they are made of.
fn http_service<T, S>(stopping: GracefulShutdownSignal) -> HttpServiceBuilder<T, S>
where
    S: ServiceFactory<Request, Config = ()>,
    S::Error: Into<actix_http::Response<BoxBody>> + 'static,
    S::InitError: Debug,
    <S::Service as Service<Request>>::Future: 'static,
{
    HttpServiceBuilder::default()
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        // What waits for a client that does not read, beside one slice of a frame.
        .h1_write_buffer_size(8 * 1024)
        // A client that went away is noticed at once, not at the next failing write.
        .h1_allow_half_closed(false)
        .client_request_timeout(Duration::from_secs(10))
        .client_disconnect_timeout(Duration::from_secs(2))
}

/// What answers at a path.
pub(crate) struct Route {
    #[cfg_attr(not(test), expect(dead_code, reason = "tests compare it with the description"))]
    pub(crate) path: &'static str,
    resource: Resource,
}

/// The page's own files, which `openapi.json` leaves out.
fn pages() -> Vec<Route> {
    vec![
        get("/", page::page),
        get("/admin", page::engine_room),
        get("/admin/", page::engine_room_with_slash),
        get("/assets/{name}", page::asset),
    ]
}

/// For this server's operators, and not for other sites' pages.
pub(crate) fn operations() -> Vec<Route> {
    vec![
        get("/health/live", health::live),
        get("/health/ready", health::ready),
        get("/metrics", metrics::metrics),
        get("/admin/actors", operator::actors),
        get("/admin/events", events::events),
        post("/admin/actors/{name}/restart", actions::restart),
        post("/admin/polling/pause", actions::pause_polling),
        post("/admin/polling/resume", actions::resume_polling),
        post("/admin/drain", actions::drain),
    ]
}

/// What goes on until one of the two ends it.
pub(crate) fn streams() -> Vec<Route> {
    vec![get("/sse/flights", stream::flights), get("/api/v1/stream", stream::stream)]
}

/// Questions about flights, below `/api/v1`.
pub(crate) fn questions() -> Vec<Route> {
    vec![
        get("/flights", flights::flights),
        get("/flights/past", past_flights::past_flights),
        get("/flights/{icao24}/track", track::track),
        get("/stats", stats::stats),
        get("/history", history::history),
        get("/status", status::status),
        get("/openapi.json", openapi::document),
    ]
}

fn configure(routes: &mut web::ServiceConfig, origins: &AllowedOrigins) {
    for route in pages().into_iter().chain(operations()) {
        routes.service(route.resource);
    }
    // Without `Compress`, which would hold events back.
    for route in streams() {
        routes.service(route.resource.wrap(cors(origins)).wrap(from_fn(explain_refusals)));
    }
    let questions = questions().into_iter().fold(web::scope("/api/v1"), |scope, route| scope.service(route.resource));
    routes.service(questions.wrap(Compress::default()).wrap(cors(origins)).wrap(from_fn(explain_refusals)));
    #[cfg(feature = "fault-injection")]
    routes.route("/admin/actors/{name}/panic", web::post().to(operator::panic));
}

/// What every answer carries, unless it says something else itself.
fn usual_headers(with_tls: bool) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((REFERRER_POLICY, "no-referrer"))
        .add((CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"));
    if with_tls { headers.add((STRICT_TRANSPORT_SECURITY, "max-age=31536000")) } else { headers }
}

/// A resource that is read by GET and HEAD, and says so to everything else.
fn get<F, Args>(path: &'static str, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let resource = web::resource(path)
        .route(web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(handler))
        .default_service(web::to(|| async { Err::<&str, _>(Problem::method_not_allowed()) }));
    Route { path, resource }
}

/// A resource that is posted to, and says so to everything else.
fn post<F, Args>(path: &'static str, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let resource = web::resource(path)
        .route(web::post().to(handler))
        .default_service(web::to(|| async { Err::<&str, _>(Problem::post_only()) }));
    Route { path, resource }
}
