//! The streams, read by Go's HTTP client and through Caddy, which uses the same client.
//!
//! Go's client requests gzip by default, and its decoder returns data only at an empty stored block.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::stream::client::StreamClient;
use crate::stream::{Connection, by_address, picture};
use crate::support::{Setup, Sky, TEST_TIMEOUT, TestApp, eventually};

/// Builds the program of `tests/clients/go` once, and returns its path.
fn go_client() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let program = folder.join("go-stream-client");
        let built = Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/go/stream.go"))
            .envs([("CGO_ENABLED", "0"), ("GOFLAGS", ""), ("GOTOOLCHAIN", "local")])
            .env("GOCACHE", folder.join("go-cache"))
            .status();
        assert!(built.expect("go is missing, see `scripts/check-prerequisites.sh test`").success());
        program
    })
}

/// Caddy as a reverse proxy. Dropping this kills it.
struct Caddy {
    process: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Caddy {
    fn in_front_of(server: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Picks a free port, which Caddy binds a moment later.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let options = "{\n\tadmin off\n\tauto_https off\n}\n";
        let site = format!("http://{address} {{\n\tbind 127.0.0.1\n\treverse_proxy {server}\n}}\n");
        let file = folder.path().join("Caddyfile");
        fs::write(&file, options.to_owned() + &site).unwrap();
        let process = Command::new("caddy")
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(file)
            .env("HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("caddy is missing, see `scripts/check-prerequisites.sh test`");
        let caddy = Self { process, address, _folder: folder };
        eventually("caddy listens", || TcpStream::connect(&caddy.address).ok());
        caddy
    }
}

impl Drop for Caddy {
    fn drop(&mut self) {
        // Fails if Caddy has already exited.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Asserts that a client receives the last event of a stream without any later data. `open` requests a path.
fn receives_each_event_when_it_is_sent(app: &TestApp, sky: &Sky, open: impl Fn(&str) -> Connection) {
    app.wait_ready();
    let (mut world, mut client) = (open("/api/v1/stream"), StreamClient::default());
    world.read_until(&mut client, "updates", |client| client.currents > 2);
    sky.fail_polls();
    app.wait_shown(sky);
    world.read_until(&mut client, "the last delta", |client| by_address(client) == picture(app, ""));
    let mut control = StreamClient::default();
    Connection::open(app, "", &[]).read_until(&mut control, "the snapshot", |control| control.currents > 0);
    world.read_until(&mut client, "the last event", |client| client.seq() == control.seq());

    let quiet = by_address(&client).into_keys().next().unwrap();
    let mut client = StreamClient::default();
    let mut one = open(&format!("/api/v1/stream?icao24={quiet}"));
    one.read_until(&mut client, "the snapshot of one aircraft", |client| client.currents > 0);
    assert_eq!(client.held().len(), 1);
    one.read_until(&mut client, "a heartbeat", |client| client.heartbeats > 0);

    let mut flights = open("/sse/flights");
    flights.read_until_text("\"type\":\"connection_ack\"}\n\n");
    sky.clear_faults();
    flights.read_until_text(&format!("data: {{\"icao24\":\"{quiet}\""));
    app.terminate();
    for mut stream in [world, one, flights] {
        stream.read_until_text(": goodbye\n\n");
    }
}

#[test]
#[ignore = "needs Go: run it by `make test`"]
fn a_go_client_receives_each_event_when_it_is_sent() {
    let sky = Sky::of(20);
    let app = Setup::embedded().watching(&sky).start();
    let server = app.address.clone();
    receives_each_event_when_it_is_sent(&app, &sky, |path| {
        Connection::of_process(Command::new(go_client()).arg(format!("http://{server}{path}")))
    });
}

#[test]
#[ignore = "needs Caddy and curl: run it by `make test`"]
fn a_client_behind_caddy_receives_each_event_when_it_is_sent() {
    let sky = Sky::of(20);
    let app = Setup::embedded().watching(&sky).start();
    let caddy = Caddy::in_front_of(&app.address);
    // curl sends no Accept-Encoding here, so Caddy adds its own.
    receives_each_event_when_it_is_sent(&app, &sky, |path| {
        Connection::of_process(
            Command::new("curl")
                .args(["--silent", "--show-error", "--no-buffer", "--noproxy", "*", "--max-time"])
                .arg((2 * TEST_TIMEOUT).as_secs().to_string())
                .arg(format!("http://{}{path}", caddy.address)),
        )
    });
}
