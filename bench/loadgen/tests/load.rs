//! Tests the readers against a small scripted server.
#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flate2::{Compression, write::DeflateEncoder};
use loadgen::{Encoding, End, Load, LoadError, Milliseconds, Plan, Report, Slow, Target};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Starts a server that handles each connection with `serve` and records the requests.
fn server(serve: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (serve, requests) = (Arc::new(serve), Arc::new(Mutex::new(Vec::new())));
    let kept = requests.clone();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (serve, kept) = (serve.clone(), kept.clone());
            thread::spawn(move || {
                let (mut request, mut byte) = (Vec::new(), [0]);
                while !request.ends_with(b"\r\n\r\n") {
                    if stream.read(&mut byte).unwrap_or(0) == 0 {
                        return;
                    }
                    request.push(byte[0]);
                }
                kept.lock().unwrap().push(String::from_utf8(request).unwrap());
                serve(&mut stream);
                // Keep the connection open until the reader disconnects.
                let _ = stream.read(&mut byte);
            });
        }
    });
    (address, requests)
}

fn plan(address: SocketAddr, connections: usize) -> Plan {
    Plan::new(Target::new(address, "/stream").unwrap(), connections)
}

fn event(seq: u64) -> String {
    let sent_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    format!("id: e-{seq}-world\ndata: {{\"seq\":{seq},\"sent_at\":{sent_at},\"pad\":\"{}\"}}\n\n", "x".repeat(700))
}

/// Encodes each text as a frame, as a server with shared compression does.
fn frames(encoding: Encoding, texts: &[String]) -> Vec<Vec<u8>> {
    texts
        .iter()
        .map(|text| match encoding {
            Encoding::Identity => text.clone().into_bytes(),
            Encoding::Gzip => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(text.as_bytes()).unwrap();
                encoder.flush().unwrap();
                encoder.get_ref().clone()
            }
            Encoding::Zstd => zstd::bulk::compress(text.as_bytes(), 1).unwrap(),
        })
        .collect()
}

/// Writes a response with these frames, in chunks with arbitrary boundaries.
fn answer(stream: &mut TcpStream, encoding: Encoding, frames: &[Vec<u8>]) -> std::io::Result<()> {
    let name = encoding.name();
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-encoding: {name}\r\ntransfer-encoding: chunked\r\n\r\n")?;
    let mut body = frames.concat();
    if encoding == Encoding::Gzip {
        body.splice(..0, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
    }
    for chunk in body.chunks(333.max(body.len() / 1000)) {
        write!(stream, "{:x}\r\n", chunk.len())?;
        stream.write_all(chunk)?;
        stream.write_all(b"\r\n")?;
    }
    Ok(())
}

fn report(load: Load) -> Report {
    Report::of(&load.finish().unwrap(), |_| true)
}

#[test]
fn every_reader_gets_every_update_in_each_encoding() {
    for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Zstd] {
        let frames = frames(encoding, &(1..=5).map(event).collect::<Vec<_>>());
        let (address, requests) = server(move |stream| answer(stream, encoding, &frames).unwrap());
        let load = Load::start(Plan { encoding, ..plan(address, 20) }).unwrap();
        assert!(load.wait(TIMEOUT, |progress| progress.frames() == 100), "{encoding:?}: {:?}", load.progress());
        let report = report(load);
        assert_eq!((report.updates, report.gaps, report.unknown_frames), (100, 0, 0), "{encoding:?}");
        assert_eq!(report.latency.unwrap().count, 80, "the first update of a reader counts as latency");
        assert_eq!(report.first_update.unwrap().count, 20);
        assert_eq!((report.statuses[&200], report.problems()), (20, None));
        let requests = requests.lock().unwrap();
        assert!(requests.iter().all(|request| request.contains(&format!("Accept-Encoding: {}\r\n", encoding.name()))));
    }
}

