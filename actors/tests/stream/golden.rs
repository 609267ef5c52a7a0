//! Streams as this server writes them, each with the picture it results in, in `tests/data/stream/`. They serve as test
//! data for clients in other languages. `make golden` regenerates them.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::task::{Context, Poll};
use std::time::Duration;

use actors::detect::RuleEngine;
use actors::domain::{StateVector, StateVectorParts, UnixTime};
use actors::messages::{Join, RequestedStream, Scope};
use actors::metrics::Metrics;
use actors::sse_hub::{Broadcast, Encoding, HubLimits, QueueLimits, QueueReceiver};
use futures_util::task::noop_waker;
use serde_json::{Value, json};

use crate::client::StreamClient;
use crate::sky::{batch, show_alerts};

const NOW: i64 = 1_795_472_376;

struct Scene {
    hub: Broadcast,
    watch: RuleEngine,
    scope: Scope,
    frames: Option<QueueReceiver>,
    client: StreamClient,
    text: String,
    millis: u64,
}

impl Scene {
    fn of(scope: Scope) -> Self {
        let limits = HubLimits {
            clients: 10,
            clients_per_address: 10,
            queue: QueueLimits { frames: 3, bytes: 1 << 20 },
            client_timeout: Duration::from_secs(30),
            aircraft_timeout: Duration::from_secs(300),
        };
        let hub = Broadcast::new(0x5f3a_9c1e, limits, Metrics::unregistered());
        let (client, text, millis) = (StreamClient::default(), String::new(), NOW as u64 * 1000 + 123);
        Self { hub, watch: RuleEngine::default(), scope, frames: None, client, text, millis }
    }

    fn show(&mut self, states: impl IntoIterator<Item = StateVector>) -> &mut Self {
        self.hub.show(&batch(states), UnixTime(NOW));
        show_alerts(&mut self.hub, &mut self.watch);
        self.millis += 5_000;
        self.hub.publish(self.millis);
        self
    }

    fn sweep(&mut self, seconds: i64) -> &mut Self {
        self.hub.sweep(UnixTime(NOW + seconds));
        show_alerts(&mut self.hub, &mut self.watch);
        self.millis += 1_000;
        self.hub.publish(self.millis);
        self
    }

    fn connect(&mut self) -> &mut Self {
        let stream =
            RequestedStream::Stream { scope: self.scope.clone(), last_event_id: self.client.last_event_id.clone() };
        let join = Join { address: IpAddr::V4(Ipv4Addr::LOCALHOST).into(), encoding: Encoding::Identity, stream };
        self.frames = Some(self.hub.join(&join, self.millis).unwrap());
        self.client.reconnect();
        self
    }

    fn read(&mut self) -> &mut Self {
        while let Poll::Ready(Some(frame)) =
            self.frames.as_mut().unwrap().poll_recv(&mut Context::from_waker(&noop_waker()))
        {
            let text = String::from_utf8(frame.pieces().concat()).unwrap();
            // The reconnect delay is random.
            let lines = text.lines().map(|line| if line.starts_with("retry: ") { "retry: 2417" } else { line });
            let text: String = lines.map(|line| format!("{line}\n")).collect();
            self.client.read(&text).unwrap();
            self.text.push_str(&text);
        }
        self
    }

    fn picture(&self) -> Value {
        let held: BTreeMap<_, _> =
            self.client.held().into_iter().map(|(number, aircraft)| (number.to_string(), aircraft)).collect();
        let StreamClient { last_event_id, snapshots, alerts, .. } = &self.client;
        let seq = self.client.seq();
        json!({ "seq": seq, "last_event_id": last_event_id, "snapshots": snapshots, "alerts": alerts, "held": held })
    }
}

fn state(icao24: &str, after: i64, more: StateVectorParts) -> StateVector {
    let at = Some(NOW + after);
    let time_position = more.lat.and(at);
    StateVectorParts { icao24: icao24.into(), last_contact: at, time_position, observed_at: at, ..more }
        .try_into()
        .unwrap()
}

fn at(lat: f64, lon: f64) -> StateVectorParts {
    StateVectorParts { lat: Some(lat), lon: Some(lon), ..StateVectorParts::default() }
}

fn swiss() -> StateVectorParts {
    StateVectorParts {
        callsign: Some("SWR123".into()),
        origin_country: Some("Switzerland".into()),
        baro_altitude: Some(3048.0),
        geo_altitude: Some(3101.3),
        velocity: Some(231.5),
        true_track: Some(87.2),
        vertical_rate: Some(-3.25),
        on_ground: Some(false),
        squawk: Some("1000".into()),
        spi: Some(false),
        position_source: Some(0),
        category: Some(4),
        ..at(47.45, 8.55)
    }
}

