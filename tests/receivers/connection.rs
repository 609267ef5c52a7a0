use std::time::Duration;

use actors::domain::UnixTime;
use actors::ports::{Fetched, SourceError, StateSource};
use flight_monitor::sources::receiver::{ReceiverOptions, ReceiverSource};
use flight_monitor::sources::sbs::SbsDecoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::receiver::{Receiver, options, position, source};

/// Polls until there are states.
async fn states(source: &impl StateSource) -> Fetched {
    for _ in 0..20 {
        match source.fetch().await {
            Ok(fetched) if fetched.snapshot.states.is_empty() => {}
            Ok(fetched) => return fetched,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no states");
}

/// Polls until an error.
async fn error(source: &impl StateSource) -> SourceError {
    for _ in 0..20 {
        if let Err(error) = source.fetch().await {
            return error;
        }
    }
    panic!("no error");
}

async fn send(stream: &mut TcpStream, data: impl AsRef<[u8]>) {
    stream.write_all(data.as_ref()).await.unwrap();
}

#[actix_rt::test]
async fn a_position_is_fetched_when_it_arrives() {
    let receiver = Receiver::start().await;
    let source = receiver.sbs();
    let mut stream = receiver.accept().await;
    send(&mut stream, "STA,,5,179,400AE7,10103,2008/11/28,14:58:51.153,2008/11/28,14:58:51.153,RM\r\n\r\n").await;
    send(&mut stream, position("4CA2D6", 51.5, -1.0)).await;
    let Fetched { snapshot, aircraft, credits_left, .. } = states(&source).await;
    let [state] = &snapshot.states[..] else { panic!("{snapshot:?}") };
    assert_eq!((state.icao24.to_string().as_str(), state.lat, state.lon), ("4ca2d6", Some(51.5), Some(-1.0)));
    assert_eq!((state.observed_at, aircraft, credits_left), (Some(snapshot.time), Some(1), None));
    assert!(UnixTime::now().seconds_since(state.last_contact) <= 2);
    assert_eq!(snapshot.bad_rows.count(), 0);
}

#[actix_rt::test]
async fn a_quiet_receiver_is_not_an_error() {
    let receiver = Receiver::start().await;
    let source = receiver.sbs();
    let _stream = receiver.accept().await;
    for _ in 0..2 {
        let fetched = source.fetch().await.unwrap();
        assert_eq!((fetched.snapshot.states.len(), fetched.aircraft), (0, Some(0)));
    }
}

#[actix_rt::test]
async fn an_unreachable_receiver_is_reported_with_the_reason() {
    let address = Receiver::start().await.address();
    let shown = format!("tcp://{}:{}", address.0, address.1);
    let source = source(address, SbsDecoder::default);
    let error = error(&source).await;
    let SourceError::Unavailable(reason) = &error else { panic!("{error}") };
    assert!(reason.contains(&shown) && reason.contains("refused"), "{reason}");
    assert!(!error.public_reason().contains(&shown));

    let source = self::source(("receiver.invalid".to_owned(), 30003), SbsDecoder::default);
    let error = self::error(&source).await.to_string();
    assert!(error.contains("receiver.invalid:30003"), "{error}");
}

#[actix_rt::test]
async fn a_lost_connection_is_reported_once_and_replaced() {
    let receiver = Receiver::start().await;
    let source = receiver.sbs();
    let mut stream = receiver.accept().await;
    let line = position("4CA2D6", 51.5, -1.0);
    // The second line is not complete.
    send(&mut stream, [&line, &line[..40]].concat()).await;
    states(&source).await;
    drop(stream);
    let error = error(&source).await;
    assert!(matches!(&error, SourceError::Unavailable(reason) if reason.contains("closed")), "{error}");

    let mut stream = receiver.accept().await;
    send(&mut stream, position("4CA2D7", 51.5, -1.0)).await;
    let fetched = states(&source).await;
    assert!(fetched.snapshot.states.iter().any(|state| state.icao24.to_string() == "4ca2d7"));
    // The rest of the second line is not taken for a part of another.
    assert_eq!(fetched.snapshot.bad_rows.count(), 0);
}

#[actix_rt::test]
async fn a_reset_connection_is_replaced() {
    let receiver = Receiver::start().await;
    let source = receiver.sbs();
    let mut stream = receiver.accept().await;
    send(&mut stream, position("4CA2D6", 51.5, -1.0)).await;
    states(&source).await;
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    let error = error(&source).await;
    assert!(matches!(&error, SourceError::Unavailable(reason) if reason.contains("lost the connection")), "{error}");
    receiver.accept().await;
}

#[actix_rt::test]
async fn a_silent_connection_is_replaced_without_an_error() {
    let receiver = Receiver::start().await;
    let options = ReceiverOptions { idle_timeout: Duration::from_millis(100), ..options(receiver.address()) };
    let source = ReceiverSource::new(options, SbsDecoder::default);
    let mut silent = receiver.accept().await;
    let mut stream = receiver.accept().await;
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0, "the old connection is closed");
    send(&mut stream, position("4CA2D6", 51.5, -1.0)).await;
    states(&source).await;
}

#[actix_rt::test]
async fn a_stream_of_something_else_is_malformed() {
    let page = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>Bad Request</html>\r\n".repeat(300);
    let endless = "x".repeat(8 << 20);
    let zeros = "\0".repeat(1 << 20);
    let lines = position("4CA2D6", 51.5, -1.0).repeat(300);
    let receiver = Receiver::start().await;
    let sbs = receiver.sbs();
    for garbage in [&page, &endless, &zeros] {
        check_malformed(&receiver, &sbs, garbage, "SBS lines").await;
    }
    drop(sbs);
    // The other kind's port.
    let receiver = Receiver::start().await;
    let beast = receiver.beast();
    for garbage in [&page, &endless, &zeros, &lines] {
        check_malformed(&receiver, &beast, garbage, "Beast frames").await;
    }
}

async fn check_malformed(receiver: &Receiver, source: &impl StateSource, garbage: &str, expected: &str) {
    let mut stream = receiver.accept().await;
    let sending = async {
        // Fails when the source closes the connection.
        let _ = stream.write_all(garbage.as_bytes()).await;
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        error = error(source) => error,
        () = sending => unreachable!(),
    };
    assert!(matches!(&error, SourceError::Malformed(reason) if reason.contains(expected)), "{error}");
}

#[actix_rt::test]
async fn bad_lines_are_counted_and_do_not_affect_the_others() {
    let receiver = Receiver::start().await;
    let source = receiver.sbs();
    let mut stream = receiver.accept().await;
    let bad = position("4CA2D6", 91.0, -1.0);
    send(&mut stream, [&bad, "MSG,3,short\r\n", &bad, &position("4CA2D7", 51.5, -1.0)].concat()).await;
    let snapshot = states(&source).await.snapshot;
    let kinds: Vec<_> = snapshot.bad_rows.iter().map(|(kind, count, _)| (kind, count)).collect();
    assert_eq!((kinds, snapshot.states.len()), (vec![("columns", 1), ("lat", 2)], 1));
}

#[actix_rt::test]
async fn only_the_area_is_fetched() {
    let receiver = Receiver::start().await;
    let area = Some("45,5,48,11".parse().unwrap());
    let source = ReceiverSource::new(ReceiverOptions { area, ..options(receiver.address()) }, SbsDecoder::default);
    let mut stream = receiver.accept().await;
    send(&mut stream, [position("4CA2D6", 51.5, -1.0), position("4CA2D7", 47.0, 8.0)].concat()).await;
    let states = states(&source).await.snapshot.states;
    assert_eq!(states.iter().map(|state| state.icao24.to_string()).collect::<Vec<_>>(), ["4ca2d7"]);
}

#[actix_rt::test]
async fn a_dropped_source_closes_its_connection() {
    let receiver = Receiver::start().await;
    let source = receiver.sbs();
    let mut stream = receiver.accept().await;
    drop(source);
    let closed = timeout(Duration::from_secs(10), stream.read(&mut [0])).await.unwrap();
    assert!(matches!(closed, Ok(0) | Err(_)));
}
