//! Wherever the process is killed, each message that Kafka acknowledged is stored as exactly one row.

use crate::support::{Setup, Sky, TestApp};

/// Asserts that no committed offset is ahead of the database.
///
/// The commits serve lag monitoring only; one ahead of the table would report records as stored that are not.
fn assert_commits_follow_the_table(setup: &Setup) {
    let (committed, stored) = (setup.topic().committed(setup.group()), setup.database().positions());
    for (partition, offset) in committed {
        let position = stored.get(&partition).copied().unwrap_or_default();
        assert!(offset <= position, "partition {partition}: committed {offset}, stored up to {position}");
    }
}

/// Stops the polls, waits until everything is stored, and compares the table with the topic.
fn assert_rows_are_the_messages(setup: &Setup, sky: &Sky, app: TestApp) {
    sky.fail_polls();
    app.wait_actor("kafka-producer", "everything is published", |actor| actor["observation"]["held"] == 0);
    setup.database().wait_rows(&setup.topic().states());
    app.end();
    assert_commits_follow_the_table(setup);
    assert!(!setup.topic().committed(setup.group()).is_empty(), "nothing was committed");
}

fn stores_each_message_once_despite_a_kill_at(failpoint: &str) {
    // Only some aircraft change at each poll, so a restarted server publishes unchanged states again.
    let sky = Sky::with(300, 100);
    let setup = Setup::real().watching(&sky);
    let mut doomed = setup.clone().failpoints(&format!("{failpoint}=2*off->return")).start();
    assert_eq!(doomed.wait_exit(), None, "exited instead of being killed");
    assert_commits_follow_the_table(&setup);
    let before = setup.database().rows().len();

    let app = setup.start();
    setup.database().wait_more_than(before);
    sky.wait_polls(3);
    assert_rows_are_the_messages(&setup, &sky, app);
    assert!(setup.topic().records().len() > setup.topic().states().len(), "no message was published twice");
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn each_message_is_stored_once_despite_a_kill_before_the_commit() {
    stores_each_message_once_despite_a_kill_at("store-rows-sent");
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn each_message_is_stored_once_despite_a_kill_after_the_commit() {
    stores_each_message_once_despite_a_kill_at("store-committed");
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn each_message_is_stored_once_despite_a_kill_after_publishing() {
    stores_each_message_once_despite_a_kill_at("publish-delivered");
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn each_message_is_stored_once_despite_kills_under_load() {
    let sky = Sky::with(2_000, 1_500);
    let setup = Setup::real().watching(&sky);
    for _ in 0..3 {
        let app = setup.start();
        sky.wait_polls(2);
        app.kill_9();
        assert_commits_follow_the_table(&setup);
    }
    let app = setup.start();
    sky.wait_polls(2);
    assert_rows_are_the_messages(&setup, &sky, app);
}

#[test]
fn a_killed_embedded_server_continues_with_its_rows() {
    let sky = Sky::with(300, 100);
    let setup = Setup::embedded().watching(&sky);
    let mut doomed = setup.clone().failpoints("store-committed=2*off->return").start();
    assert_eq!(doomed.wait_exit(), None, "exited instead of being killed");
    let before = setup.database().rows();
    let app = setup.start();
    sky.wait_polls(3);
    sky.fail_polls();
    app.wait_actor("poller", "notices the failed polls", |actor| actor["observation"]["source"] == "unavailable");
    app.end();
    let after = setup.database().rows();
    assert!(after.is_superset(&before) && after.len() > before.len() && after.is_subset(&sky.served()));
}
