use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

/// A TCP relay that simulates network faults. It listens on `127.0.0.1`.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

/// What the proxy does with the bytes it receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Forwards them.
    #[default]
    Normal,
    /// Forwards nothing, and keeps every connection open.
    Silent,
    /// Delays each piece of at most 16 KiB by this duration.
    Slow(Duration),
    /// Closes every connection, and closes new ones immediately.
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
    condition: Condition,
    /// Closed connections are removed when the next one is accepted.
    connections: Vec<Connection>,
}

/// Both ends of a connection, and whether to close it with a reset.
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
    /// Starts a proxy in front of the server at this address.
    pub(crate) fn in_front_of(server: &str) -> Self {
        let proxy = Self::without_server();
        proxy.forward_to(server);
        proxy
    }

    /// Starts a proxy in front of a server whose address is not known yet; see [`Self::forward_to`].
    pub(crate) fn without_server() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::<Shared>::default();
        let accepting = shared.clone();
        // The thread blocks in `accept` until the test process ends.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                accepting.connect(client);
            }
        });
        Self { port, shared }
    }

    /// Sends new connections to this server.
    pub(crate) fn forward_to(&self, server: &str) {
        server.clone_into(&mut self.shared.state().server);
    }

    /// Stops or resumes forwarding. Connections stay open.
    pub(crate) fn silent(&self, silent: bool) {
        self.set_condition(if silent { Condition::Silent } else { Condition::Normal });
    }

    /// Changes what the proxy does with the bytes from now on.
    pub(crate) fn set_condition(&self, condition: Condition) {
        let mut state = self.shared.state();
        state.condition = condition;
        if condition == Condition::Cut {
            let ends = state.connections.drain(..).flat_map(|connection| connection.ends);
            ends.for_each(|end| drop(end.shutdown(Shutdown::Both)));
        }
        self.shared.changed.notify_all();
    }

    /// Resets every connection, like a middlebox that has lost its connection state.
    pub(crate) fn reset(&self) {
        for Connection { ends, reset } in self.shared.state().connections.drain(..) {
            reset.store(true, Ordering::Release);
            for end in ends {
                // With a linger of zero, close sends a reset. Both calls fail if the peer closed the connection first.
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
            if state.condition == Condition::Cut {
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
        // A shutdown would send a FIN before the reset, which is sent when the connection's last handle is dropped.
        if reset.load(Ordering::Acquire) {
            return;
        }
        // Close both directions, so that the end that is still open notices.
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }

    /// Waits until a piece may be forwarded.
    fn pass(&self) {
        let state = self.changed.wait_while(self.state(), |state| state.condition == Condition::Silent).unwrap();
        if let Condition::Slow(delay) = state.condition {
            // A change of the condition ends the delay early.
            drop(self.changed.wait_timeout_while(state, delay, |s| s.condition == Condition::Slow(delay)).unwrap());
        }
    }
}
