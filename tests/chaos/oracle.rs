//! The final checks: compares what was served, what Kafka held, what the database holds and what a client received.

use std::collections::{BTreeMap, BTreeSet};

use actors::domain::{FIELDS, Field, FieldKind};
use serde_json::Value;

use crate::support::{Key, eventually, key};
use crate::world::World;

/// Returns the SQL that selects each row as the JSON of a message, without nulls.
fn rows() -> String {
    let member = |field: &&Field| match field.kind {
        FieldKind::Time(_) | FieldKind::KeyTime(_) => format!("'{0}', extract(epoch FROM {0})::bigint", field.name),
        _ => format!("'{0}', {0}", field.name),
    };
    let members: Vec<_> = FIELDS.iter().map(member).collect();
    format!(
        "SELECT json_strip_nulls(json_build_object({}))::text AS text, 0::bigint AS number FROM state_vectors",
        members.join(", ")
    )
}

/// Runs all checks in turn.
pub(crate) fn compare_the_books(world: &mut World) {
    // After four polls, every aircraft has a new state, also for a client that connected late.
    world.sky.wait_polls(4);
    the_picture_is_whole_before_the_end(world);
    world.settle();
    world.read_the_log();
    each_message_is_a_row_once(world);
    each_state_that_was_served_is_on_kafka(world);
    garbage_is_in_the_dead_letters(world);
    the_client_the_hub_and_the_table_agree(world);
    nothing_has_leaked(world);
}

/// Asserts that the client's stream is open and that no aircraft went back in time. Runs while the source still
/// delivers, so the client is not merely waiting for new states.
fn the_picture_is_whole_before_the_end(world: &World) {
    let seen = world.follower.seen();
    assert!(!seen.ended, "the stream has ended");
    assert!(seen.backwards.is_empty(), "a client saw older states after newer ones: {:?}", seen.backwards.first());
}

/// Asserts that every message on Kafka is a row, that no key is stored twice, and that each row is the first message of
/// its key.
fn each_message_is_a_row_once(world: &mut World) {
    let acknowledged = world.acknowledged();
    let ledger = &world.ledger;
    let missing_records = acknowledged.saturating_sub(ledger.records);
    assert_eq!(missing_records, 0, "acknowledged messages that Kafka does not have");
    let rows = world.database.rows();
    let messages: BTreeSet<&Key> = ledger.keys().collect();
    let lost: Vec<_> =
        messages.iter().filter(|key| !rows.contains(**key) && !ledger.given_up.contains(**key)).collect();
    assert!(lost.is_empty(), "{} messages of {} are no rows, such as {:?}", lost.len(), messages.len(), lost.first());
    let odd = rows.iter().filter(|key| !ledger.has(key)).count();
    assert_eq!(odd, 0, "rows that nobody sent");
    let compared = compare_the_contents(world);
    let duplicates = ledger.records - messages.len() as u64 - ledger.garbage.len() as u64;
    world.report.books.push(format!(
        "{} records on Kafka, {} reported as acknowledged; {} rows, of which {compared} were compared with the first \
         message of their key; {duplicates} messages came twice; 0 lost, 0 twice; {} given up by Kafka's retention, as many as were counted",
        ledger.records,
        acknowledged,
        rows.len(),
        ledger.given_up.len()
    ));
}

/// Compares each row whose message the ledger has kept with that message. Returns the number of rows compared.
fn compare_the_contents(world: &World) -> usize {
    let mut compared = BTreeSet::new();
    // Reads the rows in parts, so that each part fits into memory however long the run was.
    for ending in world.ledger.endings().chars() {
        for (row, _) in world.database.pairs("", &format!("{} WHERE right(icao24, 1) = '{ending}'", rows())) {
            let row: Value = serde_json::from_str(&row).unwrap();
            let key = key(&row);
            let matches = world.ledger.first(&key).iter().any(|message| same(&row, &message.json()));
            assert!(matches, "not the first message of its key: {row}");
            assert!(compared.insert(key), "a key is there twice");
        }
    }
    compared.len()
}

