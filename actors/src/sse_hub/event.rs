//! Events in the event stream format of the HTML standard ("Server-sent events"): lines followed by a blank line.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use crate::domain::{StateVector, UnixTime};

/// Encodes each state as a `data: {telemetry}` event, the format of `/sse/flights`.
pub fn telemetry<'a>(states: impl IntoIterator<Item = &'a Arc<StateVector>>) -> Bytes {
    let states = states.into_iter();
    let mut frame = Vec::with_capacity(states.size_hint().0 * 420);
    for state in states {
        frame.extend_from_slice(b"data: ");
        let written = serde_json::to_writer(&mut frame, &**state);
        debug_assert!(written.is_ok(), "every state vector can be represented as JSON");
        frame.extend_from_slice(b"\n\n");
    }
    frame.into()
}

/// The first event of `/sse/flights`.
pub fn connection_ack(now: UnixTime) -> Bytes {
    let ack = json!({
        "status": "connected",
        "type": "connection_ack",
        "timestamp": now,
        "message": "Connected to the flight stream",
    });
    format!("data: {ack}\n\n").into()
}

/// Encodes the start of `/api/v1/stream`: a comment, so that proxies forward the response immediately, and the delay
/// before reconnecting.
pub fn opening(retry_ms: u64) -> Bytes {
    format!(": flight-monitor\nretry: {retry_ms}\n\n").into()
}

/// Encodes a comment. Clients ignore it; it keeps proxies from closing an idle connection.
pub fn comment(text: &str) -> Bytes {
    format!(": {text}\n\n").into()
}

/// Encodes the end of a stream, which tells the client to reconnect after `retry_ms` milliseconds.
pub fn goodbye(retry_ms: u64) -> Bytes {
    format!("retry: {retry_ms}\n: goodbye\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::FIELDS;
    use crate::test_support::state;

    /// Clients of `/sse/flights` rely on these exact bytes.
    #[test]
    fn the_bytes_of_the_stream_are_stable() {
        let ack = "data: {\"message\":\"Connected to the flight stream\",\"status\":\"connected\",\
                   \"timestamp\":1700000000,\"type\":\"connection_ack\"}\n\n";
        assert_eq!(connection_ack(UnixTime(1_700_000_000)), ack);
        let mut first = state("4b1814", 1_700_000_001);
        (first.lat, first.velocity) = (Some(47.45), Some(0.0));
        let states = [first, state("00a0b1", 5)].map(Arc::new);
        let telemetry = telemetry(&states);
        let events: Vec<_> = std::str::from_utf8(&telemetry).unwrap().split_inclusive("\n\n").collect();
        let [first, second] = events[..] else { panic!("{events:?}") };
        let expected = "data: {\"icao24\":\"4b1814\",\"callsign\":null,\"origin_country\":null,\"lat\":47.45,\
                        \"lon\":0.0,\"velocity\":0.0,\"true_track\":null,\"vertical_rate\":null,\"baro_altitude\":null,\
                        \"geo_altitude\":null,\"on_ground\":null,\"squawk\":null,\"spi\":null,\
                        \"position_source\":null,\"category\":null,\"time_position\":null,\
                        \"last_contact\":1700000001,\"observed_at\":1700000001";
        // Newer fields follow.
        let added: String = FIELDS[18..].iter().map(|field| format!(",\"{}\":null", field.name)).collect();
        assert_eq!(first, format!("{expected}{added}}}\n\n"));
        assert!(second.starts_with("data: {\"icao24\":\"00a0b1\","), "{second}");
    }
}
