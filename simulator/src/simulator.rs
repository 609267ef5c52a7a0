use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

use crate::connection::Connection;
use crate::error::SimulatorError;
use crate::faults::{Faults, Target};
use crate::feed::Feed;
use crate::options::{Changes, Options, SkySource};
use crate::recorded::Recorded;
use crate::routes::{TOKEN_PATH, routes};
use crate::served::{Served, ServedStates};
use crate::state::{Requests, State};
use crate::stream::Streams;
use crate::world::{Plan, World};
use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};

/// Longer than any sensible pause between two polls in a test or demo.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// A running simulator with its own threads. Dropping it stops them.
pub struct Simulator {
    address: SocketAddr,
    recorded_at: Option<i64>,
    state: web::Data<State>,
    handle: ServerHandle,
    streams: Streams,
    thread: Option<JoinHandle<()>>,
}

/// Binds the address and starts serving.
///
/// # Errors
/// See [`SimulatorError`].
pub fn start(options: Options) -> Result<Simulator, SimulatorError> {
    options.check().map_err(SimulatorError::Options)?;
    let feed = feed(&options)?;
    let recorded_at = feed.recorded_at();
    let wanted = options.address;
    let listen = |source| SimulatorError::Listen { address: wanted, source };
    let listener = TcpListener::bind(wanted).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let (sbs, beast) = (options.sbs, options.beast);
    let state = web::Data::new(State::new(options, feed));
    let streams = Streams::start(sbs, beast, &state)?;

    let shared = state.clone();
    let (started, handle) = mpsc::sync_channel(1);
    let thread = thread::Builder::new()
        .name("simulator".to_owned())
        .spawn(move || actix_web::rt::System::new().block_on(serve(listener, shared, &started)))
        .map_err(SimulatorError::Thread)?;
    // The thread sends exactly once, unless it dies.
    let handle = handle.recv().unwrap_or_else(|_| Err(io::Error::other("the thread died"))).map_err(listen)?;
    Ok(Simulator { address, recorded_at, state, handle, streams, thread: Some(thread) })
}

async fn serve(listener: TcpListener, shared: web::Data<State>, started: &mpsc::SyncSender<io::Result<ServerHandle>>) {
    let server = HttpServer::new(move || App::new().app_data(shared.clone()).configure(routes))
        .workers(1)
        .disable_signals()
        .keep_alive(KEEP_ALIVE)
        // Disconnecting also cancels a request that hangs because of a fault.
        .h1_allow_half_closed(false)
        .on_connect(Connection::remember)
        .listen(listener);
    match server {
        Ok(server) => {
            let server = server.run();
            let _ = started.send(Ok(server.handle()));
            if let Err(error) = server.await {
                log::error!("the simulator's server failed: {error}");
            }
        }
        Err(error) => drop(started.send(Err(error))),
    }
}

fn feed(options: &Options) -> Result<Feed, SimulatorError> {
    match &options.source {
        SkySource::Generated => {
            let plan = Plan {
                aircraft: options.aircraft,
                seed: options.seed,
                speed: options.speed,
                emergencies: options.emergencies,
                steady: options.changes != Changes::Natural,
            };
            Ok(Feed::generated(World::new(plan), options.changes))
        }
        SkySource::Recorded { files, shift_times, after_last } => Recorded::read(files, *shift_times, *after_last)
            .map(Feed::Recorded)
            .map_err(|(file, source)| SimulatorError::Recorded { file: file.to_owned(), source }),
    }
}

impl Simulator {
    /// Returns the address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the time of the newest recorded response, in Unix seconds; `None` if flights are generated.
    pub fn recorded_at(&self) -> Option<i64> {
        self.recorded_at
    }

    /// Returns the URL that replaces `https://opensky-network.org/api`.
    pub fn base_url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// Returns the URL of the token endpoint.
    pub fn auth_url(&self) -> String {
        format!("http://{}{TOKEN_PATH}", self.address)
    }

    /// Returns the URL of the receiver's `aircraft.json`.
    pub fn aircraft_url(&self) -> String {
        format!("http://{}/data/aircraft.json", self.address)
    }

    /// Returns the URL of the community's API, to which `/point/…` is appended.
    pub fn community_url(&self) -> String {
        format!("http://{}/v2", self.address)
    }

    /// Returns the address of the SBS port; `None` unless [`Options::sbs`] is set.
    pub fn sbs_address(&self) -> Option<SocketAddr> {
        self.streams.address(Target::Sbs)
    }

    /// Returns the address of the Beast port; `None` unless [`Options::beast`] is set.
    pub fn beast_address(&self) -> Option<SocketAddr> {
        self.streams.address(Target::Beast)
    }

    /// Returns the faults to inject.
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// Returns the states served so far; empty unless [`Options::remember_served`] is set.
    pub fn served(&self) -> ServedStates {
        self.sent(Target::States)
    }

    /// Returns what a target sent so far: addresses, and the times of their last messages in Unix seconds. Empty unless
    /// [`Options::remember_served`] is set.
    pub fn sent(&self, target: Target) -> ServedStates {
        self.state.served(target).map(Served::all).unwrap_or_default()
    }

    /// Returns the numbers of requests received.
    pub fn requests(&self) -> Requests {
        self.state.counts.read()
    }

    /// Revokes every token, as the real server sometimes does before they expire.
    pub fn revoke_tokens(&self) {
        self.state.tokens().revoke_all();
    }

    /// Stops the simulator and waits for its threads; hanging requests are cut off.
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
        // Calling `stop` already initiates the shutdown; the future only awaits it, which the join does instead.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the simulator's thread panicked");
        }
    }
}
