//! Tests may break the program on purpose only where it was built for it; without that most of them are not there.

#![cfg(not(feature = "fault-injection"))]
#![allow(clippy::panic, reason = "a test fails by panicking")]

#[test]
fn every_test_is_there() {
    panic!("tests/server, tests/chaos and others were left out: run `make test`, or add --features fault-injection");
}
