use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::task::{Context, Poll};
use std::time::Duration;

use actors::detect::RuleEngine;
use actors::domain::{StateVector, UnixTime};
use actors::messages::{Join, RequestedStream, Scope};
use actors::metrics::Metrics;
use actors::sse_hub::{Broadcast, Encoding, HubLimits, QueueLimits, QueueReceiver, Tile};
use futures_util::task::noop_waker;
use proptest::prelude::*;
use serde_json::Value;
use tokio::time::Instant;

use crate::client::{Aircraft, Decoder, StreamClient};
use crate::sky::{all_on_stream, any_state, batch, show_alerts};

const NOW: i64 = 1_795_472_376;
const TIMEOUT: Duration = Duration::from_secs(300);
const CLIENTS: usize = 4;

/// A step of a schedule.
#[derive(Clone, Debug)]
enum Step {
    Show(Vec<StateVector>),
    Publish,
    Sweep(i64),
    Heartbeat,
    ServiceClients,
    /// A client reads some of its pending pieces.
    Read {
        client: usize,
        pieces: usize,
    },
    /// A client's connection breaks, possibly in the middle of an event.
    Cut {
        client: usize,
    },
    /// A client connects. It resumes from what it holds, changes its scope, or starts as a new client.
    Connect {
        client: usize,
        scope: usize,
        encoding: Encoding,
        is_new: bool,
    },
    /// The hub panics and restarts.
    Restart,
}

fn any_step() -> impl Strategy<Value = Step> {
    let encoding = prop::sample::select(vec![Encoding::Identity, Encoding::Gzip, Encoding::Zstd]);
    let connect =
        (0..CLIENTS, prop_oneof![2 => Just(usize::MAX), 1 => 0..6_usize], encoding, prop::bool::weighted(0.1));
    prop_oneof![
        6 => prop::collection::vec(any_state(NOW), 1..6).prop_map(Step::Show),
        6 => Just(Step::Publish),
        1 => (-100..200_i64).prop_map(Step::Sweep),
        1 => Just(Step::Heartbeat),
        2 => Just(Step::ServiceClients),
        8 => (0..CLIENTS, 1..8_usize).prop_map(|(client, pieces)| Step::Read { client, pieces }),
        2 => (0..CLIENTS).prop_map(|client| Step::Cut { client }),
        3 => connect.prop_map(|(client, scope, encoding, is_new)| Step::Connect { client, scope, encoding, is_new }),
        1 => prop::bool::weighted(0.2).prop_map(|really| if really { Step::Restart } else { Step::Publish }),
    ]
}

/// Returns one of the scopes that clients request.
fn scope(index: usize) -> Scope {
    let bounding_box = |text: &str| Some(text.parse().unwrap());
    let icao24 = ["000000", "000003", "ffffff"].map(|text| text.parse().unwrap());
    match index {
        0 => Scope { bounding_box: bounding_box("44,9,46,11"), ..Scope::default() },
        1 => Scope { bounding_box: bounding_box("30,-10,60,30"), ..Scope::default() },
        2 => Scope { bounding_box: bounding_box("-90,170,90,-170"), ..Scope::default() },
        3 => Scope { icao24: icao24.into_iter().collect(), ..Scope::default() },
        4 => Scope { bounding_box: bounding_box("40,0,50,20"), icao24: icao24.into_iter().collect() },
        _ => Scope::default(),
    }
}

/// A client and its connection.
#[derive(Default)]
struct Reader {
    scope: usize,
    client: StreamClient,
    connection: Option<Connection>,
}

struct Connection {
    frames: QueueReceiver,
    decoder: Decoder,
    pieces: Vec<bytes::Bytes>,
}

impl Reader {
    /// Reads up to `pieces` pieces. Returns whether it stopped early because nothing more was pending.
    fn read(&mut self, pieces: usize) -> bool {
        for _ in 0..pieces {
            let Some(connection) = &mut self.connection else { return true };
            while connection.pieces.is_empty() {
                match connection.frames.poll_recv(&mut Context::from_waker(&noop_waker())) {
                    Poll::Ready(Some(frame)) => connection.pieces.extend(frame.pieces().iter().rev().cloned()),
                    Poll::Ready(None) => {
                        self.connection = None;
                        return true;
                    }
                    Poll::Pending => return true,
                }
            }
            let text = connection.decoder.decode(&connection.pieces.pop().unwrap());
            // The client would report a missing update. There must be none.
            self.client.read(&text).unwrap();
        }
        false
    }

