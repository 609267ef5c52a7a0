//! Events as the HTML standard writes them ("Server-sent events", event stream format): lines, ended by a blank one.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use crate::domain::{StateVector, UnixTime};

/// `data: {telemetry}` for each state, one after another: the form of `/sse/flights`.
pub fn telemetry<'a>(states: impl IntoIterator<Item = &'a Arc<StateVector>>) -> Bytes {
    let states = states.into_iter();
    let mut frame = Vec::with_capacity(states.size_hint().0 * 420);
    for state in states {
        frame.extend_from_slice(b"data: ");
        let written = serde_json::to_writer(&mut frame, &**state);
        debug_assert!(written.is_ok(), "a state vector has no value that JSON lacks");
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

/// The first words of `/api/v1/stream`: a comment, so that proxies see an answer at once, and how long to wait before
/// connecting again.
pub fn opening(retry_ms: u64) -> Bytes {
    format!(": flight-monitor\nretry: {retry_ms}\n\n").into()
}

/// A comment, which clients pass over: it keeps proxies from closing a quiet connection.
pub fn comment(text: &str) -> Bytes {
    format!(": {text}\n\n").into()
}

/// The last words to a client: come back after `retry_ms` milliseconds.
pub fn goodbye(retry_ms: u64) -> Bytes {
    format!("retry: {retry_ms}\n: goodbye\n\n").into()
}
