//! Injects faults drawn from a seed and checks that nothing is lost. The program runs as four processes (one collects,
//! two store, one serves) on their own Kafka and PostgreSQL, with a proxy in front of each, against a simulated sky
//! that remembers what it served. At the end, all records are compared; see `oracle.rs` for what must hold.
//!
//! `make test` runs a short form that is the same each time, and `make chaos MINUTES=10 SEED=… FAULTS=…` the long form.
//! `make soak MINUTES=60` checks that nothing grows while there are no faults, neither in these processes nor in a
//! whole server in a single process. `make test` includes one minute of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "the test reports its progress")]

mod faults;
mod follower;
mod ledger;
mod log_faults;
mod node;
mod oracle;
mod plan;
mod postgres;
mod report;
mod resources;
mod soak;
#[path = "../server/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with tests/server; only a part of it is used here")]
mod support;
mod world;

use std::sync::{Mutex, PoisonError};

use plan::Plan;
use world::World;

/// Serializes the tests, as each of them needs the whole machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn nothing_is_lost_whatever_breaks() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut plan = Plan::from_environment();
    eprintln!("chaos: {plan}");
    let mut world = World::new(&plan);
    while let Some(round) = plan.next_round() {
        world.run_round(&round);
    }
    oracle::run_all_checks(&mut world);
    eprintln!("{}", world.report);
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn nothing_grows_while_nothing_breaks() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut plan = Plan::soak();
    eprintln!("soak: {plan}");
    let mut world = World::new(&plan);
    while let Some(round) = plan.next_round() {
        world.run_round(&round);
    }
    soak::assert_no_growth(&mut world, plan.length());
    oracle::run_all_checks(&mut world);
    eprintln!("{}", world.report);
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn nothing_grows_in_a_single_process() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    for line in soak::run_single_processes(Plan::single_processes()) {
        eprintln!("soak: {line}");
    }
}