    fn cut(&mut self) {
        self.connection = None;
        self.client.reconnect();
    }
}

struct Stage {
    hub: Broadcast,
    watch: RuleEngine,
    readers: Vec<Reader>,
    now: UnixTime,
    millis: u64,
}

impl Stage {
    fn new() -> Self {
        let limits = HubLimits {
            clients: 100,
            clients_per_address: 100,
            queue: QueueLimits { frames: 3, bytes: 1 << 20 },
            client_timeout: Duration::from_secs(3600),
            aircraft_timeout: TIMEOUT,
        };
        let hub = Broadcast::new(1, limits, Metrics::unregistered());
        let readers = (0..CLIENTS).map(|scope| Reader { scope, ..Reader::default() }).collect();
        Self { hub, watch: RuleEngine::default(), readers, now: UnixTime(NOW), millis: NOW as u64 * 1000 }
    }

    fn run(&mut self, step: Step) {
        self.millis += 7;
        match step {
            Step::Show(states) => self.hub.show(&batch(states), self.now),
            Step::Publish => self.hub.publish(self.millis),
            Step::Sweep(after) => {
                self.now = UnixTime(NOW + after);
                self.hub.sweep(self.now);
            }
            Step::Heartbeat => self.hub.heartbeat(self.millis),
            Step::ServiceClients => self.hub.service_clients(Instant::now(), self.millis),
            Step::Read { client, pieces } => {
                self.readers[client].read(pieces);
            }
            Step::Cut { client } => self.readers[client].cut(),
            Step::Connect { client, scope, encoding, is_new } => {
                if scope != usize::MAX {
                    self.readers[client].scope = scope;
                }
                self.connect(client, encoding, is_new);
            }
            Step::Restart => {
                self.hub.restart(self.hub.epoch() + 1);
                self.watch = RuleEngine::default();
            }
        }
        show_alerts(&mut self.hub, &mut self.watch);
    }

    fn connect(&mut self, client: usize, encoding: Encoding, is_new: bool) {
        let reader = &mut self.readers[client];
        reader.cut();
        if is_new {
            reader.client = StreamClient::default();
        }
        let stream =
            RequestedStream::Stream { scope: scope(reader.scope), last_event_id: reader.client.last_event_id.clone() };
        let join = Join { address: IpAddr::V4(Ipv4Addr::LOCALHOST).into(), encoding, stream };
        let frames = self.hub.join(&join, self.millis).unwrap();
        reader.connection = Some(Connection { frames, decoder: Decoder::new(encoding.name()), pieces: Vec::new() });
    }

    /// Connects every client, and reads until nothing is pending.
    fn settle(&mut self) {
        self.hub.publish(self.millis);
        for client in 0..CLIENTS {
            // The hub may have evicted the client, which has not noticed it yet.
            self.readers[client].read(usize::MAX);
            if self.readers[client].connection.is_none() {
                self.connect(client, Encoding::Gzip, false);
            }
        }
        for _ in 0..2 {
            for reader in &mut self.readers {
                assert!(reader.read(10_000), "the stream never ends");
            }
            self.hub.service_clients(Instant::now(), self.millis);
        }
    }

    /// Returns the alerts that a new client receives.
    fn alerts(&mut self) -> Vec<Value> {
        let stream = RequestedStream::Stream { scope: Scope::default(), last_event_id: None };
        let join = Join { address: IpAddr::V4(Ipv4Addr::LOCALHOST).into(), encoding: Encoding::Identity, stream };
        let (mut frames, mut client) = (self.hub.join(&join, self.millis).unwrap(), StreamClient::default());
        while let Poll::Ready(Some(frame)) = frames.poll_recv(&mut Context::from_waker(&noop_waker())) {
            client.read(std::str::from_utf8(&frame.pieces().concat()).unwrap()).unwrap();
        }
        client.alerts
    }

