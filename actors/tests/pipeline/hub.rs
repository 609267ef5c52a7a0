use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use actix::Actor;
use actors::batch::{Batch, LogId, PartitionBatch};
use actors::domain::{StateVector, UnixTime};
use actors::messages::{GetPicture, Join, RequestedStream, Scope, ShowBatch, TooManyClients};
use actors::metrics::Metrics;
use actors::sse_hub::SseHub;
use actors::sse_hub::{Encoding, HubLimits, QueueLimits, QueueReceiver};
use actors::supervision::{ActorName, Vitals};
use tokio::time::sleep;

use super::{drain_soon, run, state};

fn hub(queue: QueueLimits) -> actix::Addr<SseHub> {
    let limits = HubLimits {
        clients: 3,
        clients_per_address: 2,
        queue,
        client_timeout: Duration::from_secs(30),
        aircraft_timeout: Duration::from_secs(300),
    };
    SseHub::new(limits, Vitals::unregistered(ActorName::SseHub), Metrics::unregistered()).start()
}

const LARGE_QUEUE: QueueLimits = QueueLimits { frames: 16, bytes: 1 << 20 };

fn address(last: u8) -> Join {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)).into();
    Join { address, encoding: Encoding::Identity, stream: RequestedStream::Telemetry }
}

fn shown(states: impl IntoIterator<Item = StateVector>) -> ShowBatch {
    let states: Vec<_> = states.into_iter().map(Arc::new).collect();
    let part = PartitionBatch {
        partition: 0,
        expected: None,
        next_offset: 0,
        last_timestamp: 0,
        states,
        records: Vec::new(),
        polls: Vec::new(),
        alerts: Vec::new(),
        skipped: 0,
        dead_letters: Vec::new(),
        lost: 0,
    };
    ShowBatch(Arc::new(Batch { log: LogId { cluster: "c".into(), topic: "t".into() }, parts: vec![part] }))
}

/// Returns the text of the next frame, or `None` at the end of the stream.
async fn next_text(frames: &mut QueueReceiver) -> Option<String> {
    let frame = frames.recv().await?;
    Some(String::from_utf8(frame.pieces().concat()).unwrap())
}

/// Returns the states in the next frame, each as its `last_contact` relative to `now`.
async fn next_states(frames: &mut QueueReceiver, now: i64) -> Vec<i64> {
    let text = next_text(frames).await.unwrap();
    let events = text.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap());
    events.map(|json| serde_json::from_str::<StateVector>(json).unwrap().last_contact.0 - now).collect()
}

#[test]
fn every_client_receives_every_newer_state_and_no_earlier_one() {
    run(async {
        let (hub, now) = (hub(LARGE_QUEUE), UnixTime::now().0);
        hub.send(shown([state("aaaaaa", now)])).await.unwrap();
        let mut first = hub.send(address(1)).await.unwrap().unwrap().frames;
        let mut second = hub.send(address(1)).await.unwrap().unwrap().frames;
        hub.send(shown([state("aaaaaa", now), state("bbbbbb", now - 1), state("aaaaaa", now + 1)])).await.unwrap();
        for client in [&mut first, &mut second] {
            let ack = next_text(client).await.unwrap();
            assert!(ack.starts_with("data: {") && ack.ends_with("}\n\n"), "{ack:?}");
            assert_eq!(next_states(client, now).await, [-1, 1]);
        }
    });
}

#[test]
fn a_client_that_falls_behind_skips_to_the_newest_state_of_each_aircraft() {
    run(async {
        let (hub, now) = (hub(QueueLimits { frames: 3, bytes: 1 << 20 }), UnixTime::now().0);
        let mut slow = hub.send(address(1)).await.unwrap().unwrap().frames;
        for at in 1..=20 {
            hub.send(shown([state("aaaaaa", now + at), state("bbbbbb", now + at)])).await.unwrap();
        }
        slow.recv().await.unwrap();
        assert_eq!(next_states(&mut slow, now).await, [1, 1]);
        assert_eq!(next_states(&mut slow, now).await, [2, 2]);
        assert_eq!(next_states(&mut slow, now).await, [3, 3]);
        assert_eq!(next_states(&mut slow, now).await, [20, 20]);
        hub.send(shown([state("aaaaaa", now + 21)])).await.unwrap();
        assert_eq!(next_states(&mut slow, now).await, [21]);
    });
}