#[test]
fn a_missing_update_between_two_others_is_a_gap() {
    let frames = frames(Encoding::Identity, &[event(1), event(2), event(4)]);
    let (address, _) = server(move |stream| answer(stream, Encoding::Identity, &frames).unwrap());
    let load = Load::start(plan(address, 3)).unwrap();
    assert!(load.wait(TIMEOUT, |progress| progress.frames() == 9));
    assert_eq!(report(load).gaps, 3);
}

#[test]
fn slow_readers_read_only_part_of_their_response() {
    const LONG: usize = 16 << 20;
    let (address, _) = server(|stream| {
        // For slow readers the server blocks here until they disconnect.
        let _ = answer(stream, Encoding::Identity, &[vec![b'x'; LONG], b"\n\n".to_vec()]);
    });
    let slow = Slow { every: 2, bytes_per_second: 0 };
    let load = Load::start(Plan { slow, ..plan(address, 4) }).unwrap();
    assert!(load.wait(TIMEOUT, |progress| progress.with_frame() == 2 && progress.answered() == 4));
    let outcome = load.finish().unwrap();
    for visit in &outcome.visits {
        let is_complete = visit.bytes == LONG as u64 + 2;
        assert_eq!(is_complete, !slow.includes(visit.reader), "reader {} read {} bytes", visit.reader, visit.bytes);
    }
}

#[test]
fn disconnected_readers_reconnect_with_their_last_event_id() {
    let frames = frames(Encoding::Gzip, &[event(41), event(42)]);
    let (address, requests) = server(move |stream| answer(stream, Encoding::Gzip, &frames).unwrap());
    let load = Load::start(Plan { encoding: Encoding::Gzip, ..plan(address, 10) }).unwrap();
    assert!(load.wait(TIMEOUT, |progress| progress.frames() == 20));
    load.reconnect_all(true).unwrap();
    assert!(load.wait(TIMEOUT, |progress| progress.frames() == 40), "{:?}", load.progress());
    let outcome = load.finish().unwrap();
    let second = outcome.visits.iter().filter(|visit| visit.round == 1);
    assert!(second.clone().all(|visit| visit.status == Some(200) && visit.opened >= outcome.cuts[0]));
    assert_eq!(second.count(), 10);
    let requests = requests.lock().unwrap();
    let resumed = requests.iter().filter(|request| request.contains("\r\nLast-Event-ID: e-42-world\r\n"));
    assert_eq!((resumed.count(), requests.len()), (10, 20));
}

#[test]
fn problems_are_reported_by_kind() {
    let (address, _) = server(|stream| {
        stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n").unwrap();
    });
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let targets = vec![Target::new(address, "/").unwrap(), Target::new(closed, "/").unwrap()];
    let load = Load::start(Plan { targets, ..plan(address, 4) }).unwrap();
    assert!(load.wait(TIMEOUT, |progress| progress.ended() == 4), "{:?}", load.progress());
    let outcome = load.finish().unwrap();
    let ends =
        |end: fn(&End) -> bool| outcome.visits.iter().filter(|visit| visit.end.as_ref().is_some_and(end)).count();
    assert_eq!((ends(|end| *end == End::ByServer), ends(|end| matches!(end, End::Failed(_)))), (2, 2));
    let problems = Report::of(&outcome, |_| true).problems().unwrap();
    assert!(problems.contains("2 × status 503") && problems.contains("refused"), "{problems}");
}

#[test]
fn too_many_connections_for_the_open_file_limit_are_rejected_with_advice() {
    let error = Load::start(plan(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)), usize::MAX / 2)).err().unwrap();
    assert!(matches!(error, LoadError::OpenFiles { .. }), "{error}");
    assert!(error.to_string().contains("ulimit -Hn"), "{error}");
}

#[test]
fn percentiles_are_in_milliseconds() {
    let expected = Milliseconds { p50: 2.0, p99: 3.0, max: 3.0, count: 3 };
    assert_eq!(Milliseconds::of(vec![3000, 1000, 2000]), Some(expected));
}
