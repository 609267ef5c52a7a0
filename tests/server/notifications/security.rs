//! Requests to addresses that the operator did not intend, and secrets.

use serde_json::json;

use super::hook::{Hook, Response};
use super::{OK, SECRET, test_message, with_webhook};
use crate::support::{ADMIN_TOKEN, Setup, Sky};

#[test]
fn a_name_that_resolves_to_this_machine_is_refused_without_a_connection() {
    let hook = Hook::start(OK);
    let sky = Sky::of(5);
    let mut setup = Setup::embedded().watching(&sky);
    let kinds =
        [("HOOK", "webhook", "http", "/hook"), ("PHONE", "ntfy", "http", "/alerts"), ("HOME", "mqtt", "mqtt", "")];
    for (name, kind, scheme, path) in kinds {
        let url = format!("{scheme}://localhost:{}{path}", hook.port());
        setup = setup.set(&format!("NOTIFY_{name}_KIND"), kind).set(&format!("NOTIFY_{name}_URL"), &url);
    }
    let app = setup.start();
    for endpoint in ["hook", "phone", "home"] {
        let outcome = test_message(&app, endpoint);
        let error = outcome["error"].as_str().unwrap();
        let expected = "which is loopback; set allow_private: true";
        assert!(error.starts_with("refused: ") && error.contains(expected), "{endpoint}: {error}");
        assert_eq!((&outcome["delivered"], hook.connections()), (&json!(false), 0));
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let target = Hook::start(OK);
    let location = format!("Location: {}\r\n", target.url()).leak();
    let hook = Hook::start(Response::Status(307, location));
    let sky = Sky::of(5);
    let app = with_webhook(Setup::embedded().watching(&sky), "hook", &hook.url()).start();
    let error = test_message(&app, "hook")["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("refused: responded with 307") && error.contains("redirects to"), "{error}");
    assert_eq!((hook.attempts(), target.connections()), (1, 0));
}

#[test]
fn secrets_of_endpoints_are_never_shown() {
    let secrets = ["hush-path", "hush-query", "hush-token", "hush-topic", "hush-password", &SECRET[6..]];
    let hook = Hook::start(Response::Echo);
    let sky = Sky::of(5);
    let address = hook.url();
    let setup = with_webhook(Setup::embedded().watching(&sky), "hook", &format!("{address}/hush-path?key=hush-query"))
        .set("NOTIFY_HOOK_TOKEN", "hush-token")
        .set("NOTIFY_PHONE_KIND", "ntfy")
        .set("NOTIFY_PHONE_URL", &address.replace("/hook", "/hush-topic"))
        .set("NOTIFY_PHONE_TOKEN", "hush-token")
        .set("NOTIFY_PHONE_ALLOW_PRIVATE", "true")
        .set("NOTIFY_HOME_KIND", "mqtt")
        .set("NOTIFY_HOME_URL", &address.replace("http://", "mqtt://").replace("/hook", ""))
        .set("NOTIFY_HOME_USER", "flights")
        .set("NOTIFY_HOME_PASSWORD", "hush-password")
        .set("NOTIFY_HOME_ALLOW_PRIVATE", "true")
        .set("NOTIFY_HOME_TIMEOUT", "1s")
        .set("RUST_LOG", "trace");
    let app = setup.start();
    let mut shown: Vec<String> =
        ["hook", "phone", "home"].into_iter().map(|name| test_message(&app, name).to_string()).collect();
    assert!(shown[0].contains("responded with 400") && shown[0].contains("***"), "{}", shown[0]);
    shown.push(app.ask("GET", "/admin/actors", &[("Authorization", &format!("Bearer {ADMIN_TOKEN}"))]).text());
    shown.push(app.get("/health/ready").text());
    shown.push(app.get("/metrics").text());
    assert!(app.lines_with(" TRACE ") + app.lines_with(" DEBUG ") > 0, "nothing was logged at debug or trace");
    app.terminate();
    shown.extend(app.log.wait_for_end());
    let checked = setup.arguments(["check-config"]).run();
    assert_eq!(checked.code, Some(0), "{:?}", checked.log);
    assert!(checked.output.contains("kind: ntfy"), "{}", checked.output);
    shown.push(checked.output);
    shown.extend(checked.log);
    for text in shown {
        for secret in secrets {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[test]
fn a_probe_reaches_endpoints_without_notifying_or_showing_a_secret() {
    let (hook, silent) = (Hook::start(Response::Status(405, "")), Hook::start(Response::Hang));
    let sky = Sky::of(5);
    let setup = with_webhook(Setup::embedded().watching(&sky), "hook", &format!("{}/hush-path", hook.url()))
        .set("NOTIFY_HOOK_TOKEN", "hush-token")
        .set("NOTIFY_PHONE_KIND", "ntfy")
        .set("NOTIFY_PHONE_URL", &format!("http://127.0.0.1:{}/hush-topic", hook.port()))
        .set("NOTIFY_PHONE_ALLOW_PRIVATE", "true");
    let probe = |setup: &Setup| setup.clone().arguments(["check-config", "--probe"]).run();
    let ended = probe(&setup);
    assert_eq!(ended.code, Some(0), "{} {:?}", ended.output, ended.log);
    let found = "reachable: responds to HEAD with 405 Method Not Allowed, after ";
    for endpoint in ["# endpoint hook (webhook): ", "# endpoint phone (ntfy): "] {
        assert!(ended.output.contains(&format!("{endpoint}{found}")), "{}", ended.output);
    }
    assert_eq!((hook.attempts(), hook.deliveries().len()), (2, 0));
    assert!(hook.heads().iter().all(|head| head.starts_with("HEAD ") && !head.contains("hush-token")));
    assert!(!ended.output.contains("hush"), "{}", ended.output);

    let failing = setup
        .set("NOTIFY_HOOK_URL", &format!("http://localhost:{}/hush-path", hook.port()))
        .set("NOTIFY_HOOK_ALLOW_PRIVATE", "false")
        .set("NOTIFY_PHONE_URL", &format!("http://127.0.0.1:{}/hush-topic", silent.port()))
        .set("NOTIFY_PHONE_TIMEOUT", "1s")
        .set("NOTIFY_HOME_KIND", "mqtt")
        .set("NOTIFY_HOME_URL", &format!("mqtt://127.0.0.1:{}", silent.port()))
        .set("NOTIFY_HOME_ALLOW_PRIVATE", "true")
        .set("NOTIFY_HOME_TIMEOUT", "1s");
    let ended = probe(&failing);
    assert_eq!(ended.code, Some(1), "{} {:?}", ended.output, ended.log);
    for line in [
        "# endpoint hook (webhook): refused: localhost has the address ",
        "# endpoint phone (ntfy): unavailable: no response within 1s",
        "# endpoint home (mqtt): unavailable: the broker does not respond",
    ] {
        assert!(ended.output.contains(line), "{line}: {}", ended.output);
    }
    assert_eq!(hook.connections(), 2, "the refused address was not connected to");
}
