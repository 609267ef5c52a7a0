//! Kills the process while it stores a batch, and checks what is left.

use std::os::unix::process::ExitStatusExt;
use std::str::FromStr;

use actors::batch::Batch;
use actors::domain::StateVector;
use actors::ports::StateStore;
use flight_monitor::storage::{DatabaseUrl, Storage, StorageOptions};

use crate::databases::{Postgres, Sqlite, TestDatabase};
use crate::sample::{START, batch, hints, part, poll, state};
use crate::summaries::{Sky, options, traffic};

const URL: &str = "FLIGHT_MONITOR_TEST_KILL_URL";

fn batches() -> [Batch; 2] {
    [batch(vec![part(0, None, poll(10, START))]), batch(vec![part(0, Some(10), poll(10, START + 1))])]
}

#[actix_rt::test]
#[ignore = "kills its own process: another test starts it"]
async fn child_process_killed_while_storing() {
    let url = std::env::var(URL).unwrap();
    let _failpoints = fail::FailScenario::setup();
    let writer = Storage::open(&DatabaseUrl::from_str(&url).unwrap(), StorageOptions::default()).unwrap().writer();
    for batch in batches() {
        writer.store(&batch, &hints(&batch, true)).await.unwrap();
    }
}

async fn stored_after_a_kill<D: TestDatabase>(url: impl Fn(&D) -> String) {
    for (failpoint, rows, inserted_later, fenced_later) in
        [("store-rows-sent", 10, 10, 0), ("store-committed", 20, 0, 1)]
    {
        let (database, storage) = D::migrated().await;
        let mut process = std::process::Command::new(std::env::current_exe().unwrap());
        process.args(["kill::child_process_killed_while_storing", "--exact", "--ignored"]).env(URL, url(&database));
        // The failpoint lets the first batch pass.
        process.env("FAILPOINTS", format!("{failpoint}=1*off->return"));
        let status = tokio::task::spawn_blocking(move || process.output().unwrap().status).await.unwrap();
        assert_eq!(status.signal(), Some(9), "{failpoint}: {status}");
        assert_eq!(database.count("state_vectors").await, rows, "{failpoint}");
        let [_, second] = batches();
        let stored = storage.writer().store(&second, &hints(&second, true)).await.unwrap();
        assert_eq!((stored.inserted, stored.fenced.len()), (inserted_later, fenced_later), "{failpoint}");
        assert_eq!(database.count("state_vectors").await, 20);
    }
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn postgresql_has_all_of_a_batch_or_nothing() {
    stored_after_a_kill::<Postgres>(|database| database.url.to_string()).await;
}

#[actix_rt::test]
async fn sqlite_has_all_of_a_batch_or_nothing() {
    stored_after_a_kill::<Sqlite>(|database| format!("sqlite://{}", database.path.display())).await;
}

/// Generates a few hours of states. One in seven is late.
fn hours() -> (Vec<StateVector>, Vec<StateVector>) {
    let states = traffic(9, 10, 4).into_iter().enumerate();
    let (late, in_time): (Vec<_>, Vec<_>) = states.partition(|(i, _)| i % 7 == 0);
    let of = |states: Vec<(usize, StateVector)>| states.into_iter().map(|(_, state)| state).collect();
    (of(in_time), of(late))
}

#[actix_rt::test]
#[ignore = "kills its own process: another test starts it"]
async fn child_process_killed_while_summarizing() {
    let url = std::env::var(URL).unwrap();
    let _failpoints = fail::FailScenario::setup();
    let writer = Storage::open(&DatabaseUrl::from_str(&url).unwrap(), options()).unwrap().writer();
    let (in_time, late) = hours();
    let newest = StateVector { on_ground: Some(true), ..state(0xff_ffff, START + 100 * 3600, "NEWEST") };
    let mut next_offset = None;
    for states in [in_time, vec![newest], late] {
        let batch = batch(vec![part(0, next_offset, states)]);
        next_offset = Some(batch.parts[0].next_offset);
        writer.store(&batch, &hints(&batch, true)).await.unwrap();
        while writer.maintain().await.unwrap().more {}
    }
}

async fn exact_after_a_kill<D: TestDatabase>(url: impl Fn(&D) -> String) {
    for failpoint in ["summarized=2*off->return", "summarized-committed=3*off->return", "summarized=10*off->return"] {
        let (database, _) = D::migrated().await;
        let mut process = std::process::Command::new(std::env::current_exe().unwrap());
        process.args(["kill::child_process_killed_while_summarizing", "--exact", "--ignored"]).env(URL, url(&database));
        process.env("FAILPOINTS", failpoint);
        let status = tokio::task::spawn_blocking(move || process.output().unwrap().status).await.unwrap();
        assert_eq!(status.signal(), Some(9), "{failpoint}: {status}");
        // The next process continues: it stores the missing rows, and again those that are already stored.
        let (in_time, late) = hours();
        let writer = database.storage_with(options()).writer();
        let position = writer.positions(&batch(Vec::new()).log, &[0]).await.unwrap()[0].next_offset;
        drop(writer);
        let mut sky = Sky::taken_over(database, position);
        sky.store(0, [in_time, late].concat()).await;
        sky.settle().await;
        sky.assert_exact().await;
    }
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn postgresql_has_exact_flights_whenever_the_process_was_killed() {
    exact_after_a_kill::<Postgres>(|database| database.url.to_string()).await;
}

#[actix_rt::test]
async fn sqlite_has_exact_flights_whenever_the_process_was_killed() {
    exact_after_a_kill::<Sqlite>(|database| format!("sqlite://{}", database.path.display())).await;
}
