//! A list of aircraft that is replaced every second, as readsb does, as a URL and as a file.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A list, and when it replaced the one before it.
pub(crate) struct Replaced {
    pub(crate) at: Instant,
    pub(crate) body: Arc<Vec<u8>>,
}

pub(crate) struct ListServer {
    address: SocketAddr,
    folder: TempDir,
    pub(crate) lists: Receiver<Replaced>,
    /// Dropping it stops the replacement.
    _end: Sender<()>,
}

type Current = Arc<Mutex<Arc<Vec<u8>>>>;

/// The interval of readsb.
const INTERVAL: Duration = Duration::from_secs(1);

impl ListServer {
    /// Copies the list at a URL every second.
    pub(crate) fn start(url: String) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (address, folder) = (listener.local_addr()?, tempfile::tempdir()?);
        let current: Current = Arc::default();
        let (sender, lists) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let path = path_in(folder.path());
        replace(&url, &current, &path, &sender)?;
        let served = current.clone();
        thread::Builder::new().name("list-server".to_owned()).spawn(move || serve(&listener, &served))?;
        thread::Builder::new().name("list-writer".to_owned()).spawn(move || {
            let mut due = Instant::now();
            loop {
                due += INTERVAL;
                match ended.recv_timeout(due.saturating_duration_since(Instant::now())) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
                if let Err(error) = replace(&url, &current, &path, &sender) {
                    eprintln!("list: {error:#}");
                }
            }
        })?;
        Ok(Self { address, folder, lists, _end: end })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/data/aircraft.json", self.address)
    }

    pub(crate) fn path(&self) -> PathBuf {
        path_in(self.folder.path())
    }
}

fn path_in(folder: &Path) -> PathBuf {
    folder.join("aircraft.json")
}

fn replace(url: &str, current: &Current, path: &Path, lists: &Sender<Replaced>) -> anyhow::Result<()> {
    let mut response = ureq::get(url).call()?;
    let body = Arc::new(response.body_mut().with_config().limit(64 << 20).read_to_vec()?);
    let next = path.with_extension("next");
    fs::write(&next, &*body)?;
    // Both are replaced at the same time.
    let at = Instant::now();
    fs::rename(next, path)?;
    *current.lock().unwrap_or_else(PoisonError::into_inner) = body.clone();
    // At the end of a run, the reader is gone.
    let _ = lists.send(Replaced { at, body });
    Ok(())
}

/// Responds to one request after another: the server sends one at a time.
fn serve(listener: &TcpListener, current: &Current) {
    for stream in listener.incoming().flatten() {
        if let Err(error) = respond(stream, current) {
            eprintln!("list: {error:#}");
        }
    }
}

fn respond(mut stream: TcpStream, current: &Current) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let body = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    Ok(stream.write_all(&body)?)
}
