use std::net::{IpAddr, Ipv4Addr};
use std::task::{Context, Poll};
use std::time::Duration;

use actors::domain::{StateVector, StateVectorParts, UnixTime};
use actors::messages::{Join, RequestedStream, Scope};
use actors::metrics::{CounterByKind, Kind, Metrics};
use actors::sse_hub::{Broadcast, Encoding, HubLimits, QueueLimits, QueueReceiver};
use futures_util::task::noop_waker;
use tokio::time::Instant;

use crate::client::{Decoder, StreamClient};
use crate::sky::{all_on_stream, batch};

const NOW: i64 = 1_795_472_376;
const MILLIS: u64 = NOW as u64 * 1000;

fn hub(frames: usize) -> (Broadcast, Metrics) {
    let limits = HubLimits {
        clients: 20_000,
        clients_per_address: 20_000,
        queue: QueueLimits { frames, bytes: 8 << 20 },
        client_timeout: Duration::from_secs(30),
        aircraft_timeout: Duration::from_secs(300),
    };
    let metrics = Metrics::unregistered();
    (Broadcast::new(7, limits, metrics.clone()), metrics)
}

/// Creates a fleet over Europe after `moved` steps of movement.
fn fleet(aircraft: u32, moved: u32) -> Vec<StateVector> {
    let state = |number: u32| {
        StateVector::try_from(StateVectorParts {
            icao24: format!("{number:06x}").into(),
            lat: Some(36.0 + f64::from(number % 300) / 10.0 + f64::from(moved) / 1000.0),
            lon: Some(-9.0 + f64::from(number / 300 % 300) / 10.0),
            last_contact: Some(NOW + i64::from(moved)),
            ..StateVectorParts::default()
        })
        .unwrap()
    };
    (0..aircraft).map(state).collect()
}

fn join(hub: &mut Broadcast, scope: Scope, encoding: Encoding, last_event_id: Option<&str>) -> QueueReceiver {
    let stream = RequestedStream::Stream { scope, last_event_id: last_event_id.map(Into::into) };
    hub.join(&Join { address: IpAddr::V4(Ipv4Addr::LOCALHOST).into(), encoding, stream }, MILLIS).unwrap()
}

fn bounding_box(text: &str) -> Scope {
    Scope { bounding_box: Some(text.parse().unwrap()), ..Scope::default() }
}

/// Returns all pending bytes, as they are sent.
fn pending(frames: &mut QueueReceiver) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Poll::Ready(Some(frame)) = frames.poll_recv(&mut Context::from_waker(&noop_waker())) {
        bytes.extend(frame.pieces().concat());
    }
    bytes
}

fn read(client: &mut StreamClient, frames: &mut QueueReceiver) -> String {
    let text = String::from_utf8(pending(frames)).unwrap();
    client.read(&text).unwrap();
    text
}

fn counted(family: &CounterByKind, kind: &'static str) -> u64 {
    family.get_or_create(&Kind { kind }).get()
}

#[test]
fn the_number_of_encodings_does_not_depend_on_the_number_of_clients() {
    let work = |clients: usize| {
        let (mut hub, metrics) = hub(64);
        let scopes = || [Scope::default(), bounding_box("45.8,-9,47.9,-3"), bounding_box("46,-8,47,-4")];
        let _frames: Vec<_> = (0..clients)
            .flat_map(|_| {
                scopes()
                    .into_iter()
                    .flat_map(|scope| [Encoding::Zstd, Encoding::Gzip, Encoding::Identity].map(|e| (scope.clone(), e)))
            })
            .map(|(scope, encoding)| join(&mut hub, scope, encoding, None))
            .collect();
        let kinds = || {
            let encoded = ["snapshot", "delta"].map(|kind| counted(&metrics.encodings, kind));
            (encoded, ["gzip", "zstd"].map(|kind| counted(&metrics.compressions, kind)))
        };
        let joined = kinds();
        for moved in 0..2 {
            hub.show(&batch(fleet(400, moved)), UnixTime(NOW));
            hub.publish(MILLIS);
        }
        (joined, kinds())
    };
    // Both boxes cover the same two cells, and only one of these has aircraft. Together with the world, that makes two
    // encodings per update.
    let (joined, updated) = work(1);
    assert_eq!(joined, ([3, 0], [3, 3]));
    assert_eq!(updated, ([3, 4], [7, 7]));
    assert_eq!(work(100), (joined, updated));
    // Each of the 1,112 stands for nine clients, one for each scope and encoding.
    assert_eq!(work(1_112), (joined, updated));
}

