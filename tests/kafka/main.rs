//! The Kafka adapters against the embedded broker and a real one (`TEST_KAFKA`, set by `make test`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

mod alerts;
mod dead_letters;
mod delivery;
mod reading;
