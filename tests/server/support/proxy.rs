use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// A relay that can stop passing anything on, with every connection left open.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    silent: Arc<(Mutex<bool>, Condvar)>,
}

impl Proxy {
    /// Before the server at this address.
    pub(crate) fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let silent = Arc::new((Mutex::new(false), Condvar::new()));
        let (server, shared) = (server.to_owned(), silent.clone());
        // The thread sits in `accept` until the test's process ends.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(upstream) = TcpStream::connect(&server) else { continue };
                for (from, to) in [(&client, &upstream), (&upstream, &client)] {
                    let (from, to, silent) = (from.try_clone().unwrap(), to.try_clone().unwrap(), shared.clone());
                    thread::spawn(move || relay(from, to, &silent));
                }
            }
        });
        Self { port, silent }
    }

    /// Whether nothing passes.
    pub(crate) fn silent(&self, silent: bool) {
        *self.silent.0.lock().unwrap() = silent;
        self.silent.1.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.silent(false);
    }
}

fn relay(mut from: TcpStream, mut to: TcpStream, silent: &(Mutex<bool>, Condvar)) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        drop(silent.1.wait_while(silent.0.lock().unwrap(), |silent| *silent).unwrap());
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    // Whoever is left hears of it.
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
