//! Every failure of the source is counted, shown, logged without flooding the log, and recovered from.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use serde_json::json;
use simulator::FaultKind::{BadRows, Drip, Empty, Hang, Html, NullStates, Reset, Status, Truncate, WrongTypes};
use simulator::Target::{States, Token};
use simulator::{Fault, FaultKind, Target};

use crate::support::{Key, Setup, Sky, TestApp, eventually, now};

fn states(kind: FaultKind) -> Fault {
    Fault::new(States, kind)
}

fn status(status: u16) -> Fault {
    states(Status).status(status)
}

/// Asserts that the source has the state `source` while the fault lasts, and that the next poll after it succeeds.
fn survives(app: &TestApp, sky: &Sky, fault: &Fault, source: &str) {
    let polls = |app: &TestApp, source: &str| {
        let text = app.get("/metrics").text();
        let line = format!("flight_monitor_polls_total{{source=\"opensky\",kind=\"{source}\"}} ");
        text.lines().find_map(|l| l.strip_prefix(&line)).map_or(0, |count| count.parse::<u64>().unwrap())
    };
    let before = polls(app, source);
    if fault.target == Target::Token {
        sky.simulator.revoke_tokens();
    }
    sky.fault(fault.clone());
    let poller = app.wait_actor("poller", &format!("{fault:?} is shown as {source}"), |actor| {
        actor["observation"]["source"] == source && polls(app, source) > before
    });
    assert!(poller["last_error"]["message"].is_string(), "{poller}");
    assert_eq!((&poller["phase"], &poller["restarts"]), (&"backing_off".into(), &0.into()), "{fault:?}");
    sky.clear_faults();
    app.wait_actor("poller", &format!("recovered from {fault:?}"), |actor| actor["observation"]["source"] == "live");
    let rows = app.metric("states_received_total");
    eventually("states are received again", || (app.metric("states_received_total") > rows).then_some(()));
}

#[test]
fn each_source_failure_is_survived_counted_and_reported() {
    let sky = Sky::of(50);
    let setup = Setup::embedded().watching(&sky).set("OPENSKY_REQUEST_TIMEOUT", "1s");
    let app = setup.start();
    sky.wait_polls(1);
    let check = |fault: Fault, source| survives(&app, &sky, &fault, source);
    for refused in [400, 401, 403, 404] {
        check(status(refused), "refused");
    }
    check(status(429), "rate_limited");
    check(status(429).header("X-Rate-Limit-Retry-After-Seconds", "60"), "rate_limited");
    for unavailable in [500, 502, 503] {
        check(status(unavailable), "unavailable");
    }
    check(states(Hang), "unavailable");
    check(states(Drip), "unavailable");
    check(states(Reset), "unavailable");
    check(states(Html), "malformed");
    check(states(Html).status(502), "unavailable");
    check(states(Empty), "malformed");
    check(states(WrongTypes), "malformed");
    check(Fault::new(Token, Status).status(400), "refused");
    check(Fault::new(Token, Status).status(401), "refused");
    check(Fault::new(Token, Status).status(503), "unavailable");
    check(Fault::new(Token, Hang), "unavailable");
    check(Fault::new(Token, WrongTypes), "malformed");
    check(Fault::new(Token, Empty), "malformed");

    // The log has one line per failed poll and one per recovery.
    let failed = usize::try_from(app.actor("poller")["observation"]["failed_polls"].as_u64().unwrap()).unwrap();
    assert_eq!((app.lines_with("poll failed:"), app.lines_with("the source has recovered")), (failed, 22));
    assert_eq!(app.log.lines().iter().filter(|line| line.contains(" ERROR ")).count(), 0);
    sky.fail_polls();
    setup.database().wait_more_than(50);
    app.end();
}

#[test]
fn a_truncated_response_is_survived() {
    let sky = Sky::of(50);
    let app = Setup::embedded().watching(&sky).set("OPENSKY_REQUEST_TIMEOUT", "1s").start();
    sky.wait_polls(1);
    sky.fault(states(Truncate));
    let source = |name: &str| app.wait_actor("poller", name, |actor| actor["observation"]["source"] == name);
    eventually("the failure is counted", || {
        (app.actor("poller")["observation"]["failed_polls"].as_u64() > Some(1)).then_some(())
    });
    sky.clear_faults();
    source("live");
}

/// The bad rows that the simulator adds to each response: how many are rejected for which reason.
const BAD_ROWS: [(&str, u64); 7] =
    [("columns", 2), ("future", 1), ("icao24", 2), ("last_contact", 2), ("lat", 1), ("lon", 1), ("row", 1)];

