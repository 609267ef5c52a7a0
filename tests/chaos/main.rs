//! Everything breaks, drawn from a seed, and nothing is lost: the program as four processes (one collects, two store, one
//! serves) on a Kafka and a PostgreSQL of its own, with a relay before each, under a simulated sky that remembers what
//! it served. At the end the books are compared; see `oracle.rs` for what must hold.
//!
//! `make test` runs a short form that is the same each time; `make chaos MINUTES=10 SEED=… FAULTS=…` the long one.
//! Where nothing breaks, nothing grows, neither these processes nor a whole server in one: `make soak MINUTES=60`, and a
//! minute of it in `make test`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "the bench reports what it does")]

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
#[allow(dead_code, unused_imports, reason = "the words of the server's tests, of which these need a part")]
mod support;
mod world;

use std::sync::{Mutex, PoisonError};

use plan::Plan;
use world::World;

/// Each of them has the machine for itself.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn nothing_is_lost_whatever_breaks() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut plan = Plan::of_environment();
    eprintln!("chaos: {plan}");
    let mut world = World::new(&plan);
    while let Some(round) = plan.next_round() {
        world.live_through(&round);
    }
    oracle::compare_the_books(&mut world);
    eprintln!("{}", world.report);
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn nothing_grows_while_nothing_breaks() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut plan = Plan::of_a_soak();
    eprintln!("soak: {plan}");
    let mut world = World::new(&plan);
    while let Some(round) = plan.next_round() {
        world.live_through(&round);
    }
    soak::assert_that_nothing_has_grown(&mut world, plan.length());
    oracle::compare_the_books(&mut world);
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
