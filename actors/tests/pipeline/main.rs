//! Poller, KafkaProducer and SseHub, tested against hand-written fakes in paused time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod hub;
mod poller;
mod producer;

use std::time::Duration;

use actix::System;
use actors::domain::{StateVector, StateVectorParts};
use actors::messages::Drain;
use tokio::time::Instant;

/// Runs a test on one thread with paused time, which advances only when every task is idle.
fn run(test: impl Future<Output = ()>) {
    System::new().block_on(async {
        tokio::time::pause();
        test.await;
    });
}

fn state(icao24: &str, last_contact: i64) -> StateVector {
    let parts = StateVectorParts {
        icao24: icao24.into(),
        last_contact: Some(last_contact),
        lat: Some(47.0),
        lon: Some(8.0),
        ..StateVectorParts::default()
    };
    parts.try_into().unwrap()
}

fn drain_soon() -> Drain {
    Drain { deadline: Instant::now() + Duration::from_secs(5) }
}