#[test]
fn a_resuming_client_receives_only_the_missed_updates() {
    let (mut hub, _) = hub(64);
    let mut client = StreamClient::default();
    let mut frames = join(&mut hub, Scope::default(), Encoding::Identity, None);
    hub.show(&batch(fleet(50, 0)), UnixTime(NOW));
    hub.publish(MILLIS);
    read(&mut client, &mut frames);
    assert_eq!((client.snapshots, client.currents), (1, 2));
    drop(frames);
    hub.service_clients(Instant::now(), MILLIS);
    for moved in 1..=2 {
        hub.show(&batch(fleet(50, moved)), UnixTime(NOW));
        hub.publish(MILLIS);
    }
    client.reconnect();
    let id = client.last_event_id.clone().unwrap();
    assert_eq!(id, "00000007-1-world");
    let mut frames = join(&mut hub, Scope::default(), Encoding::Identity, Some(&id));
    read(&mut client, &mut frames);
    assert_eq!((client.snapshots, client.currents, client.seq()), (1, 4, Some(3)));
    // Nothing was missed, which the client learns immediately.
    let id = client.last_event_id.clone().unwrap();
    let mut frames = join(&mut hub, Scope::default(), Encoding::Identity, Some(&id));
    read(&mut client, &mut frames);
    assert_eq!((client.snapshots, client.currents, client.seq()), (1, 5, Some(3)));
    assert_eq!((hub.totals().resumed, hub.totals().snapshots), (2, 1));
}

#[test]
fn an_unknown_id_results_in_a_snapshot() {
    let (mut hub, _) = hub(64);
    let encodings = [Encoding::Identity, Encoding::Gzip, Encoding::Zstd];
    let _watchers = encodings.map(|encoding| join(&mut hub, Scope::default(), encoding, None));
    for moved in 0..30 {
        hub.show(&batch(fleet(2_000, moved)), UnixTime(NOW));
        hub.publish(MILLIS);
    }
    let invalid = ["", "x", "7", "00000007-30", "00000007--world"];
    let unknown = ["00000008-30-world", "00000007-30-0", "00000007-31-world"];
    for encoding in encodings {
        // Without compression, the updates since this id are larger than a snapshot and were evicted.
        let evicted = (encoding == Encoding::Identity).then_some("00000007-2-world");
        for id in invalid.into_iter().chain(unknown).chain(evicted) {
            let bytes = pending(&mut join(&mut hub, Scope::default(), encoding, Some(id)));
            let mut client = StreamClient::default();
            let text = Decoder::new(encoding.name()).decode(&bytes);
            client.read(&text).unwrap_or_else(|error| panic!("{id} in {}: {error}", encoding.name()));
            assert_eq!(client.snapshots, 1, "{id} in {}", encoding.name());
            let last_event_id = client.last_event_id.as_deref();
            assert_eq!(last_event_id, Some("00000007-30-world"), "{id} in {}", encoding.name());
        }
    }
}

#[test]
fn a_lagging_client_receives_a_snapshot_and_delays_no_other_client() {
    let (mut hub, _) = hub(4);
    let (mut slow, mut quick) = (StreamClient::default(), StreamClient::default());
    let mut slow_frames = join(&mut hub, Scope::default(), Encoding::Identity, None);
    let mut quick_frames = join(&mut hub, Scope::default(), Encoding::Identity, None);
    for moved in 0..20 {
        hub.show(&batch(fleet(300, moved)), UnixTime(NOW));
        hub.publish(MILLIS);
        read(&mut quick, &mut quick_frames);
    }
    assert_eq!((hub.clients_behind(), quick.snapshots, quick.currents), (1, 1, 21));
    read(&mut slow, &mut slow_frames);
    assert_eq!(slow.currents, 0, "the queued frames were dropped");
    hub.service_clients(Instant::now(), MILLIS);
    read(&mut slow, &mut slow_frames);
    assert_eq!((hub.clients_behind(), slow.snapshots, slow.seq()), (0, 1, Some(20)));
    assert_eq!(slow.held(), quick.held());
    let expected = all_on_stream(&fleet(300, 19));
    assert_eq!(slow.held().into_values().collect::<Vec<_>>(), expected.into_values().collect::<Vec<_>>());
    hub.show(&batch(fleet(300, 20)), UnixTime(NOW));
    hub.publish(MILLIS);
    read(&mut slow, &mut slow_frames);
    assert_eq!(slow.seq(), Some(21));
}

#[test]
fn a_heartbeat_confirms_that_a_quiet_scope_missed_nothing() {
    let (mut hub, _) = hub(64);
    let mut client = StreamClient::default();
    let mut frames = join(&mut hub, bounding_box("-40,-70,-39,-69"), Encoding::Identity, None);
    hub.show(&batch(fleet(10, 0)), UnixTime(NOW));
    hub.publish(MILLIS);
    read(&mut client, &mut frames);
    assert_eq!((client.currents, client.seq(), client.heartbeats), (1, Some(0), 0));
    hub.heartbeat(MILLIS);
    read(&mut client, &mut frames);
    assert_eq!((client.currents, client.seq(), client.heartbeats), (2, Some(1), 1));
    hub.heartbeat(MILLIS);
    assert_eq!(read(&mut client, &mut frames), ": heartbeat\n\n");
}