    fn check(&mut self) {
        let alerts = self.alerts();
        for state in self.hub.picture().states() {
            let squawk = state.squawk.as_deref();
            let alert = alerts.iter().find(|alert| alert["icao24"] == state.icao24.to_string());
            match (squawk.filter(|squawk| ["7500", "7600", "7700"].contains(squawk)), squawk) {
                (Some(emergency), _) => assert_eq!(alert.unwrap()["squawk"], emergency),
                (None, Some(_)) => assert_eq!(alert, None),
                (None, None) => {}
            }
        }
        let is_held = |alert: &Value| self.hub.picture().states().any(|s| alert["icao24"] == s.icao24.to_string());
        assert!(alerts.iter().all(is_held), "an aircraft outside the picture has an alert");
        for reader in &self.readers {
            assert_eq!(reader.client.alerts, alerts);
            let scope = scope(reader.scope);
            let cells = Tile::of_scope(&scope);
            let states = self.hub.picture().states().map(AsRef::as_ref);
            let expected = all_on_stream(states.filter(|state| cells.iter().any(|cell| cell.contains(state))));
            let held: BTreeMap<String, Aircraft> = reader
                .client
                .held()
                .into_values()
                .map(|aircraft| (aircraft["icao24"].as_str().unwrap().to_owned(), aircraft))
                .collect();
            assert_eq!(held, expected, "{scope:?}");
            assert_eq!(reader.client.held().len(), expected.len(), "an aircraft is held twice");
            let in_scope = self.hub.picture().states().filter(|state| scope.contains(state));
            assert!(in_scope.into_iter().all(|state| expected.contains_key(&state.icao24.to_string())));
        }
    }
}

/// Generates an id, valid or invalid, as a client might send it.
fn any_last_event_id() -> impl Strategy<Value = String> {
    let part = prop_oneof!["[0-9a-f]{0,9}", "[0-9]{0,21}", "\\PC{0,5}", Just("world".to_owned()), Just("1".to_owned())];
    prop_oneof![
        4 => (0..3_u32, 0..8_u64, "world|[a-z0-9]{0,9}").prop_map(|(epoch, seq, tag)| format!("{epoch:x}-{seq}-{tag}")),
        2 => prop::collection::vec(part, 0..5).prop_map(|parts| parts.join("-")),
        1 => "\\PC{0,60}",
    ]
}

proptest! {
    /// Whatever id it sends, a client that holds nothing receives a full snapshot, or the updates that follow the one
    /// it names.
    #[test]
    fn fuzzed_last_event_ids_are_resumed_from_or_ignored(
        states in prop::collection::vec(any_state(NOW), 1..6),
        last_event_id in any_last_event_id(),
        scope_of in 0..6_usize,
    ) {
        let mut stage = Stage::new();
        for state in states {
            stage.run(Step::Show(vec![state]));
            stage.run(Step::Publish);
        }
        let stream = RequestedStream::Stream { scope: scope(scope_of), last_event_id: Some(last_event_id) };
        let join = Join { address: IpAddr::V4(Ipv4Addr::LOCALHOST).into(), encoding: Encoding::Identity, stream };
        let mut frames = stage.hub.join(&join, stage.millis).unwrap();
        let mut text = String::new();
        while let Poll::Ready(Some(frame)) = frames.poll_recv(&mut Context::from_waker(&noop_waker())) {
            text.extend(frame.pieces().iter().map(|piece| std::str::from_utf8(piece).unwrap()));
        }
        prop_assert!(text.contains("event: current"), "{text}");
        let whole = text.contains("event: snapshot") || !text.contains("event: delta");
        prop_assert!(whole || text.contains("\"after\""), "{text}");
    }

    #[test]
    fn after_any_schedule_each_client_has_the_hubs_picture(steps in prop::collection::vec(any_step(), 1..80)) {
        let mut stage = Stage::new();
        for step in steps {
            stage.run(step);
        }
        stage.settle();
        stage.check();
    }
}