#[test]
fn each_bad_row_is_counted_by_kind_and_no_good_row_is_lost() {
    let sky = Sky::of(50);
    let setup = Setup::embedded().watching(&sky);
    sky.fault(states(BadRows));
    let app = setup.start();
    sky.wait_polls(4);
    sky.fail_polls();
    let poller =
        app.wait_actor("poller", "counts the failed poll", |actor| actor["observation"]["source"] == "unavailable");
    let (polls, served) = (sky.polls(), sky.served());
    assert_eq!(served.len() as u64, 50 * polls);
    assert_eq!(poller["observation"]["states"], 50, "{poller}");
    assert_eq!(poller["observation"]["bad_rows"], 10 * polls, "{poller}");
    assert_eq!(app.metric("states_received_total"), (50 * polls) as f64);
    let metrics = app.get("/metrics").text();
    let counts = metrics.lines().filter_map(|line| {
        let (kind, count) =
            line.strip_prefix("flight_monitor_bad_rows_total{source=\"opensky\",kind=\"")?.split_once("\"} ")?;
        Some((kind, count.parse().unwrap()))
    });
    // Kinds that did not occur are served with the value 0.
    let counts: BTreeMap<&str, u64> = counts.filter(|(_, count)| *count > 0).collect();
    assert_eq!(counts, BAD_ROWS.map(|(kind, rows)| (kind, rows * polls)).into());
    assert_eq!(app.lines_with("skipped bad rows") as u64, polls, "not one line per poll");
    // Every good row is stored, and no bad one.
    setup.database().wait_rows(&served);
    app.end();
    assert_eq!(setup.database().rows(), served);
}

#[test]
fn null_states_are_not_a_failure() {
    let sky = Sky::of(50);
    sky.fault(states(NullStates));
    let app = Setup::embedded().watching(&sky).start();
    app.wait_actor("poller", "is quiet", |actor| {
        actor["observation"]["source"] == "quiet" && actor["observation"]["polls"].as_u64() > Some(2)
    });
    assert_eq!(app.metric("states_received_total"), 0.0);
    sky.clear_faults();
    app.wait_actor("poller", "receives the states", |actor| actor["observation"]["states"] == 50);
}

#[test]
fn a_retry_after_header_is_obeyed() {
    let sky = Sky::of(50);
    sky.fault(status(429).header("X-Rate-Limit-Retry-After-Seconds", "7").times(1));
    let app = Setup::embedded().polling_at_the_usual_pace(&sky).start();
    let poller = app.wait_actor("poller", "is rate limited", |actor| actor["observation"]["source"] == "rate_limited");
    assert_eq!(poller["observation"]["next_poll_seconds"], 7.0);
    assert!(poller["last_error"]["message"].as_str().unwrap().contains("rate limited for 7 s"), "{poller}");
    let limited_at = poller["last_error"]["at"].as_f64().unwrap();
    sky.wait_polls(1);
    let answered = app.wait_actor("poller", "is live", |actor| actor["observation"]["source"] == "live");
    let waited = answered["last_progress"].as_f64().unwrap() - limited_at;
    assert!((6.9..9.0).contains(&waited), "it polled again after {waited} s");
    // The data of a registered account changes every five seconds, so the server does not poll more often.
    let (polls, began) = (sky.polls(), Instant::now());
    sky.wait_polls(1);
    assert_eq!(sky.polls(), polls + 1);
    assert!(began.elapsed() > Duration::from_secs(3));
}

#[test]
fn spent_credits_are_reported_and_end_polling_for_the_day() {
    let clock = simulator::ManualClock::new(1_700_000_000);
    let simulator = simulator::start(simulator::Options {
        aircraft: 10,
        clock: simulator::Clock::Manual(clock),
        daily_credits: simulator::DailyCredits { anonymous: 4, account: 9 },
        ..simulator::Options::default()
    });
    let sky = Sky { simulator: simulator.unwrap() };
    let app = Setup::embedded().watching(&sky).start();
    let poller = app.wait_actor("poller", "is rate limited", |actor| actor["observation"]["source"] == "rate_limited");
    // The clock is at 22:13:20 UTC, 6,400 s before midnight, when credits are refilled.
    assert_eq!(poller["observation"]["next_poll_seconds"], 6_400.0);
    assert_eq!((sky.polls(), app.metric("credits_left")), (2, 1.0));
}

