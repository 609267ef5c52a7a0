//! Processes with different roles, connected by one Kafka.

use serde_json::json;

use crate::support::{Setup, Sky, eventually, now};

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn three_processes_with_one_role_each_work_together() {
    let sky = Sky::of(200);
    sky.start_failing_polls();
    let setup = Setup::real().watching(&sky);
    let start = |role: &str| setup.clone().arguments(["serve", "--roles", role]).start();
    let (collect, store, live) = (start("collect"), start("store"), start("live"));
    live.wait_ready();
    let client = live.sse();
    sky.clear_faults();
    sky.wait_polls(4);
    sky.fail_polls();
    let served = sky.served();
    setup.database().wait_rows(&served);
    let mut states = client.wait_states(served.len());
    states.sort();
    assert!(states.iter().eq(&served));
    for app in [&collect, &store] {
        app.get("/sse/flights").problem(404);
        app.get("/api/v1/flights").problem(404);
        assert_eq!(app.get("/").status, 200);
    }
    // Every role with access to the database serves the history.
    let track = format!("/api/v1/flights/{}/track", served.first().unwrap().0);
    collect.get(&track).problem(404);
    let tracks = [&store, &live].map(|app| app.get(&track).json()["count"].as_u64());
    assert!(tracks[0] > Some(0) && tracks[0] == tracks[1], "{tracks:?}");
    let names = |app: &crate::support::TestApp| {
        let ready = app.get("/health/ready").json();
        let parts = ready["parts"].as_array().unwrap();
        parts.iter().map(|part| part["part"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&collect), ["kafka-producer", "merger", "poller"]);
    let storing =
        ["kafka-producer", "db-writer", "kafka-consumer-store", "kafka-consumer-polls", "kafka-consumer-alert-history"];
    assert_eq!(names(&store), storing);
    assert_eq!(names(&live), ["sse-hub", "kafka-consumer-live", "kafka-consumer-alerts"]);
    [collect, store, live].into_iter().for_each(crate::support::TestApp::end);
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_new_process_is_ready_once_it_has_the_whole_picture() {
    let sky = Sky::of(3_000);
    let setup = Setup::real().watching(&sky);
    let collect = setup.clone().arguments(["serve", "--roles", "collect"]).start();
    sky.wait_polls(8);
    sky.fail_polls();
    collect.wait_actor("kafka-producer", "everything is published", |actor| actor["observation"]["held"] == 0);
    let live = setup.arguments(["serve", "--roles", "live"]).start();
    live.wait_ready();
    assert_eq!(live.get("/api/v1/flights").json()["count"], 3_000);
    [collect, live].into_iter().for_each(crate::support::TestApp::end);
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_commit_marker_does_not_keep_a_new_process_from_being_ready() {
    let setup = Setup::real().arguments(["serve", "--roles", "live"]);
    let before = setup.start();
    before.wait_ready();
    before.end();
    let state = json!({ "icao24": "4b1814", "last_contact": now() });
    setup.topic().write_in_a_transaction(0, &[(Some("4b1814"), Some(state.to_string().into_bytes()))]);
    let app = setup.start();
    app.wait_ready();
    assert_eq!(app.get("/api/v1/flights").json()["count"], 1);
    app.end();
}

#[test]
fn a_process_with_only_some_roles_needs_an_external_kafka() {
    let ended = Setup::embedded().arguments(["serve", "--roles", "collect"]).run();
    assert_eq!(ended.code, Some(2));
    let last = ended.last_line();
    assert!(last.contains("server.roles") && last.contains("kafka.bootstrap_servers"), "{last}");
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn replicas_share_storing_and_each_serves_everything() {
    let sky = Sky::of(200);
    let setup = Setup::real().watching(&sky);
    let replica = || setup.clone().arguments(["serve", "--roles", "store,live"]).start();
    let collect = setup.clone().arguments(["serve", "--roles", "collect"]).start();
    let (first, second) = (replica(), replica());
    let partitions = |app: &crate::support::TestApp| {
        app.actor("kafka-consumer-store")["observation"]["partitions"].as_array().map_or(0, Vec::len)
    };
    for app in [&first, &second] {
        app.wait_actor("kafka-consumer-store", "has some partitions", |_| (1..3).contains(&partitions(app)));
        app.wait_ready();
    }
    let clients = [first.sse(), second.sse()];
    clients.iter().for_each(|client| drop(client.wait_states(400)));
    // One replica is killed, and the other takes over its partitions.
    second.kill_9();
    first.wait_actor("kafka-consumer-store", "has every partition", |_| partitions(&first) == 3);
    sky.fail_polls();
    let served = sky.served();
    setup.database().wait_rows(&served);
    assert_eq!(setup.topic().states(), served);
    // During a rebalance, a batch may be fenced; the new owner then reads it again. No state is stored twice.
    assert_eq!(setup.database().positions().values().sum::<i64>(), i64::try_from(served.len()).unwrap());
    [collect, first].into_iter().for_each(crate::support::TestApp::end);
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_rolling_update_loses_and_duplicates_nothing() {
    let sky = Sky::of(200);
    let setup = Setup::real().watching(&sky);
    let collect = setup.clone().arguments(["serve", "--roles", "collect"]).start();
    let replica = || setup.clone().arguments(["serve", "--roles", "store,live"]).start();
    let mut replicas = [replica(), replica()];
    setup.database().wait_more_than(0);
    // Each replica is replaced: the new one is ready before the old one is stopped.
    for old in &mut replicas {
        let new = replica();
        new.wait_ready();
        sky.wait_polls(2);
        std::mem::replace(old, new).end();
    }
    sky.wait_polls(2);
    sky.fail_polls();
    collect.wait_actor("kafka-producer", "everything is published", |actor| actor["observation"]["held"] == 0);
    let served = sky.served();
    setup.database().wait_rows(&served);
    assert_eq!(setup.topic().states(), served);
    let stored = || setup.database().positions().values().sum::<i64>();
    let records = i64::try_from(setup.topic().records().len()).unwrap();
    eventually("every record is behind the positions", || (stored() == records).then_some(()));
    replicas.into_iter().chain([collect]).for_each(crate::support::TestApp::end);
}
