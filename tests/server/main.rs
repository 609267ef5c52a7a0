//! End-to-end tests, which start the program as a process: with the embedded broker and database, and with real Kafka
//! and PostgreSQL.
//!
//! `make test` starts the services and sets `TEST_KAFKA`, `TEST_DATABASE_URL`, `TEST_TIMESCALE_URL`, `TEST_SERVICES`
//! and `TEST_SERVICES_RUN`. The source is a simulator in the test process, which records every state it serves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, unused_imports, reason = "shared with tests/chaos")]
mod support;

mod admin_dashboard;
mod alert_history;
mod alerts;
mod api;
mod archive;
mod clients;
mod commands;
mod completeness;
mod contract;
mod coverage;
mod crashes;
mod database_refusals;
mod dead_letters;
mod delivery;
mod detect;
mod enriched;
mod enrichment;
mod exactness;
mod export;
mod fuzz;
mod go_clients;
mod history;
mod import;
mod import_archives;
mod kafka_errors;
mod latest;
mod merged_sources;
mod metrics;
mod notifications;
mod openapi;
mod opensky_api;
mod opensky_clients;
mod opensky_flights;
mod outages;
mod outbound_proxy;
mod panics;
mod pgbouncer;
mod readsb;
mod roles;
mod rules;
mod secrets;
mod security;
mod shutdown;
mod sinks;
mod source_faults;
mod stream;
mod summaries;
mod timescale;
mod tracks;
