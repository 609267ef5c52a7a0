//! A proxy between the storage and PostgreSQL that simulates network faults.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

/// What the proxy does with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Passes everything on.
    Fair,
    /// Passes nothing on, and keeps the connections open.
    Silence,
    /// Passes everything on until a COMMIT has reached the server, then withholds the responses.
    LosesCommitAnswer,
    /// Closes every connection, including new ones.
    Cut,
}

pub(crate) struct Proxy {
    /// The URL of the server through the proxy.
    pub(crate) url: Url,
    weather: Arc<watch::Sender<Weather>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn before(server: &Url) -> Self {
        let to = format!("{}:{}", server.host_str().unwrap(), server.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let weather = Arc::new(watch::Sender::new(Weather::Fair));
        let accepting = tokio::spawn(accept(listener, to, Arc::clone(&weather)));
        Self { url: through(server, address), weather, accepting }
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Weather::Cut);
        self.accepting.abort();
    }
}

pub(crate) fn through(server: &Url, address: SocketAddr) -> Url {
    let mut url = server.clone();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(address.port())).unwrap();
    url
}

async fn accept(listener: TcpListener, to: String, weather: Arc<watch::Sender<Weather>>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        if *weather.borrow() == Weather::Cut {
            continue;
        }
        let server = TcpStream::connect(&to).await.unwrap();
        tokio::spawn(relay(client, server, Arc::clone(&weather)));
    }
}

async fn relay(client: TcpStream, server: TcpStream, weather: Arc<watch::Sender<Weather>>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = from_client.read(&mut buffer).await {
            wait_out_silence(&weather).await;
            let commits = buffer[..n].windows(7).any(|word| word == b"COMMIT\0");
            if commits && *weather.borrow() == Weather::LosesCommitAnswer {
                // Set before the server can respond.
                weather.send_replace(Weather::Silence);
            }
            if to_server.write_all(&buffer[..n]).await.is_err() {
                break;
            }
        }
    };
    let down = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = from_server.read(&mut buffer).await {
            wait_out_silence(&weather).await;
            if to_client.write_all(&buffer[..n]).await.is_err() {
                break;
            }
        }
    };
    let mut cut = weather.subscribe();
    tokio::select! {
        () = up => {}
        () = down => {}
        _ = cut.wait_for(|weather| *weather == Weather::Cut) => {}
    }
}

async fn wait_out_silence(weather: &watch::Sender<Weather>) {
    let _ = weather.subscribe().wait_for(|weather| *weather != Weather::Silence).await;
}