#[test]
fn newer_states_of_any_age_reach_sse_clients_once_and_leave_the_picture_unchanged() {
    run(async {
        let (hub, now) = (hub(QueueLimits { frames: 1, bytes: 1 << 20 }), UnixTime::now().0);
        let mut client = hub.send(address(1)).await.unwrap().unwrap().frames;
        next_text(&mut client).await.unwrap();
        hub.send(shown([state("aaaaaa", now - 400), state("bbbbbb", now - 7200)])).await.unwrap();
        assert_eq!(next_states(&mut client, now).await, [-400, -7200]);
        hub.send(shown([state("aaaaaa", now - 400), state("bbbbbb", now - 7201)])).await.unwrap();
        hub.send(shown([state("aaaaaa", now - 390)])).await.unwrap();
        assert_eq!(next_states(&mut client, now).await, [-390], "the other states are not newer than the sent ones");
        // One update more than fits into the client's queue. The client falls behind and receives only the newest state
        // of each aircraft.
        for age in [380, 370, 360] {
            hub.send(shown([state("aaaaaa", now - age), state("bbbbbb", now - 10 * age)])).await.unwrap();
        }
        assert_eq!(next_states(&mut client, now).await, [-380, -3800]);
        assert_eq!(next_states(&mut client, now).await, [-360, -3600]);
        let view = hub.send(GetPicture { scope: Scope::default(), known: None }).await.unwrap();
        assert_eq!(view.states.map(|states| states.len()), Some(0));
    });
}

#[test]
fn a_client_that_reads_nothing_is_evicted() {
    run(async {
        let hub = hub(LARGE_QUEUE);
        let _stuck = hub.send(address(1)).await.unwrap().unwrap();
        let mut reading = hub.send(address(1)).await.unwrap().unwrap().frames;
        assert!(matches!(hub.send(address(1)).await.unwrap(), Err(TooManyClients::PerAddress)));
        let reader = tokio::task::spawn_local(async move { while reading.recv().await.is_some() {} });
        sleep(Duration::from_secs(40)).await;
        let again = hub.send(address(1)).await.unwrap();
        assert!(again.is_ok());
        assert!(!reader.is_finished(), "a client that reads is kept");
    });
}

#[test]
fn clients_are_limited_in_total_and_per_address() {
    run(async {
        let hub = hub(LARGE_QUEUE);
        let _clients = [hub.send(address(1)).await.unwrap().unwrap(), hub.send(address(1)).await.unwrap().unwrap()];
        assert!(matches!(hub.send(address(1)).await.unwrap(), Err(TooManyClients::PerAddress)));
        let third = hub.send(address(2)).await.unwrap().unwrap();
        assert!(matches!(hub.send(address(3)).await.unwrap(), Err(TooManyClients::Total)));
        drop(third);
        sleep(Duration::from_secs(2)).await;
        assert!(hub.send(address(3)).await.unwrap().is_ok(), "a disconnected client frees its slot");
    });
}

#[test]
fn the_picture_has_the_newest_state_of_each_aircraft_in_the_scope() {
    run(async {
        let (hub, now) = (hub(LARGE_QUEUE), UnixTime::now().0);
        hub.send(shown([state("aaaaaa", now - 5), state("bbbbbb", now - 400), state("aaaaaa", now - 3)]))
            .await
            .unwrap();
        let get_picture = |scope, known| GetPicture { scope, known };
        let view = hub.send(get_picture(Scope::default(), None)).await.unwrap();
        let times: Vec<_> = view.states.unwrap().iter().map(|s| s.last_contact.0 - now).collect();
        assert_eq!(times, [-3], "bbbbbb has been silent for more than five minutes");
        let elsewhere = Scope { bounding_box: Some("0,0,1,1".parse().unwrap()), ..Scope::default() };
        assert!(hub.send(get_picture(elsewhere, None)).await.unwrap().states.unwrap().is_empty());
        let unchanged = hub.send(get_picture(Scope::default(), Some(view.version))).await.unwrap();
        assert_eq!(
            (unchanged.version, unchanged.states),
            (view.version, None),
            "the client already holds this version"
        );
        hub.send(shown([state("aaaaaa", now - 3)])).await.unwrap();
        assert_eq!(
            hub.send(get_picture(Scope::default(), None)).await.unwrap().version,
            view.version,
            "nothing changed"
        );
        hub.send(shown([state("aaaaaa", now - 2)])).await.unwrap();
        let changed = hub.send(get_picture(Scope::default(), Some(view.version))).await.unwrap();
        assert!(changed.version != view.version && changed.states.is_some());
    });
}

#[test]
fn a_drained_hub_disconnects_its_clients_and_admits_no_more() {
    run(async {
        let hub = hub(LARGE_QUEUE);
        let mut client = hub.send(address(1)).await.unwrap().unwrap().frames;
        hub.send(drain_soon()).await.unwrap();
        next_text(&mut client).await.unwrap();
        assert!(next_text(&mut client).await.unwrap().starts_with("retry: "));
        assert_eq!(next_text(&mut client).await, None);
        assert!(hub.send(address(1)).await.unwrap().is_err());
    });
}
