//! The receiver's ports: SBS and Beast messages for any number of clients.
//!
//! One thread encodes each message once and hands it to every client. A client that does not read is disconnected; it
//! delays neither the other clients nor the messages.

mod beast;
mod client;
mod format;
mod port;
mod sbs;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::web;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use crate::doors::{Beast, Sbs};
use crate::error::SimulatorError;
use crate::faults::Target;

use crate::state::State;
use format::Format;
use port::Port;

/// Time between two deliveries.
const TICK: Duration = Duration::from_millis(50);

/// The open ports, and their thread.
pub(crate) struct Streams {
    addresses: Vec<(Target, SocketAddr)>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Streams {
    /// Opens the ports; without any, no thread is started.
    ///
    /// # Errors
    /// If a port cannot be opened, or the thread cannot be started.
    pub(crate) fn start(
        sbs: Option<Sbs>,
        beast: Option<Beast>,
        state: &web::Data<State>,
    ) -> Result<Self, SimulatorError> {
        let sbs = sbs.map(|sbs| (sbs.address, Format::Sbs { utc_offset: sbs.utc_offset }));
        let beast = beast.map(|beast| (beast.address, Format::Beast { gps_clock: beast.gps_clock }));
        let mut listeners = Vec::new();
        for (address, format) in [sbs, beast].into_iter().flatten() {
            let listen = |source| SimulatorError::Listen { address, source };
            let listener = TcpListener::bind(address).map_err(listen)?;
            listener.set_nonblocking(true).map_err(listen)?;
            listeners.push((format, listener.local_addr().map_err(listen)?, listener));
        }
        let addresses = listeners.iter().map(|(format, address, _)| (format.target(), *address)).collect();
        if listeners.is_empty() {
            return Ok(Self { addresses, stop: None, thread: None });
        }
        let (stop, stopped) = oneshot::channel();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(SimulatorError::Thread)?;
        let state = state.clone();
        let thread = thread::Builder::new()
            .name("simulator-ports".to_owned())
            .spawn(move || {
                if let Err(error) = runtime.block_on(serve(listeners, &state, stopped)) {
                    log::error!("the simulator's ports failed: {error}");
                }
            })
            .map_err(SimulatorError::Thread)?;
        Ok(Self { addresses, stop: Some(stop), thread: Some(thread) })
    }

    /// Returns the address of a port; `None` if it is not open.
    pub(crate) fn address(&self, target: Target) -> Option<SocketAddr> {
        self.addresses.iter().find(|(port, _)| *port == target).map(|(_, address)| *address)
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread of the simulator's ports panicked");
        }
    }
}

/// Serves the ports until the sender of `stopped` is dropped.
async fn serve(
    listeners: Vec<(Format, SocketAddr, TcpListener)>,
    state: &State,
    mut stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let Some(sky) = &state.sky else { return Ok(()) };
    let mut radio = sky.radio(state.clock.now_millis());
    let mut ports = listeners
        .into_iter()
        .map(|(format, address, listener)| Port::new(format, address, listener))
        .collect::<io::Result<Vec<_>>>()?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => return Ok(()),
            _ = ticks.tick() => {}
        }
        let now = state.clock.now_millis();
        for port in &mut ports {
            port.accept(state);
            port.apply_faults(&state.faults);
        }
        if ports.iter().any(Port::has_clients) {
            radio.receive(now, |message| {
                for port in ports.iter_mut().filter(|port| port.has_clients()) {
                    port.push(message);
                }
            });
        } else {
            radio.skip(now);
        }
        for port in &mut ports {
            port.deliver(now, state);
        }
    }
}
