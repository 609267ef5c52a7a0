use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

/// A relay that does what networks do.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

/// What becomes of the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Weather {
    /// They are passed on.
    #[default]
    Fair,
    /// Nothing passes, and every connection stays open.
    Silent,
    /// Each piece of at most 16 KiB passes this much later.
    Slow(Duration),
    /// Every connection is closed, and new ones are closed at once.
    Cut,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    server: String,
    weather: Weather,
    /// Those that have ended are let go with the next one.
    connections: Vec<Connection>,
}

/// Both ends of a connection, and whether it is to end by a reset.
struct Connection {
    ends: [TcpStream; 2],
    reset: Arc<AtomicBool>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Proxy {
    /// Before the server at this address.
    pub(crate) fn before(server: &str) -> Self {
        let proxy = Self::before_nobody();
        proxy.lead_to(server);
        proxy
    }

    /// Before a server whose address is not known yet.
    pub(crate) fn before_nobody() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::<Shared>::default();
        let accepting = shared.clone();
        // The thread sits in `accept` until the test's process ends.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                accepting.connect(client);
            }
        });
        Self { port, shared }
    }

    /// New connections go to this server.
    pub(crate) fn lead_to(&self, server: &str) {
        server.clone_into(&mut self.shared.state().server);
    }

    /// Whether nothing passes.
    pub(crate) fn silent(&self, silent: bool) {
        self.weather(if silent { Weather::Silent } else { Weather::Fair });
    }

    /// What becomes of the bytes from now on.
    pub(crate) fn weather(&self, weather: Weather) {
        let mut state = self.shared.state();
        state.weather = weather;
        if weather == Weather::Cut {
            let ends = state.connections.drain(..).flat_map(|connection| connection.ends);
            ends.for_each(|end| drop(end.shutdown(Shutdown::Both)));
        }
        self.shared.changed.notify_all();
    }

    /// Every connection ends as when a machine on the way forgets them: by a reset.
    pub(crate) fn reset(&self) {
        for Connection { ends, reset } in self.shared.state().connections.drain(..) {
            reset.store(true, Ordering::Release);
            for end in ends {
                // The close is a reset then. Both fail where the other end was quicker.
                let _ = SockRef::from(&end).set_linger(Some(Duration::ZERO));
                let _ = end.shutdown(Shutdown::Read);
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.silent(false);
    }
}

impl Shared {
    fn connect(self: &Arc<Self>, client: TcpStream) {
        let server = {
            let state = self.state();
            if state.weather == Weather::Cut {
                return;
            }
            state.server.clone()
        };
        let Ok(upstream) = TcpStream::connect(&server) else { return };
        let reset = Arc::<AtomicBool>::default();
        for (from, to) in [(&client, &upstream), (&upstream, &client)] {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let (shared, reset) = (self.clone(), reset.clone());
            thread::spawn(move || shared.relay(from, to, &reset));
        }
        let mut state = self.state();
        state.connections.retain(|connection| connection.ends[0].peer_addr().is_ok());
        state.connections.push(Connection { ends: [client, upstream], reset });
    }

    fn relay(&self, mut from: TcpStream, mut to: TcpStream, reset: &AtomicBool) {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            self.pass();
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        // A shutdown would come before the reset, which is sent when the last of this connection's handles is dropped.
        if reset.load(Ordering::Acquire) {
            return;
        }
        // Whoever is left hears of it.
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }

    /// Waits until a piece may pass.
    fn pass(&self) {
        let state = self.changed.wait_while(self.state(), |state| state.weather == Weather::Silent).unwrap();
        if let Weather::Slow(delay) = state.weather {
            // A change of the weather ends the wait.
            drop(self.changed.wait_timeout_while(state, delay, |s| s.weather == Weather::Slow(delay)).unwrap());
        }
    }
}
