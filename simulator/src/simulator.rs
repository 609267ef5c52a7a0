use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use thiserror::Error;

use crate::faults::Faults;
use crate::feed::Feed;
use crate::options::{Changes, Options, Source};
use crate::recorded::Recorded;
use crate::served::ServedStates;
use crate::server::{Connection, Server, TOKEN_PATH, routes};
use crate::world::{Plan, World};

/// Longer than any sensible pause between two polls of a test or a demonstration.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// A stand-in that listens. It runs in threads of its own, until it is dropped.
pub struct Simulator {
    address: SocketAddr,
    recorded_at: Option<i64>,
    server: web::Data<Server>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// Why the stand-in does not start; whoever chose the options can mend that.
#[derive(Debug, Error)]
pub enum StartError {
    /// The options make no sense.
    #[error("{0}")]
    Options(String),
    /// A recorded response cannot be read, or is none.
    #[error("cannot use the recorded response {}: {source}", file.display())]
    Recorded {
        /// The file.
        file: PathBuf,
        /// What is the matter with it.
        source: io::Error,
    },
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The machine has no thread left.
    #[error("cannot start the simulator's thread: {0}")]
    Thread(io::Error),
}

/// How often the stand-in was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Requests for a token.
    pub token: u64,
    /// Tokens that were issued.
    pub tokens_issued: u64,
    /// Requests for states.
    pub states: u64,
    /// Those that were granted: neither refused nor struck before they were looked at.
    pub states_answered: u64,
}

/// Binds, and serves from then on.
///
/// # Errors
/// Before anything is served; see [`StartError`].
pub fn start(options: Options) -> Result<Simulator, StartError> {
    options.check().map_err(StartError::Options)?;
    let feed = feed(&options)?;
    let recorded_at = feed.recorded_at();
    let wanted = options.address;
    let listen = |source| StartError::Listen { address: wanted, source };
    let listener = TcpListener::bind(wanted).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let server = web::Data::new(Server::new(options, feed));

    let shared = server.clone();
    let (started, handle) = mpsc::sync_channel(1);
    let thread = thread::Builder::new()
        .name("simulator".to_owned())
        .spawn(move || actix_web::rt::System::new().block_on(serve(listener, shared, &started)))
        .map_err(StartError::Thread)?;
    // The thread sends exactly once, unless it dies.
    let handle = handle.recv().unwrap_or_else(|_| Err(io::Error::other("the thread died"))).map_err(listen)?;
    Ok(Simulator { address, recorded_at, server, handle, thread: Some(thread) })
}

async fn serve(listener: TcpListener, shared: web::Data<Server>, started: &mpsc::SyncSender<io::Result<ServerHandle>>) {
    let server = HttpServer::new(move || App::new().app_data(shared.clone()).configure(routes))
        .workers(1)
        .disable_signals()
        .keep_alive(KEEP_ALIVE)
        // A client that hangs up ends what hangs for it.
        .h1_allow_half_closed(false)
        .on_connect(Connection::remember)
        .listen(listener);
    match server {
        Ok(server) => {
            let server = server.run();
            let _ = started.send(Ok(server.handle()));
            if let Err(error) = server.await {
                log::error!("the simulator's server ended: {error}");
            }
        }
        Err(error) => drop(started.send(Err(error))),
    }
}

fn feed(options: &Options) -> Result<Feed, StartError> {
    match &options.source {
        Source::Generated => {
            let plan = Plan {
                aircraft: options.aircraft,
                seed: options.seed,
                speed: options.speed,
                emergencies: options.emergencies,
                steady: options.changes != Changes::Natural,
            };
            Ok(Feed::generated(World::new(plan), options.changes))
        }
        Source::Recorded { files, shift_times, after_last } => Recorded::read(files, *shift_times, *after_last)
            .map(Feed::Recorded)
            .map_err(|(file, source)| StartError::Recorded { file: file.to_owned(), source }),
    }
}

impl Simulator {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// When the newest of the recorded responses was made, Unix seconds; `None` where flights are generated.
    pub fn recorded_at(&self) -> Option<i64> {
        self.recorded_at
    }

    /// The REST root: what stands for `https://opensky-network.org/api`.
    pub fn base_url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// The token endpoint.
    pub fn auth_url(&self) -> String {
        format!("http://{}{TOKEN_PATH}", self.address)
    }

    /// What is to go wrong.
    pub fn faults(&self) -> &Faults {
        &self.server.faults
    }

    /// What was served; nothing unless the options say to remember it.
    pub fn served(&self) -> ServedStates {
        self.server.served.as_ref().map(crate::served::Served::all).unwrap_or_default()
    }

    /// How often it was asked.
    pub fn requests(&self) -> Requests {
        self.server.counts.read()
    }

    /// Makes every token unknown, as when the real server forgets them before they expire.
    pub fn revoke_tokens(&self) {
        self.server.tokens().revoke_all();
    }

    /// Stops it and waits until it has stopped; what hangs is cut off.
    pub fn stop(self) {
        drop(self);
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // The order is given by the call; the future would only wait for it to be carried out, and so does the join.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the simulator's thread panicked");
        }
    }
}
