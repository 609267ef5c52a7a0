//! What is known about aircraft in addition to their state vectors, by the address and the operator's table.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Setup, Sky, TestApp, eventually};

/// Returns the addresses in a member of a response.
fn addresses(app: &TestApp, path: &str, list: &str, name: &str) -> Vec<String> {
    let response = app.get(path).json();
    let list = response[list].as_array().unwrap_or_else(|| panic!("{path}: {response}"));
    list.iter().map(|aircraft| aircraft[name].as_str().unwrap().to_owned()).collect()
}

#[test]
fn facts_of_the_table_are_in_every_api_and_follow_its_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("aircraft.csv");
    let replace = |text: &str| {
        let temporary = folder.path().join("new");
        fs::write(&temporary, text).unwrap();
        std::fs::rename(&temporary, &file).unwrap();
    };
    let sky = Sky::of(300);
    let app = Setup::embedded().watching(&sky).set("ENRICHMENT_AIRCRAFT_TABLE", file.to_str().unwrap()).start();
    let table = || app.get("/api/v1/status").json()["aircraft_table"].clone();
    eventually("the missing file is reported", || (table()["failed"] == true).then_some(()));
    sky.wait_polls(1);
    sky.fail_polls();
    app.wait_shown(&sky);
    let live = addresses(&app, "/api/v1/flights", "states", "icao24");
    let (one, other) = (&live[0], &live[1]);
    replace(&format!(
        "icao24,registration,type,model,operator,military\n{one},TE-ST1,ZZZZ,Testbird,Test Air,no\n\
         {other},TE-ST2,ZZZY,,Air Force,yes\nx,,,,,\n"
    ));
    let loaded = eventually("the table is loaded", || Some(table()).filter(|table| table["aircraft"] == 2));
    assert_eq!((&loaded["bad_rows"], &loaded["failed"]), (&json!(1), &json!(false)));

    let known = app.get(&format!("/api/v1/aircraft/{one}")).json();
    assert_eq!((&known["registration"], &known["type"]), (&json!("TE-ST1"), &json!("ZZZZ")));
    assert_eq!((&known["description"], &known["operator"]), (&json!("Testbird"), &json!("Test Air")));
    assert_eq!(known["sources"]["registration"], "table");
    for (query, expected) in [
        ("registration=test1", vec![one]),
        ("type=ZZZZ,zzzy", vec![one, other]),
        ("operator=test+air", vec![one]),
        ("operator=air&type=ZZZY", vec![other]),
        ("type=none", vec![]),
    ] {
        assert_eq!(
            addresses(&app, &format!("/api/v1/flights?{query}"), "states", "icao24"),
            expected.clone().into_iter().cloned().collect::<Vec<_>>(),
            "{query}"
        );
        assert_eq!(
            addresses(&app, &format!("/api/v1/aircraft?{query}"), "aircraft", "icao24"),
            expected.into_iter().cloned().collect::<Vec<_>>(),
            "{query}"
        );
    }
    assert_eq!(addresses(&app, "/api/v1/aircraft?military=true", "aircraft", "icao24"), [other.as_str()]);
    assert_eq!(addresses(&app, "/v2/reg/TE-ST1", "ac", "hex"), [one.as_str()]);
    assert_eq!(addresses(&app, "/v2/registration/test2,x", "ac", "hex"), [other.as_str()]);
    assert_eq!(addresses(&app, "/v2/type/zzzz", "ac", "hex"), [one.as_str()]);
    assert_eq!(addresses(&app, "/v2/mil", "ac", "hex"), [other.as_str()]);
    eventually("aircraft.json has the facts", || {
        let file = app.get("/data/aircraft.json").json();
        let found = file["aircraft"].as_array().unwrap().iter().find(|aircraft| aircraft["hex"] == **one).cloned()?;
        let facts = [&found["r"], &found["t"], &found["desc"], &found["ownOp"]];
        (facts == [&json!("TE-ST1"), &json!("ZZZZ"), &json!("Testbird"), &json!("Test Air")]).then_some(())
    });
    assert!(app.get("/metrics").text().contains("flight_monitor_aircraft_table_aircraft 2\n"));

    replace("not a table\n");
    eventually("a bad file is reported", || (table()["failed"] == true).then_some(()));
    assert_eq!(app.get(&format!("/api/v1/aircraft/{one}")).json()["type"], "ZZZZ", "the last table is kept");
    replace(&format!("icao24,registration\n{one},TE-ST3\n"));
    eventually("the next table is used", || {
        let known = app.get(&format!("/api/v1/aircraft/{one}")).json();
        (known["registration"] == "TE-ST3" && known["type"] == Value::Null).then_some(())
    });
    assert_eq!(app.get("/api/v1/flights?type=").status, 400);
    assert_eq!(app.get("/api/v1/aircraft?military=maybe").status, 400);
    assert_eq!(app.get("/api/v1/aircraft/xyz").status, 400);
    app.end();
}

#[test]
fn check_config_says_what_a_table_has() {
    let sky = Sky::of(5);
    let setup = Setup::embedded().watching(&sky);
    let file = setup.directory().join("aircraft.csv");
    let probe =
        setup.clone().set("ENRICHMENT_AIRCRAFT_TABLE", file.to_str().unwrap()).arguments(["check-config", "--probe"]);
    fs::write(&file, "icao24,registration\n4b1814,HB-JCA\n4b1815,HB-JCB\nxyz,HB-JCC\n").unwrap();
    let usable = probe.run();
    assert_eq!(usable.code, Some(0), "{}", usable.output);
    assert!(usable.output.contains("# aircraft table: CSV: 2 aircraft, 1 invalid rows"), "{}", usable.output);
    fs::write(&file, "no table\n").unwrap();
    let unusable = probe.run();
    assert_eq!(unusable.code, Some(1), "{}", unusable.output);
    assert!(
        unusable.output.contains("# aircraft table: ") && unusable.output.contains("aircraft.csv"),
        "{}",
        unusable.output
    );
}

#[test]
fn registrations_are_computed_without_a_table() {
    let sky = Sky::of(300);
    let app = Setup::embedded().watching(&sky).start();
    sky.wait_polls(1);
    sky.fail_polls();
    app.wait_shown(&sky);
    assert_eq!(app.get("/api/v1/status").json()["aircraft_table"], Value::Null);
    let known = app.get("/api/v1/aircraft/a835af").json();
    let expected = json!({ "icao24": "a835af", "country": "United States", "registration": "N628TS",
        "sources": { "country": "computed", "registration": "computed" } });
    assert_eq!(known, expected);
    // Named aircraft need not be in the live picture.
    let named = app.get("/api/v1/aircraft?icao24=a835af,f00000").json();
    assert_eq!(named, json!({ "count": 1, "aircraft": [expected] }));
    let aircraft = app.get("/api/v1/aircraft").json();
    let aircraft = aircraft["aircraft"].as_array().unwrap();
    assert!(aircraft.iter().any(|aircraft| aircraft["sources"]["airline"] == "airlines"));
    assert!(aircraft.iter().any(|aircraft| aircraft["sources"]["registration"] == "computed"));
    app.end();
}
