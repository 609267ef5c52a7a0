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
pub(crate) enum Condition {
    /// Passes everything on.
    Normal,
    /// Passes nothing on, and keeps the connections open.
    Silent,
    /// Passes everything on until a COMMIT has reached the server, then withholds the responses.
    LosesCommitResponse,
    /// Closes every connection, including new ones.
    Cut,
}

pub(crate) struct Proxy {
    /// The URL of the server through the proxy.
    pub(crate) url: Url,
    condition: Arc<watch::Sender<Condition>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn in_front_of(server: &Url) -> Self {
        let to = format!("{}:{}", server.host_str().unwrap(), server.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let condition = Arc::new(watch::Sender::new(Condition::Normal));
        let accepting = tokio::spawn(accept(listener, to, Arc::clone(&condition)));
        Self { url: through(server, address), condition, accepting }
    }

    pub(crate) fn set(&self, condition: Condition) {
        self.condition.send_replace(condition);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Condition::Cut);
        self.accepting.abort();
    }
}

pub(crate) fn through(server: &Url, address: SocketAddr) -> Url {
    let mut url = server.clone();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(address.port())).unwrap();
    url
}

async fn accept(listener: TcpListener, to: String, condition: Arc<watch::Sender<Condition>>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        if *condition.borrow() == Condition::Cut {
            continue;
        }
        let server = TcpStream::connect(&to).await.unwrap();
        tokio::spawn(relay(client, server, Arc::clone(&condition)));
    }
}

async fn relay(client: TcpStream, server: TcpStream, condition: Arc<watch::Sender<Condition>>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = from_client.read(&mut buffer).await {
            wait_out_silence(&condition).await;
            let commits = buffer[..n].windows(7).any(|word| word == b"COMMIT\0");
            if commits && *condition.borrow() == Condition::LosesCommitResponse {
                // Set before the server can respond.
                condition.send_replace(Condition::Silent);
            }
            if to_server.write_all(&buffer[..n]).await.is_err() {
                break;
            }
        }
    };
    let down = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = from_server.read(&mut buffer).await {
            wait_out_silence(&condition).await;
            if to_client.write_all(&buffer[..n]).await.is_err() {
                break;
            }
        }
    };
    let mut cut = condition.subscribe();
    tokio::select! {
        () = up => {}
        () = down => {}
        _ = cut.wait_for(|condition| *condition == Condition::Cut) => {}
    }
}

async fn wait_out_silence(condition: &watch::Sender<Condition>) {
    let _ = condition.subscribe().wait_for(|condition| *condition != Condition::Silent).await;
}
