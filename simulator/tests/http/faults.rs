use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use simulator::{Changes, Community, Fault, FaultKind, Options, Receiver, Target};

use crate::{Answer, Sky};

const FORM: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("client_id", "me")];

/// Sends a raw request and reads until the end, or until no bytes arrive for `patience`.
fn raw(sky: &Sky, patience: Duration) -> (Vec<u8>, Option<ErrorKind>) {
    let mut stream = TcpStream::connect(sky.simulator.address()).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    stream.write_all(b"GET /api/states/all HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut received = Vec::new();
    let error = stream.read_to_end(&mut received).err().map(|error| error.kind());
    (received, error)
}

fn with(kind: FaultKind) -> Sky {
    let sky = Sky::of(100);
    sky.simulator.faults().add(Fault::new(Target::States, kind).times(1)).unwrap();
    sky
}

/// Asserts that the next request succeeds after a one-time fault.
fn assert_recovered(sky: &Sky) {
    assert!(sky.states("").rows().len() > 80);
    assert_eq!(sky.simulator.faults().injected(), 1);
}

#[test]
fn a_status_fault_sends_its_headers() {
    let sky = Sky::of(100);
    let fault = Fault::new(Target::States, FaultKind::Status).status(429).times(1);
    sky.simulator.faults().add(fault.header("X-Rate-Limit-Retry-After-Seconds", "22688")).unwrap();
    let answer = sky.states("");
    assert_eq!((answer.status, answer.header("x-rate-limit-retry-after-seconds")), (429, Some("22688")));
    assert_recovered(&sky);
}

#[test]
fn the_default_status_is_503() {
    let sky = with(FaultKind::Status);
    assert_eq!(sky.states("").status, 503);
    assert_recovered(&sky);
}

#[test]
fn an_html_fault_sends_a_web_page() {
    let sky = with(FaultKind::Html);
    let answer = sky.states("");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(answer.body.starts_with("<!DOCTYPE html>"));
    assert_recovered(&sky);
}

#[test]
fn a_hanging_request_gets_no_response() {
    let sky = with(FaultKind::Hang);
    let (received, error) = raw(&sky, Duration::from_millis(300));
    assert!(received.is_empty() && matches!(error, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "{error:?}");
    assert_recovered(&sky);
}

#[test]
fn a_reset_fault_resets_the_connection() {
    let sky = with(FaultKind::Reset);
    let (received, error) = raw(&sky, Duration::from_secs(10));
    assert_eq!((received.len(), error), (0, Some(ErrorKind::ConnectionReset)));
    assert_recovered(&sky);
}

#[test]
fn a_truncated_response_ends_in_the_middle() {
    let sky = with(FaultKind::Truncate);
    let (received, _) = raw(&sky, Duration::from_secs(10));
    let text = String::from_utf8_lossy(&received).to_lowercase();
    let announced: usize =
        text.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap().parse().unwrap();
    let body = text.split("\r\n\r\n").nth(1).unwrap();
    assert!(body.starts_with("{\"time\":") && !body.ends_with('}'));
    assert!(announced > 5_000 && body.len() > announced / 3 && body.len() < announced * 2 / 3, "{}", body.len());
    assert_recovered(&sky);

    sky.simulator.faults().add(Fault::new(Target::States, FaultKind::Truncate).times(1)).unwrap();
    assert!(sky.try_states("").is_err(), "a client accepts a truncated response");
}

#[test]
fn a_dripping_response_arrives_in_small_pieces() {
    let sky = with(FaultKind::Drip);
    let mut stream = TcpStream::connect(sky.simulator.address()).unwrap();
    stream.write_all(b"GET /api/states/all HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut buffer = [0; 4_096];
    for _ in 0..4 {
        assert!((1..=600).contains(&stream.read(&mut buffer).unwrap()));
    }
    assert_recovered(&sky);
}

#[test]
fn an_empty_fault_sends_an_empty_body() {
    let sky = with(FaultKind::Empty);
    let answer = sky.states("");
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_recovered(&sky);
}

#[test]
fn a_null_states_fault_sends_null_states() {
    let sky = with(FaultKind::NullStates);
    let answer = sky.states("").json();
    assert!(answer["states"].is_null() && answer["time"].is_i64());
    assert_recovered(&sky);
}

#[test]
fn a_response_with_wrong_types_is_valid_json() {
    let sky = with(FaultKind::WrongTypes);
    let answer = sky.states("").json();
    assert!(!answer["time"].is_number() && !answer["states"].is_array());
    assert_recovered(&sky);
}

/// Returns whether a row is a plausible state vector.
fn is_good(row: &Value, time: i64) -> bool {
    let Some(row) = row.as_array().filter(|row| row.len() >= 17) else { return false };
    let number =
        |index: usize, limit: f64| row[index].is_null() || row[index].as_f64().is_some_and(|v| v.abs() <= limit);
    row[0].as_str().is_some_and(|address| u32::from_str_radix(address, 16).is_ok())
        && row[4].as_i64().is_some_and(|contact| contact <= time + 60)
        && number(5, 180.0)
        && number(6, 90.0)
        && number(9, 1e4)
}

#[test]
fn bad_rows_are_counted_and_mixed_with_good_ones() {
    for aircraft in [0, 5, 500] {
        let sky = Sky::start(Options { aircraft, remember_served: Some(10_000), ..Options::default() });
        let whole = sky.states("").rows();
        sky.simulator.faults().add(Fault::new(Target::States, FaultKind::BadRows).times(1)).unwrap();
        let answer = sky.states("");
        let announced: usize = answer.header("x-simulator-bad-rows").unwrap().parse().unwrap();
        let time = answer.json()["time"].as_i64().unwrap();
        let (good, bad): (Vec<_>, Vec<_>) = answer.rows().into_iter().partition(|row| is_good(row, time));
        assert_eq!((bad.len(), &good), (announced, &whole), "{aircraft}");
        assert!(announced >= 10 && announced >= aircraft / 12, "{announced}");
        // Only good rows count as served.
        assert_eq!(sky.simulator.served().states.len(), whole.len());
    }
}

#[test]
fn faults_apply_to_the_token_endpoint() {
    let sky = Sky::of(5);
    let faults = sky.simulator.faults();
    for (kind, check) in [
        (FaultKind::Status, (|answer| answer.status == 503) as fn(&Answer) -> bool),
        (FaultKind::Html, |answer| answer.body.contains("<html>")),
        (FaultKind::WrongTypes, |answer| answer.json()["access_token"].is_number()),
        (FaultKind::Empty, |answer| answer.body.is_empty()),
    ] {
        faults.add(Fault::new(Target::Token, kind).times(1)).unwrap();
        let answer = sky.token_answer(&FORM);
        assert!(check(&answer), "{kind:?}: {answer:?}");
    }
    for kind in [FaultKind::Reset, FaultKind::Truncate] {
        faults.add(Fault::new(Target::Token, kind).times(1)).unwrap();
        let answer = sky.agent.post(sky.simulator.auth_url()).send_form(FORM).and_then(Answer::read);
        assert!(answer.is_err(), "{kind:?}: {answer:?}");
    }
    assert_eq!(sky.token_answer(&FORM).status, 200);
}

#[test]
fn faults_are_added_and_cleared_over_http() {
    let sky = Sky::of(5);
    let url = format!("http://{}/_faults", sky.simulator.address());
    let post = |fault: Value| sky.agent.post(&url).send_json(fault).unwrap().status().as_u16();
    assert_eq!(post(json!({ "target": "states", "kind": "status", "status": 502, "times": null })), 204);
    for bad in [
        json!({ "target": "nowhere", "kind": "status" }),
        json!({ "target": "states", "kind": "status", "often": 3 }),
        json!({ "target": "token", "kind": "bad_rows" }),
        json!({ "target": "states", "kind": "status", "probability": 2 }),
        json!([]),
    ] {
        assert_eq!(post(bad.clone()), 400, "{bad}");
    }
    assert_eq!((sky.states("").status, sky.states("").status), (502, 502));
    let pending = Answer::read(sky.agent.get(&url).call().unwrap()).unwrap().json();
    assert_eq!((pending["waiting"].as_array().unwrap().len(), &pending["struck"]), (1, &2.into()));
    assert_eq!(sky.agent.delete(&url).call().unwrap().status(), 204);
    assert_eq!(sky.states("").status, 200);
}

#[test]
fn a_truncated_response_does_not_count_as_served() {
    let options = Options { aircraft: 20, changes: Changes::All, remember_served: Some(1_000), ..Options::default() };
    let sky = Sky::start(options);
    sky.simulator.faults().add(Fault::new(Target::States, FaultKind::Truncate).times(1)).unwrap();
    assert!(sky.try_states("").is_err());
    assert!(sky.simulator.served().states.is_empty());
    sky.states("");
    assert_eq!(sky.simulator.served().states.len(), 20);
}

#[test]
fn the_receiver_and_the_community_have_the_same_faults_as_openskys_api() {
    let community = Community { interval: None, ..Community::default() };
    let sky = Sky::start(Options { aircraft: 300, receiver: everywhere(), community, ..Options::default() });
    let faults = sky.simulator.faults();
    for (target, path, list) in
        [(Target::AircraftJson, "/data/aircraft.json", "aircraft"), (Target::V2, "/v2/point/50/8/250", "ac")]
    {
        let url = format!("http://{}{path}", sky.simulator.address());
        let get = || sky.agent.get(&url).call().and_then(Answer::read);
        let listed = |answer: &Answer| answer.json()[list].as_array().map(Vec::len);
        let whole = listed(&get().unwrap()).unwrap();
        assert!(whole > 0);
        type Check<'a> = &'a dyn Fn(&Answer) -> bool;
        let checks: [(FaultKind, Check<'_>); 8] = [
            (FaultKind::Status, &|answer| answer.status == 503),
            (FaultKind::Refuse, &|answer| answer.status == 403),
            (FaultKind::Html, &|answer| answer.body.starts_with("<!DOCTYPE html>")),
            (FaultKind::Empty, &|answer| answer.status == 200 && answer.body.is_empty()),
            (FaultKind::Quiet, &|answer| answer.status == 200 && listed(answer) == Some(0)),
            (FaultKind::Stale, &|answer| listed(answer) == Some(whole)),
            (FaultKind::WrongTypes, &|answer| answer.json().is_object() && listed(answer).is_none()),
            (FaultKind::BadRows, &|answer| {
                let bad: usize = answer.header("x-simulator-bad-rows").unwrap().parse().unwrap();
                bad >= 9 && listed(answer) == Some(whole + bad)
            }),
        ];
        for (kind, check) in checks {
            faults.add(Fault::new(target, kind).times(1)).unwrap();
            let answer = get().unwrap();
            assert!(check(&answer), "{target} {kind}: {answer:?}");
        }
        for kind in [FaultKind::Reset, FaultKind::Truncate, FaultKind::Huge, FaultKind::Garbage] {
            faults.add(Fault::new(target, kind).times(1)).unwrap();
            let answer = get();
            assert!(answer.is_err(), "{target} {kind}: {answer:?}");
        }
        assert_eq!(listed(&get().unwrap()), Some(whole));
    }
}

#[test]
fn a_stale_source_stands_still_until_the_fault_is_cleared() {
    let sky = Sky::start(Options { aircraft: 300, receiver: everywhere(), ..Options::default() });
    let url = sky.simulator.aircraft_url();
    let aircraft = || Answer::read(sky.agent.get(&url).call().unwrap()).unwrap().json();
    for target in [Target::AircraftJson, Target::States] {
        sky.simulator.faults().add(Fault::new(target, FaultKind::Stale)).unwrap();
    }
    let (before, states) = (aircraft(), sky.states("").body);
    sky.clock.advance(30);
    assert_eq!((aircraft()["now"].clone(), sky.states("").body), (before["now"].clone(), states.clone()));
    sky.simulator.faults().clear();
    assert_eq!(aircraft()["now"].as_f64().unwrap() - before["now"].as_f64().unwrap(), 30.0);
    assert_ne!(sky.states("").body, states);
}

#[test]
fn a_fault_that_its_target_cannot_have_is_rejected() {
    let sky = Sky::of(5);
    for (target, kind) in [
        (Target::Token, FaultKind::Stale),
        (Target::States, FaultKind::Quiet),
        (Target::V2, FaultKind::NullStates),
        (Target::Sbs, FaultKind::Status),
        (Target::Beast, FaultKind::WrongTypes),
    ] {
        assert!(sky.simulator.faults().add(Fault::new(target, kind)).is_err(), "{target} {kind}");
    }
}

fn everywhere() -> Receiver {
    Receiver { range_km: None, ..Receiver::default() }
}