/// Compares without the null fields.
fn same(row: &Value, message: &Value) -> bool {
    let fields = |of: &Value| {
        let known = of.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
        known.map(|(name, value)| (name.clone(), plain(value))).collect::<BTreeMap<_, _>>()
    };
    fields(row) == fields(message)
}

/// Converts numbers to `f64`, so that 5 and 5.0 are equal.
fn plain(value: &Value) -> Value {
    value.as_f64().map_or_else(|| value.clone(), Value::from)
}

/// Asserts that every state that was served is on Kafka, except for polls that a collector was handling when it was
/// killed or its poller panicked.
fn each_state_that_was_served_is_on_kafka(world: &mut World) {
    let (ledger, excused) = (&world.ledger, &world.excused);
    let served = world.sky.served();
    let missing: Vec<_> = served.iter().filter(|key| !ledger.has(key)).collect();
    let unexcused: Vec<_> =
        missing.iter().filter(|(_, at)| !excused.iter().any(|(from, to)| (from..=to).contains(&at))).collect();
    assert!(
        unexcused.is_empty(),
        "{} states were served and are not on Kafka, such as {:?}; excused: {excused:?}",
        unexcused.len(),
        unexcused.first()
    );
    let polls: BTreeSet<i64> = missing.iter().map(|(_, at)| *at).collect();
    world.report.books.push(format!(
        "{} states served; {} of them, of {} polls, were in the hands of a collector that was killed or panicked",
        served.len(),
        missing.len(),
        polls.len()
    ));
}

fn garbage_is_in_the_dead_letters(world: &mut World) {
    let letters: BTreeSet<Vec<u8>> =
        world.dead_letters().records().into_iter().map(|record| record.value.unwrap_or_default()).collect();
    assert_eq!(letters.len() as u64, world.garbage);
    assert_eq!(letters, world.ledger.garbage, "dead letters, and what nobody can read");
    world.report.books.push(format!("{} unreadable records, all of them in the dead letters", letters.len()));
}

/// Asserts that a client that stayed connected, the hub and the newest row of each aircraft agree.
fn the_client_the_hub_and_the_table_agree(world: &mut World) {
    let newest = "SELECT icao24 AS text, max(extract(epoch FROM last_contact))::bigint AS number
        FROM state_vectors GROUP BY icao24";
    let table: BTreeMap<String, i64> = world.database.pairs("", newest).into_iter().collect();
    eventually("the client's picture is the table's", || {
        let seen = world.follower.seen();
        let client: BTreeMap<String, i64> = seen.newest.clone().into_iter().collect();
        (client == table).then_some(())
    });
    let flights = world.viewer().app().get("/api/v1/flights").json();
    let hub: BTreeMap<String, i64> = flights["states"].as_array().unwrap().iter().map(key).collect();
    assert_eq!(hub, table, "the hub's picture, and the newest rows");
    assert!(world.follower.seen().backwards.is_empty());
    let states = world.follower.seen().states;
    world.report.books.push(format!(
        "{} aircraft: the client, the hub and the table agree; the client saw {states} states, none twice or late",
        table.len()
    ));
}

/// Compares the resources of each process at the end with those after its warm-up. Skips processes that restarted too
/// recently.
fn nothing_has_leaked(world: &mut World) {
    let mut lines = Vec::new();
    for node in world.nodes() {
        let Some(warm) = node.resources_once_warm() else { continue };
        let name = node.name;
        // Connections and threads for blocking calls may still be shutting down.
        let last = eventually(&format!("{name} holds no more than at first: {warm:?}"), || {
            let last = node.resources();
            let back = last.files <= warm.files + 12
                && last.threads <= warm.threads + 12
                && last.resident <= warm.resident * 3 / 2 + (32 << 10);
            back.then_some(last)
        });
        lines.push(format!(
            "{name}, once warm and at the end: {} and {} threads, {} and {} files, {} and {} MiB resident",
            warm.threads,
            last.threads,
            warm.files,
            last.files,
            warm.resident >> 10,
            last.resident >> 10
        ));
    }
    world.report.books.extend(lines);
}
