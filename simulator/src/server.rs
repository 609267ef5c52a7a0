//! What all requests share, and which of them goes where.

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::middleware::Compress;
use actix_web::rt::net::TcpStream;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use socket2::{SockRef, Socket};

use crate::clock::Clock;
use crate::credits::Credits;
use crate::faults::{Fault, Faults};
use crate::feed::Feed;
use crate::options::{Credentials, Options};
use crate::served::Served;
use crate::simulator::Requests;
use crate::tokens::Tokens;
use crate::{states, token_endpoint};

pub(crate) const TOKEN_PATH: &str = "/auth/realms/opensky-network/protocol/openid-connect/token";

/// The state of the stand-in.
pub(crate) struct Server {
    pub(crate) clock: Clock,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) token_life: Duration,
    pub(crate) faults: Faults,
    pub(crate) served: Option<Served>,
    pub(crate) counts: Counts,
    tokens: Mutex<Tokens>,
    credits: Mutex<Credits>,
    feed: Mutex<Feed>,
}

/// Counters behind [`Requests`].
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) token: AtomicU64,
    pub(crate) tokens_issued: AtomicU64,
    pub(crate) states: AtomicU64,
    pub(crate) states_answered: AtomicU64,
}

impl Counts {
    pub(crate) fn read(&self) -> Requests {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Requests {
            token: read(&self.token),
            tokens_issued: read(&self.tokens_issued),
            states: read(&self.states),
            states_answered: read(&self.states_answered),
        }
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Server {
    pub(crate) fn new(options: Options, feed: Feed) -> Self {
        Self {
            clock: options.clock,
            credentials: options.credentials,
            token_life: options.token_life,
            faults: Faults::new(options.seed),
            served: options.remember_served.map(Served::new),
            counts: Counts::default(),
            tokens: Mutex::default(),
            credits: Mutex::new(Credits::new(options.daily_credits, options.account_refill)),
            feed: Mutex::new(feed),
        }
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn credits(&self) -> MutexGuard<'_, Credits> {
        self.credits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn feed(&self) -> MutexGuard<'_, Feed> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The routes.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/api/states/all").wrap(Compress::default()).route(web::get().to(states::states)))
        .service(web::resource(TOKEN_PATH).route(web::post().to(token_endpoint::token)))
        .service(
            web::resource("/_faults")
                .route(web::get().to(waiting_faults))
                .route(web::post().to(add_fault))
                .route(web::delete().to(clear_faults)),
        )
        .service(web::resource("/_served").route(web::get().to(all_served)));
}

/// A second handle on a connection, by which it can be reset: the web server keeps the first to itself.
pub(crate) struct Connection(Socket);

impl Connection {
    /// Remembers a new connection among its data.
    pub(crate) fn remember(stream: &dyn Any, data: &mut Extensions) {
        if let Some(stream) = stream.downcast_ref::<TcpStream>()
            && let Ok(socket) = SockRef::from(stream).try_clone()
        {
            data.insert(Self(socket));
        }
    }

    /// Makes closing the request's connection reset it.
    pub(crate) fn reset_on_close(request: &HttpRequest) {
        if let Some(Self(socket)) = request.conn_data::<Self>()
            && let Err(error) = socket.set_linger(Some(Duration::ZERO))
        {
            log::debug!("the connection will be closed and not reset: {error}");
        }
    }
}

async fn waiting_faults(server: web::Data<Server>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "waiting": server.faults.waiting(), "struck": server.faults.struck() }))
}

async fn add_fault(server: web::Data<Server>, body: web::Bytes) -> HttpResponse {
    let added = serde_json::from_slice::<Fault>(&body)
        .map_err(|error| error.to_string())
        .and_then(|fault| server.faults.add(fault).map_err(|error| error.to_string()));
    match added {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(error) => HttpResponse::BadRequest().json(json!({ "error": error })),
    }
}

async fn clear_faults(server: web::Data<Server>) -> HttpResponse {
    server.faults.clear();
    HttpResponse::NoContent().finish()
}

async fn all_served(server: web::Data<Server>) -> HttpResponse {
    let Some(served) = &server.served else {
        return HttpResponse::NotFound()
            .json(json!({ "error": "what is served is not remembered: set remember_served" }));
    };
    let served = served.all();
    let lines: String = served
        .states
        .iter()
        .map(|(address, contact)| format!("{{\"icao24\":\"{address:06x}\",\"last_contact\":{contact}}}\n"))
        .collect();
    HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header(("X-Simulator-Forgotten", served.forgotten))
        .body(lines)
}
