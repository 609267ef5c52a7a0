//! `health`: checks whether the server with this configuration is alive, for container images without curl.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use clap::Args;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use thiserror::Error;

use super::SettingFlags;
use super::setting_flags::ListeningKeys;
use super::values::duration;
use crate::config::{ConfigError, Environment, HttpSettings, Settings};
use crate::tls::LenientVerifier;

/// `health`: check whether a running server is alive.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Exits with 0 if GET /health/live at the configured http.host and http.port responds with 200, otherwise with 1.")]
pub struct HealthArgs {
    /// How long to wait for the response
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = duration)]
    timeout: Duration,

    /// Settings.
    #[command(flatten)]
    settings: SettingFlags<ListeningKeys>,
}

/// The reason why a server is not considered alive.
#[derive(Debug, Error)]
pub enum Unhealthy {
    /// The configuration is invalid, so the server's address is unknown.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// With port 0, only the server itself knows its port.
    #[error("http.port is 0, so the server's port is unknown")]
    NoPort,
    /// The connection failed, or the server does not speak HTTP.
    #[error("{address}: {error}")]
    Unreachable {
        /// The server's address.
        address: String,
        /// The cause.
        #[source]
        error: io::Error,
    },
    /// The server did not respond in time.
    #[error("{address}: no response within {} ms", waited.as_millis())]
    Silent {
        /// The server's address.
        address: String,
        /// The timeout.
        waited: Duration,
    },
    /// The response status was not 200.
    #[error("{address}: responded with {status:?}")]
    Refused {
        /// The server's address.
        address: String,
        /// The status line.
        status: String,
    },
}

/// Requests `/health/live` from the configured address.
///
/// # Errors
/// Returns an error if the server is not alive, or its address is unknown.
pub fn run(args: &HealthArgs, file: Option<&Path>, environment: &Environment) -> Result<(), Unhealthy> {
    let settings = Settings::load(file, environment, &args.settings.0)?;
    check(&settings.http, args.timeout)
}

fn check(http: &HttpSettings, timeout: Duration) -> Result<(), Unhealthy> {
    if http.port == 0 {
        return Err(Unhealthy::NoPort);
    }
    let address = http.host.loopback_if_unspecified().with_port(http.port);
    let (sender, response) = mpsc::channel();
    let (request_address, with_tls) = (address.clone(), http.tls_certificate.is_some());
    // On a separate thread, because neither name resolution nor a response that arrives byte by byte has a timeout.
    std::thread::spawn(move || sender.send(request_status(&request_address, with_tls, timeout)));
    match response.recv_timeout(timeout) {
        Ok(Ok(status)) if is_success(&status) => Ok(()),
        Ok(Ok(status)) => Err(Unhealthy::Refused { address, status }),
        Ok(Err(error)) => Err(Unhealthy::Unreachable { address, error }),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            Err(Unhealthy::Silent { address, waited: timeout })
        }
    }
}

/// Sends the request and returns the status line of the response.
fn request_status(address: &str, with_tls: bool, timeout: Duration) -> io::Result<String> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "no addresses found");
    for resolved in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&resolved, timeout) {
            Ok(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                let name = resolved.ip().into();
                return if with_tls {
                    status_line(start_tls(stream, name)?, address)
                } else {
                    status_line(stream, address)
                };
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Wraps a connection in TLS without verification: the request contains no secrets, and only the status of the response
/// is used.
fn start_tls(stream: TcpStream, name: ServerName<'static>) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(LenientVerifier { provider, authority: None }))
        .with_no_client_auth();
    Ok(StreamOwned::new(ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?, stream))
}

fn status_line(mut stream: impl Read + Write, address: &str) -> io::Result<String> {
    // Sent in one write, because the server may respond and close the connection before the rest arrives.
    let request = format!("GET /health/live HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut line = Vec::new();
    BufReader::new(stream.take(256)).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

fn is_success(status: &str) -> bool {
    let mut words = status.split(' ');
    words.next().is_some_and(|protocol| protocol.starts_with("HTTP/1.")) && words.next() == Some("200")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Host;
    use std::net::TcpListener;

    fn settings(host: Host, port: u16) -> HttpSettings {
        HttpSettings { host, port, ..Settings::defaults().http }
    }

    /// Checks a server that responds to one request with these bytes and keeps the connection open until the check is
    /// done.
    fn check_response(response: &'static [u8]) -> Result<(), Unhealthy> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (finish, finished) = mpsc::channel::<()>();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /health/live HTTP/1.1\r\n"));
            stream.write_all(response).unwrap();
            if response.is_empty() {
                let _ = finished.recv();
            }
        });
        // A server that listens on all addresses can be reached at the loopback address.
        let host = Host::Ip("0.0.0.0".parse().unwrap());
        let result = check(&settings(host, port), Duration::from_millis(500));
        let _ = finish.send(());
        server.join().unwrap();
        result
    }

    #[test]
    fn only_a_200_counts_as_alive() {
        assert!(check_response(b"HTTP/1.1 200 OK\r\n\r\n").is_ok());
        assert!(matches!(check_response(b"HTTP/1.1 503 Service Unavailable\r\n\r\n"), Err(Unhealthy::Refused { .. })));
        assert!(matches!(check_response(b"220 mail.example.org ESMTP\r\n"), Err(Unhealthy::Refused { .. })));
    }

    #[test]
    fn silent_and_unreachable_servers_are_not_alive() {
        assert!(matches!(check_response(b""), Err(Unhealthy::Silent { .. } | Unhealthy::Unreachable { .. })));
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let http = settings(Host::Ip("127.0.0.1".parse().unwrap()), free);
        assert!(matches!(check(&http, Duration::from_secs(2)), Err(Unhealthy::Unreachable { .. })));
        let http = HttpSettings { port: 0, ..http };
        assert!(matches!(check(&http, Duration::from_secs(2)), Err(Unhealthy::NoPort)));
    }
}
