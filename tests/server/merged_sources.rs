//! Several sources, merged into one picture.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use simulator::Target::{AircraftJson, Beast, Sbs, States, V2};
use simulator::{Fault, FaultKind};

use crate::support::{Setup, Sky, TestApp, eventually};

/// Returns a source in `/api/v1/status`.
fn source(app: &TestApp, name: &str) -> Value {
    let status = app.get("/api/v1/status").json();
    let source = status["sources"].as_array().unwrap().iter().find(|source| source["name"] == name);
    source.unwrap_or_else(|| panic!("no source {name}: {status}")).clone()
}

/// Waits until the status and the metrics say that a source has this state.
fn wait_state(app: &TestApp, name: &str, state: &str) -> Value {
    let metric = format!("source_state{{source=\"{name}\",kind=\"{state}\"}}");
    eventually(&format!("{name} is {state}"), || {
        let source = source(app, name);
        (source["state"] == state && app.sample(&metric) == Some(1.0)).then_some(source)
    })
}

/// Returns the number of aircraft in the picture by their source.
fn aircraft_by_source(app: &TestApp) -> BTreeMap<String, usize> {
    let flights = app.get("/api/v1/flights").json();
    let mut counts = BTreeMap::new();
    for state in flights["states"].as_array().unwrap() {
        *counts.entry(state["source"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

#[test]
fn a_receiver_and_opensky_are_one_picture_and_each_failure_of_the_receiver_is_named() {
    let sky = Sky::heard_everywhere(200);
    let setup = Setup::embedded()
        .polling_at_the_usual_pace(&sky)
        .set("SOURCES_ROOF_KIND", "readsb")
        .set("SOURCES_ROOF_URL", &sky.simulator.aircraft_url())
        .set("MERGE_HANDOVER", "2s");
    let app = setup.start();
    for name in ["opensky", "roof"] {
        wait_state(&app, name, "live");
    }
    app.wait_aircraft(180);
    // The receiver has the higher priority. OpenSky alone knows the aircraft that the receiver cannot hear.
    eventually("the receiver's states prevail", || {
        let counts = aircraft_by_source(&app);
        let of = |name: &str| counts.get(name).copied().unwrap_or_default();
        (of("roof") > 100 && of("roof") + of("opensky") == counts.values().sum::<usize>()).then_some(())
    });
    eventually("targets without an ICAO address are counted", || {
        app.sample("states_passed_over_total{kind=\"non_icao\"}").filter(|count| *count > 0.0)
    });

    let shown = aircraft_by_source(&app).values().sum::<usize>();
    for (fault, state) in [
        (Fault::new(AircraftJson, FaultKind::Quiet), "quiet"),
        (Fault::new(AircraftJson, FaultKind::Stale), "stale"),
        (Fault::new(AircraftJson, FaultKind::Status).status(429), "rate_limited"),
        (Fault::new(AircraftJson, FaultKind::Status).status(503), "unavailable"),
        (Fault::new(AircraftJson, FaultKind::Garbage), "malformed"),
    ] {
        sky.fault(fault);
        wait_state(&app, "roof", state);
        assert_eq!(source(&app, "opensky")["state"], "live", "while the receiver is {state}");
        sky.clear_faults();
        wait_state(&app, "roof", "live");
    }
    sky.fault(Fault::new(AircraftJson, FaultKind::Refuse));
    let roof = wait_state(&app, "roof", "refused");
    assert!(roof["reason"].is_string(), "{roof}");
    assert_eq!(app.part("poller-roof").unwrap()["ready"], false);
    eventually("OpenSky takes the aircraft over", || {
        let counts = aircraft_by_source(&app);
        (counts.get("opensky").copied().unwrap_or_default() > 100).then_some(())
    });
    assert_eq!(source(&app, "opensky")["state"], "live");
    assert!(aircraft_by_source(&app).values().sum::<usize>() * 10 >= shown * 9, "aircraft were lost");

    sky.fail_polls();
    wait_state(&app, "opensky", "unavailable");
    // Every published state is stored once, and was served by a source.
    eventually("every state is stored", || {
        (setup.database().rows().len() as f64 == app.metric("states_changed_total")).then_some(())
    });
    let served: BTreeSet<_> = sky.served_by(States).union(&sky.served_by(AircraftJson)).cloned().collect();
    let rows = setup.database().rows();
    assert!(rows.len() > 200 && rows.is_subset(&served), "{} rows", rows.difference(&served).count());
    app.end();
}

#[test]
fn an_area_of_several_circles_is_polled_within_the_rate_limit() {
    let sky = Sky::heard_everywhere(400);
    let setup = Setup::embedded()
        .set("OPENSKY_ENABLED", "false")
        .set("SOURCES_COMMUNITY_KIND", "readsb-api")
        .set("SOURCES_COMMUNITY_URL", &sky.simulator.community_url())
        .set("SOURCES_COMMUNITY_BOUNDING_BOX", "41.3,-5.2,51.1,9.6");
    let app = setup.start();
    let polled =
        app.wait_actor("poller", "has polled each circle", |actor| actor["observation"]["polls"].as_u64() > Some(5));
    assert_eq!((&polled["observation"]["failed_polls"], &polled["observation"]["source"]), (&0.into(), &"live".into()));
    let flights = app.get("/api/v1/flights").json();
    let states = flights["states"].as_array().unwrap();
    let outside = states.iter().filter(|state| {
        let (lat, lon) = (state["lat"].as_f64().unwrap(), state["lon"].as_f64().unwrap());
        !((41.3..=51.1).contains(&lat) && (-5.2..=9.6).contains(&lon))
    });
    assert_eq!((outside.count(), states.is_empty()), (0, false));

    sky.fault(Fault::new(V2, FaultKind::Quiet));
    wait_state(&app, "community", "quiet");
    sky.clear_faults();
    sky.fault(Fault::new(V2, FaultKind::Html));
    wait_state(&app, "community", "malformed");
    app.end();
}

#[test]
fn three_receivers_of_one_sky_give_one_state_per_aircraft_and_second() {
    let sky = Sky::heard_through_every_door(100);
    let address = |address: Option<std::net::SocketAddr>| address.unwrap().to_string();
    let setup = Setup::embedded()
        .set("OPENSKY_ENABLED", "false")
        .set("SOURCES_FILE_KIND", "readsb")
        .set("SOURCES_FILE_URL", &sky.simulator.aircraft_url())
        .set("SOURCES_LINES_KIND", "sbs")
        .set("SOURCES_LINES_URL", &address(sky.simulator.sbs_address()))
        .set("SOURCES_FRAMES_KIND", "beast")
        .set("SOURCES_FRAMES_URL", &address(sky.simulator.beast_address()))
        .set("MERGE_HANDOVER", "2s");
    let app = setup.start();
    for name in ["file", "lines", "frames"] {
        wait_state(&app, name, "live");
    }
    let client = app.sse();
    client.wait_states(500);
    // Each source goes silent in turn, and the others keep its aircraft.
    for (name, target, fault, state) in [
        ("lines", Sbs, FaultKind::Quiet, "quiet"),
        ("frames", Beast, FaultKind::Refuse, "unavailable"),
        ("file", AircraftJson, FaultKind::Stale, "stale"),
    ] {
        sky.fault(Fault::new(target, fault));
        wait_state(&app, name, state);
        let held = |others: bool| {
            let counts = aircraft_by_source(&app).into_iter();
            counts.filter(|(source, _)| (source != name) == others).map(|(_, count)| count).sum::<usize>()
        };
        eventually(&format!("the others take over from {name}"), || (held(true) > 50).then_some(()));
        sky.clear_faults();
        wait_state(&app, name, "live");
    }
    // No aircraft goes back in time, and its state is sent once a second.
    let mut newest = BTreeMap::new();
    for (icao24, last_contact) in client.seen().states() {
        let last = newest.insert(icao24.clone(), last_contact);
        assert!(last.is_none_or(|last| last < last_contact), "{icao24}: {last_contact} after {last:?}");
    }
    app.end();
    let rows = setup.database().rows();
    let sent: BTreeSet<_> = [AircraftJson, Sbs, Beast].into_iter().flat_map(|target| sky.served_by(target)).collect();
    // The receivers' states have the second of their arrival, which may be the one after they were sent.
    let is_sent = |(icao24, at): &(String, i64)| (0..=1).any(|late| sent.contains(&(icao24.clone(), at - late)));
    let invented = rows.iter().filter(|row| !is_sent(row)).collect::<Vec<_>>();
    assert!(rows.len() > 500 && invented.is_empty(), "{} rows, not sent: {invented:?}", rows.len());
}