#[test]
fn an_account_refilled_hourly_is_polled_every_five_seconds() {
    let simulator = simulator::start(simulator::Options {
        aircraft: 10,
        daily_credits: simulator::DailyCredits { anonymous: 400, account: 14_400 },
        account_refill: simulator::Refill::Hourly,
        ..simulator::Options::default()
    });
    let sky = Sky { simulator: simulator.unwrap() };
    // This cannot fail late in the evening (UTC), when a day's credits last until midnight even at this interval.
    let app = Setup::embedded().watching(&sky).set("OPENSKY_POLL_INTERVAL", "auto").start();
    let polled = app.wait_actor("poller", "has polled", |actor| actor["observation"]["credits_left"].is_u64());
    assert_eq!(polled["observation"]["next_poll_seconds"], 5.0, "{polled}");
}

#[test]
fn two_transmitters_with_one_address_are_counted_as_a_duplicate() {
    let setup = Setup::embedded();
    let row = |callsign: &str, source: u8| {
        json!([
            "4b1814",
            callsign,
            "Switzerland",
            90,
            95,
            8.5,
            47.4,
            500.0,
            false,
            60.0,
            90.0,
            0.0,
            null,
            500.0,
            null,
            false,
            source
        ])
    };
    let sky = json!({ "time": 100, "states": [row("SWR123", 0), row("FLR123", 3)] });
    let file = setup.directory().join("sky.json");
    std::fs::write(&file, sky.to_string()).unwrap();
    let app = setup.arguments(["serve", "--replay", file.to_str().unwrap()]).start();
    let polled = app.wait_actor("poller", "has polled", |actor| actor["observation"]["states"] == 2);
    assert_eq!(
        (&polled["observation"]["changed"], polled["observation"]["passed_over"].clone()),
        (&1.into(), json!({ "unchanged": 0, "older": 0, "duplicate_address": 1, "revised": 0, "other_source": 0 }),)
    );
    let passed_over = |reason: &str| app.sample(&format!("states_passed_over_total{{kind=\"{reason}\"}}")).unwrap();
    assert!(passed_over("duplicate_address") >= 1.0);
    assert_eq!((passed_over("unchanged"), passed_over("revised")), (0.0, 0.0));
}

#[test]
fn a_wrong_source_clock_drops_only_states_older_than_published_ones() {
    let now = now();
    let clock = simulator::ManualClock::new(now);
    let simulator = simulator::start(simulator::Options {
        aircraft: 60,
        clock: simulator::Clock::Manual(clock.clone()),
        remember_served: Some(100_000),
        ..simulator::Options::default()
    });
    let sky = Sky { simulator: simulator.unwrap() };
    let setup = Setup::embedded().watching(&sky);
    let app = setup.start();
    app.wait_ready();
    let client = app.sse();
    // Expected are the states that are newer than all earlier ones of the same aircraft.
    let (mut expected, mut newest) = (BTreeSet::new(), HashMap::new());
    let mut known = BTreeSet::new();
    for (from, step) in [(0, 1), (-90, 1), (5, 1), (120, 1), (10, 30)] {
        for turn in 0..5 {
            clock.set(now + from + step * turn);
            // The first of the two polls may have been in flight when the clock was set.
            sky.wait_polls(2);
        }
        let served = sky.served();
        let mut fresh: Vec<Key> = served.difference(&known).cloned().collect();
        fresh.sort_by_key(|(_, at)| *at);
        for (icao24, at) in fresh {
            let before = newest.entry(icao24.clone()).or_insert(i64::MIN);
            if at > *before {
                *before = at;
                expected.insert((icao24, at));
            }
        }
        known = served;
    }
    sky.fail_polls();
    assert!(known.len() > expected.len() && expected.len() > 500, "{} of {}", expected.len(), known.len());
    setup.database().wait_rows(&expected);
    let last = expected.iter().max_by_key(|(_, at)| *at).unwrap();
    client.wait("the newest of all", |seen| seen.states().contains(last));
    let mut shown: HashMap<String, i64> = HashMap::new();
    for (icao24, at) in client.seen().states() {
        let before = shown.insert(icao24, at);
        assert!(before.is_none_or(|before| before < at), "{before:?} was shown before {at}");
    }
    assert!(app.sample("states_passed_over_total{kind=\"older\"}").unwrap() > 0.0);
    let warnings = app.lines_with("the source's clock and the local clock differ");
    assert!(warnings > 0);
    app.end();
}