fn scenes() -> Vec<(&'static str, Scene)> {
    let bounding_box = |text: &str| Scope { bounding_box: Some(text.parse().unwrap()), ..Scope::default() };
    let mut scenes = Vec::new();
    let mut add = |name, scope, play: &dyn Fn(&mut Scene)| {
        let mut scene = Scene::of(scope);
        play(&mut scene);
        scenes.push((name, scene));
    };
    add("empty", Scope::default(), &|scene| {
        scene.connect().read();
    });
    add("world", Scope::default(), &|scene| {
        let german = || StateVectorParts { origin_country: Some("Germany".into()), ..at(50.0333, 8.5706) };
        scene.show([
            state("4b1814", 0, swiss()),
            state("3c6444", -3, german()),
            state("a0b1c2", 0, StateVectorParts::default()),
        ]);
        scene.connect().read();
        // A short move, which is wrapped; an update of nothing but the contact; a new aircraft with unusual characters.
        let odd = StateVectorParts {
            callsign: Some("Q\"\\É".into()),
            origin_country: Some("Côte d'Ivoire".into()),
            ..at(-33.9461, -151.1772)
        };
        let moved = StateVectorParts {
            squawk: Some("7700".into()),
            ..StateVectorParts { lat: Some(47.4505), lon: Some(8.5653), ..swiss() }
        };
        scene
            .show([state("4b1814", 5, moved), state("a0b1c2", 5, StateVectorParts::default()), state("7c6b2d", 5, odd)])
            .read();
        // A long move; a position that is lost; an aircraft whose other fields become unknown.
        let far = StateVectorParts { lat: Some(12.0), ..at(0.0, -180.0) };
        scene.show([state("7c6b2d", 9, far), state("3c6444", 9, StateVectorParts::default())]).read();
        scene.hub.heartbeat(scene.millis);
        scene.read();
        scene.sweep(306).read();
    });
    add("many", Scope::default(), &|scene| {
        let fleet = |moved: i64| {
            (0..300_i64).map(move |number| {
                let country = ["Switzerland", "Germany", "France"][(number % 3) as usize];
                let step = if number % 50 == 7 { 4_000 } else { (number % 41 - 20) * moved };
                let parts = StateVectorParts {
                    callsign: (number % 4 > 0).then(|| format!("TST{number}").into()),
                    origin_country: Some(country.into()),
                    velocity: (number % 5 > 0)
                        .then_some(200.0 + number as f64 / 10.0 + (moved * (number % 3)) as f64 / 4.0),
                    true_track: Some((number * 17 % 360) as f64),
                    baro_altitude: (number % 7 > 0).then_some((number * 30 + (number % 11 / 3) * moved * 3) as f64),
                    on_ground: Some(number % 7 == 0),
                    ..at(-60.0 + number as f64 * 0.4 + step as f64 / 10_000.0, -179.99 + number as f64 * 1.1)
                };
                state(&format!("{:06x}", 0x3c_0000 + number * 7), moved - number % 4, parts)
            })
        };
        scene.show(fleet(0)).connect().read();
        for moved in [5, 10, 15] {
            scene.show(fleet(moved)).read();
        }
    });
    add("box", bounding_box("45.8,5.9,47.9,10.6"), &|scene| {
        scene.show([state("4b1814", 0, swiss()), state("400a1b", 0, at(51.47, -0.4543))]).connect().read();
        // Moves from one cell of the scope to the other, into the scope from outside, out of it and in again.
        scene.show([state("4b1814", 5, at(47.0, 10.2)), state("400a1b", 5, at(46.0, 6.0))]).read();
        scene.show([state("400a1b", 9, at(44.0, 6.0)), state("4b1814", 9, at(47.0, 9.99))]).read();
        scene.show([state("400a1b", 12, at(45.5, 6.0)), state("3c6444", 12, at(50.0, 8.0))]).read();
    });
    add(
        "aircraft",
        Scope { icao24: ["4b1814", "3c6444"].map(|text| text.parse().unwrap()).into(), ..Scope::default() },
        &|scene| {
            scene.show([state("4b1814", 0, swiss()), state("400a1b", 0, at(51.47, -0.4543))]).connect().read();
            scene.show([state("4b1814", 5, StateVectorParts::default()), state("3c6444", 5, at(50.0, 8.0))]).read();
            scene.sweep(301).read();
        },
    );
    add("resumed", Scope::default(), &|scene| {
        scene.show([state("4b1814", 0, swiss())]).connect().read();
        scene.show([state("4b1814", 5, at(47.451, 8.551))]).show([state("3c6444", 6, at(50.0, 8.0))]);
        scene.connect().read();
        scene.show([state("4b1814", 9, at(47.452, 8.552))]).read();
    });
    add("fallen-behind", bounding_box("45.8,5.9,47.9,10.6"), &|scene| {
        scene.show([state("4b1814", 0, swiss())]).connect().read();
        for after in 1..8 {
            scene.show([
                state("4b1814", after, at(47.0 + after as f64 / 100.0, 8.0)),
                state("3c6444", after, at(46.0, 10.5)),
            ]);
        }
        scene.read();
        scene.hub.service_clients(tokio::time::Instant::now(), scene.millis);
        scene.read();
    });
    scenes
}

#[test]
fn the_golden_streams_are_up_to_date() {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "tests", "data", "stream"].iter().collect();
    let update = std::env::var_os("UPDATE_GOLDEN_FILES").is_some();
    if update {
        fs::create_dir_all(&folder).unwrap();
    }
    for (name, scene) in scenes() {
        let picture = format!("{:#}\n", scene.picture());
        for (kind, text) in [("sse", &scene.text), ("json", &picture)] {
            let path = folder.join(format!("{name}.{kind}"));
            if update {
                fs::write(&path, text).unwrap();
            }
            let kept = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(kept == *text, "{} is outdated; `make golden` regenerates it", path.display());
        }
    }
}
