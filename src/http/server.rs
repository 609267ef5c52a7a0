//! Binds, listens and serves connections.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_http::{HttpServiceBuilder, Request};
use actix_server::{GracefulShutdownSignal, Server, ServerHandle};
use actix_service::{Service, ServiceFactory, map_config};
use actix_web::App;
use actix_web::body::BoxBody;
use actix_web::dev::AppConfig;
use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::DefaultHeaders;
use actix_web_lab::middleware::CatchPanic;
use thiserror::Error;

use super::compat::CompatApis;
use super::connection::connection_limiter::{ConnectionLimiter, limited};
use super::connection::in_flight::{RequestLimits, limit_requests};
use super::connection::per_address_limit::PerAddressLimit;
use super::connection::plain_connection::{PlainConnection, serve_plain};
use super::connection::sockets;
use super::connection::tls::{self, TlsError, TlsFiles};
use super::connection::tls_connection::{TlsConnection, serve_tls};
use super::cors::AllowedOrigins;
use super::routes::Routes;
use super::state::ServerState;

/// Options of the HTTP server.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// The host name or IP address to listen on.
    pub host: String,
    /// The port; 0 picks a free one.
    pub port: u16,
    /// The origins whose pages may read `/sse` and `/api`.
    pub allowed_origins: AllowedOrigins,
    /// The APIs of other servers that are served.
    pub compat: CompatApis,
    /// The maximum number of concurrent connections over all threads, including those of streams.
    pub max_connections: usize,
    /// The maximum number of concurrent connections from one address. Trusted proxies are exempt.
    pub connections_per_address: usize,
    /// The TLS certificate and key; `None` serves plain HTTP.
    pub tls: Option<TlsFiles>,
}

/// A running HTTP server.
pub struct RunningServer {
    /// The addresses it listens on, with the actual port.
    pub addresses: Vec<SocketAddr>,
    handle: ServerHandle,
}

impl RunningServer {
    /// Stops accepting connections, gives responses in flight a short time to finish, and stops.
    pub async fn stop(self) {
        self.handle.stop(true).await;
    }
}

/// The error for a server that cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Host and port.
        address: String,
        /// The reason.
        #[source]
        error: io::Error,
    },
    /// The certificate or the key cannot be used.
    #[error("http.tls_certificate, http.tls_key: {0}")]
    Tls(#[from] TlsError),
}

/// The number of threads that serve connections.
const WORKERS: usize = 2;

/// Binds the address and serves connections on dedicated threads.
///
/// # Errors
/// Returns an error if the address cannot be bound, or the TLS certificate cannot be used.
pub fn start(options: &HttpOptions, state: ServerState) -> Result<RunningServer, StartError> {
    let (proxies, rejections) = (state.trusted_proxies.clone(), state.limits.rejections.clone());
    let client_timeout = state.limits.client_timeout;
    let limiter = ConnectionLimiter::new(options.connections_per_address, proxies.clone(), rejections.clone());
    // An HTTP/1 connection has one request at a time, so one limit serves for connections and requests.
    let per_address = PerAddressLimit::new(options.connections_per_address);
    let requests = RequestLimits { per_address, proxies, rejections };
    let (routes, with_tls) =
        (Routes::new(state, options.allowed_origins.clone(), options.compat), options.tls.is_some());
    let app = move || {
        let app = App::new()
            .wrap(CatchPanic::default())
            .wrap(default_headers(with_tls))
            .configure(|app| routes.configure(app));
        // `AppConfig` has the host and scheme for absolute URLs, which this application does not generate.
        limit_requests(requests.clone(), map_config(app, |()| AppConfig::default()))
    };
    let builder = Server::build()
        .workers(WORKERS)
        // The limit applies per worker; the server pauses accepting once all workers have reached it.
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
                let http =
                    http_service(stopping.clone()).on_connect_ext(move |connection: &PlainConnection, extensions| {
                        connection.with_socket(|socket| sockets::set_options(socket, client_timeout));
                        extensions.insert(connection.handoff());
                        extensions.insert(connection.in_flight());
                    });
                limited(limiter.clone(), serve_plain(client_timeout, http.finish(app())))
            }),
            Some(tls) => builder.listen("https", listener, move || {
                let http =
                    http_service(stopping.clone()).on_connect_ext(move |connection: &TlsConnection, extensions| {
                        sockets::set_options(connection.socket(), client_timeout);
                        extensions.insert(connection.in_flight());
                    });
                limited(limiter.clone(), serve_tls(tls.clone(), client_timeout, http.finish(app())))
            }),
        }
    });
    let server = server.map_err(|error| StartError::Listen { address: options.host.clone(), error })?.run();
    let handle = server.handle();
    // The server runs on its own threads; this future only completes when it stops.
    #[expect(clippy::disallowed_methods, reason = "not a future of an actor")]
    actix_rt::spawn(server);
    Ok(RunningServer { addresses, handle })
}

/// Configures the HTTP service for any kind of connection.
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
        // Bounds the data that waits for a client that does not read, apart from one slice of a frame.
        .h1_write_buffer_size(8 * 1024)
        // Detects a disconnected client immediately, not only at the next failed write.
        .h1_allow_half_closed(false)
        .client_request_timeout(Duration::from_secs(10))
        .client_disconnect_timeout(Duration::from_secs(2))
}

/// Returns the headers that are added to every response that does not set them.
fn default_headers(with_tls: bool) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((REFERRER_POLICY, "no-referrer"))
        .add((CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"));
    if with_tls { headers.add((STRICT_TRANSPORT_SECURITY, "max-age=31536000")) } else { headers }
}
