//! Invalid messages go to the dead letters, while the messages around them are stored.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use crate::support::{Setup, now};

/// Returns a message with only nine fields, as other producers write it.
fn nine_fields(icao24: &str, last_contact: i64) -> Vec<u8> {
    json!({
        "icao24": icao24, "origin_country": "Switzerland", "lat": 47.45, "lon": 8.55, "velocity": 0.0,
        "time_position": last_contact - 1, "baro_altitude": null, "geo_altitude": 450.5, "last_contact": last_contact,
    })
    .to_string()
    .into_bytes()
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn garbage_goes_to_the_dead_letters_and_its_neighbours_are_stored() {
    let setup = Setup::real().arguments(["--roles", "store,live"]);
    let app = setup.start();
    app.wait_ready();
    let client = app.sse();
    let large: Vec<u8> = (0..900_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let garbage = [
        Some(b"not JSON at all".to_vec()),
        Some(Vec::new()),
        None,
        Some(large),
        Some(br#"{"icao24":"4b1814"}"#.to_vec()),
        Some(br#"{"icao24":"nobody","last_contact":1700000000}"#.to_vec()),
    ];
    let now = now();
    let mut records = Vec::new();
    for (index, value) in garbage.iter().enumerate() {
        records.push((Some("4b1814"), Some(nine_fields("4b1814", now - 100 + i64::try_from(index).unwrap()))));
        records.push((Some("garbage"), value.clone()));
    }
    records.push((None, Some(nine_fields("4b1815", now))));
    setup.topic().write(Some(1), &records);

    let mut good: Vec<_> = (0..6).map(|index| ("4b1814".to_owned(), now - 100 + index)).collect();
    good.push(("4b1815".to_owned(), now));
    setup.database().wait_rows(&good.iter().cloned().collect());
    assert_eq!(client.wait_states(good.len()), good, "the stream has the valid states in order");
    crate::support::eventually("the position passes the garbage", || {
        (setup.database().positions().get(&1) == Some(&13)).then_some(())
    });

    let mut letters = setup.dead_letters().records();
    letters.sort_by_key(|letter| letter.headers["source.offset"].parse::<i64>().unwrap());
    assert_eq!(letters.len(), garbage.len());
    let reasons = ["expected", "empty", "no value", "expected", "last_contact", "nobody"];
    for ((index, letter), reason) in letters.iter().enumerate().zip(reasons) {
        assert_eq!((&letter.value, letter.key.as_deref()), (&garbage[index], Some(&b"garbage"[..])), "{index}");
        assert_eq!(letter.headers["source.topic"], setup.topic().name());
        assert_eq!(letter.headers["source.partition"], "1");
        assert_eq!(letter.headers["source.offset"], (2 * index + 1).to_string());
        assert!(letter.headers["reason"].contains(reason), "{:?}", letter.headers);
    }
    assert_eq!(app.metric("dead_letters_total"), 6.0);
    let lines = app.lines_with("published dead letters");
    assert!((1..=6).contains(&lines), "{lines}");
    app.end();
    // They are not sent again after a restart, because the stored position is past them.
    let app = setup.start();
    app.wait_ready();
    setup.topic().write(Some(1), &[(None, Some(nine_fields("4b1815", now + 1)))]);
    good.push(("4b1815".to_owned(), now + 1));
    setup.database().wait_rows(&good.into_iter().collect());
    assert_eq!(setup.dead_letters().records().len(), garbage.len());
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn an_oversized_dead_letter_is_truncated_and_delays_nothing() {
    let setup = Setup::real().arguments(["--roles", "store,live"]);
    setup.dead_letters().create("max.message.bytes", "20000");
    let app = setup.start();
    app.wait_ready();
    // Random bytes, because compressible ones would fit.
    let mut large = vec![0; 100_000];
    StdRng::seed_from_u64(1).fill(&mut large[..]);
    let (now, small) = (now(), b"not JSON at all".to_vec());
    let garbage = |value: &[u8]| (Some("garbage"), Some(value.to_vec()));
    let good = (Some("4b1814"), Some(nine_fields("4b1814", now)));
    setup.topic().write(Some(0), &[garbage(&small), garbage(&large), garbage(&small), good]);
    setup.database().wait_rows(&[("4b1814".to_owned(), now)].into());
    let mut letters = setup.dead_letters().records();
    letters.sort_by_key(|letter| letter.headers["source.offset"].clone());
    let values: Vec<_> = letters.iter().map(|letter| letter.value.as_deref().unwrap()).collect();
    let lengths: Vec<_> = values.iter().map(|value| value.len()).collect();
    assert!(values == [&small[..], &large[..4096], &small], "{lengths:?} bytes");
    assert!(letters[1].headers["reason"].contains("of 7 and 100000 bytes"), "{:?}", letters[1].headers);
    assert_eq!(app.metric("dead_letters_total"), 3.0);
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_database_that_rejects_every_row_does_not_flood_the_log() {
    let setup = Setup::real().arguments(["--roles", "store,live"]);
    assert_eq!(setup.clone().arguments(["migrate"]).run().code, Some(0));
    let database = setup.database();
    database.execute("ALTER TABLE state_vectors_scaled ADD CONSTRAINT nothing CHECK (icao24 <> '4b1814')");
    let app = setup.start();
    let now = now();
    let records: Vec<_> = (0..200).map(|ago| (Some("4b1814"), Some(nine_fields("4b1814", now - ago)))).collect();
    setup.topic().write(Some(0), &records);
    crate::support::eventually("all records are dead letters", || {
        (setup.database().positions().get(&0) == Some(&200)).then_some(())
    });
    assert_eq!((setup.dead_letters().records().len(), app.metric("dead_letters_total")), (200, 200.0));
    for line in ["the database rejected a row", "published dead letters"] {
        let lines = app.lines_with(line);
        assert!((1..100).contains(&lines), "{lines} times: {line}");
    }
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn dead_letters_can_be_listed_and_resent_after_a_fix() {
    let setup = Setup::real().arguments(["--roles", "store,live"]);
    assert_eq!(setup.clone().arguments(["migrate"]).run().code, Some(0));
    let app = setup.start();
    let database = setup.database();
    database
        .execute("ALTER TABLE state_vectors_scaled ADD CONSTRAINT no_atlantis CHECK (origin_country <> 'Atlantis')");
    let now = now();
    let atlantis = String::from_utf8(nine_fields("4b1814", now)).unwrap().replace("Switzerland", "Atlantis");
    let garbage = b"not JSON at all".to_vec();
    setup.topic().write(Some(0), &[(Some("x"), Some(garbage)), (Some("4b1814"), Some(atlantis.into_bytes()))]);
    crate::support::eventually("both records are dead letters", || {
        (setup.database().positions().get(&0) == Some(&2) && setup.dead_letters().records().len() == 2).then_some(())
    });
    database.execute("ALTER TABLE source_polls ADD CONSTRAINT no_tuesdays CHECK (source <> 'tuesday')");
    let poll = json!({
        "source": "tuesday", "kind": "opensky", "process": "a", "outcome": "live", "started": now * 1000,
        "ended": now * 1000 + 600, "polls": 1, "states": 7012, "changed": 6120, "bad_rows": 3, "seconds": 0.6,
        "credits_left": null, "interval": 86.4, "next_poll_at": null, "area": null,
    });
    setup.polls().write(Some(0), &[(Some("tuesday"), Some(poll.to_string().into_bytes()))]);
    crate::support::eventually("the poll is a dead letter", || {
        (setup.dead_letters().records().len() == 3).then_some(())
    });

    let command = |arguments: &[&str]| {
        let ended = setup.clone().arguments(["dead-letters"].into_iter().chain(arguments.iter().copied())).run();
        assert_eq!(ended.code, Some(0), "{:?}", ended.log);
        ended
    };
    let listed = command(&[]).output;
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(listed.contains("no_atlantis") && listed.contains("not JSON at all"), "{listed}");
    let refused = command(&["--json", "--reason", "no_atlantis"]).output;
    let letter: serde_json::Value = serde_json::from_str(&refused).unwrap();
    assert_eq!((&letter["source_topic"], &letter["key"]), (&json!(setup.topic().name()), &json!("4b1814")));
    assert!(letter["value"].as_str().unwrap().contains("Atlantis"), "{refused}");

    database.execute("ALTER TABLE state_vectors_scaled DROP CONSTRAINT no_atlantis");
    database.execute("ALTER TABLE source_polls DROP CONSTRAINT no_tuesdays");
    let resent = |count: &str| {
        let log = command(&["--resend"]).log;
        let line = log.iter().find(|line| line.contains("resent the dead letters"));
        assert!(line.is_some_and(|line| line.contains(count)), "{log:?}");
    };
    resent("resent=2 unreadable=1");
    database.wait_rows(&[("4b1814".to_owned(), now)].into_iter().collect());
    crate::support::eventually("the poll is stored", || {
        let polls = "SELECT source, count(*) FROM source_polls GROUP BY 1";
        (database.pairs(polls, polls) == [("tuesday".to_owned(), 1)]).then_some(())
    });
    assert_eq!(command(&[]).output, "", "resent letters are no longer listed");
    resent("resent=0 unreadable=0");
    assert_eq!(command(&["--all"]).output.lines().count(), 3);
    app.end();

    let embedded = Setup::bare().arguments(["dead-letters"]).run();
    assert_eq!(embedded.code, Some(2));
    assert!(embedded.last_line().contains("kafka.bootstrap_servers"), "{}", embedded.last_line());
}
