//! Endpoints that are slow, refuse, hang or are unavailable.

use std::collections::BTreeSet;

use serde_json::json;

use super::hook::{Hook, Response};
use super::{
    OK, alert, assert_in_order, delivering, publish, test_message, wait_for_partitions, wait_for_state, with_webhook,
};
use crate::support::{ADMIN_TOKEN, Setup, Sky, eventually};

#[test]
fn failures_of_a_webhook_are_classified_by_who_can_act() {
    let hook = Hook::start(OK);
    let sky = Sky::of(5);
    let app = with_webhook(Setup::embedded().watching(&sky), "hook", &hook.url()).start();
    for (response, expected) in [
        (Response::Status(503, ""), "unavailable: responded with 503"),
        (Response::Status(429, "Retry-After: 9\r\n"), "unavailable: responded with 429"),
        (Response::Status(425, ""), "unavailable: responded with 425"),
        (Response::Status(408, ""), "unavailable: responded with 408"),
        (Response::Hang, "unavailable: no response within 1s"),
        (Response::Close, "unavailable: "),
        (Response::Garbage, "unavailable: not an HTTP response"),
        (Response::Status(401, ""), "refused: responded with 401"),
        (Response::Status(403, ""), "refused: responded with 403"),
        (Response::Status(404, ""), "refused: responded with 404"),
        (Response::Status(302, ""), "refused: responded with 302"),
        (Response::Status(400, ""), "rejected: responded with 400"),
        (Response::Status(410, ""), "rejected: responded with 410"),
    ] {
        hook.respond(response.clone());
        let error = test_message(&app, "hook")["error"].as_str().unwrap().to_owned();
        assert!(error.starts_with(expected), "{response:?}: {error}");
    }
    // The status is what counts.
    for response in [Response::Stall, Response::Endless] {
        hook.respond(response.clone());
        assert_eq!(test_message(&app, "hook")["delivered"], json!(true), "{response:?}");
    }
    let unknown = app.ask("POST", "/admin/notify/nobody/test", &[("Authorization", &format!("Bearer {ADMIN_TOKEN}"))]);
    unknown.problem(404);
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn an_endpoint_that_fails_holds_up_nobody_and_receives_everything_afterwards() {
    let (good, bad) = (Hook::start(OK), Hook::start(Response::Hang));
    let setup = with_webhook(with_webhook(delivering(), "good", &good.url()), "bad", &bad.url());
    let alerts = setup.alerts();
    let app = setup.start();
    wait_for_partitions(&[&app], "good", 3);
    wait_for_partitions(&[&app], "bad", 3);
    let mut ids = publish(&alerts, 0..20);
    good.wait_for(&ids);
    let reason = wait_for_state(&app, "bad", "retrying");
    assert!(reason.contains("no response within 1s"), "{reason}");
    bad.respond(Response::Status(503, ""));
    ids.extend(publish(&alerts, 20..40));
    good.wait_for(&ids);
    assert_eq!(bad.ids(), BTreeSet::new());
    app.kill_9();

    bad.respond(OK);
    let app = setup.start();
    bad.wait_for(&ids);
    assert_in_order(&bad.deliveries());
    assert_in_order(&good.deliveries());
    wait_for_state(&app, "bad", "delivering");
    assert_eq!(setup.dead_letters().records().len(), 0);

    bad.respond(Response::Status(410, ""));
    alert(&alerts, 0, "00000a", 99, Some(100));
    let letter = eventually("a dead letter", || setup.dead_letters().records().pop());
    let reason = &letter.headers["reason"];
    assert!(reason.starts_with("notify bad: responded with 410"), "{reason}");
    assert_eq!(letter.json()["icao24"], "00000a");
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn an_endpoint_that_is_unavailable_and_then_refuses_receives_everything_without_a_restart() {
    let good = Hook::start(OK);
    let address = Hook::unused_address();
    let setup = with_webhook(delivering(), "good", &good.url());
    let app = with_webhook(setup.clone(), "bad", &format!("http://{address}/hook")).start();
    let alerts = setup.alerts();
    wait_for_partitions(&[&app], "good", 3);
    wait_for_partitions(&[&app], "bad", 3);
    // More than the process keeps in memory for each partition.
    let ids = publish(&alerts, 0..400);
    good.wait_for(&ids);
    let reason = wait_for_state(&app, "bad", "retrying");
    assert!(reason.contains("refused"), "{reason}");
    app.wait_actor("notify-bad", "it reads no more than it keeps", |actor| {
        actor["observation"]["waiting"].as_u64().is_some_and(|waiting| waiting >= 3 * 64)
    });

    let bad = Hook::start_at(address, Response::Status(401, ""));
    let error = test_message(&app, "bad")["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("refused: responded with 401"), "{error}");
    bad.respond(OK);
    // The operator need not wait for the next attempt.
    assert_eq!(test_message(&app, "bad")["delivered"], json!(true));
    bad.wait_for(&ids);
    assert_in_order(&bad.deliveries());
    assert_eq!(bad.deliveries().len(), ids.len() + 1, "each was accepted once");
    assert_eq!(setup.dead_letters().records().len(), 0);
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_notifier_that_panics_delivers_the_rest_after_its_restart() {
    let hook = Hook::start(OK);
    let setup = with_webhook(delivering(), "hook", &hook.url());
    let app = setup.start();
    wait_for_partitions(&[&app], "hook", 3);
    let mut ids = publish(&setup.alerts(), 0..20);
    hook.wait_for(&ids);
    hook.respond(Response::Status(503, ""));
    ids.extend(publish(&setup.alerts(), 20..40));
    wait_for_state(&app, "hook", "retrying");
    app.panic("notify-hook");
    app.wait_actor("notify-hook", "restarted", |actor| actor["restarts"] == 1);
    hook.respond(OK);
    hook.wait_for(&ids);
    assert_in_order(&hook.deliveries());
    assert_eq!(hook.deliveries().len(), ids.len(), "nothing is delivered again that was committed");
    app.end();
}
