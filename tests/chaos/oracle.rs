//! The final checks: compares what was served, what Kafka held, what the database holds and what a client received.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use actors::domain::{FIELDS, Field, FieldKind};
use serde_json::Value;

use crate::support::{Key, eventually, key};
use crate::world::World;

/// How many further polls the client may take to receive the newest state of each aircraft. A poll takes at least a
/// second.
const MAX_POLLS_BEHIND: u64 = 30;

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
pub(crate) fn run_all_checks(world: &mut World) {
    // After four polls, every aircraft has a new state, also for a client that connected late.
    world.sky.wait_polls(4);
    client_keeps_up_while_the_source_responds(world);
    world.settle();
    world.read_topic();
    each_message_is_stored_once(world);
    each_served_state_is_on_kafka(world);
    unreadable_records_are_dead_letters(world);
    client_hub_and_table_agree(world);
    no_process_leaks(world);
}

/// Asserts that the client receives the newest state of every aircraft over one connection, and none after a newer one,
/// while the source still responds. Once the source has stopped, a client that had fallen behind could catch up
/// unnoticed.
fn client_keeps_up_while_the_source_responds(world: &World) {
    let served: BTreeMap<String, i64> = world.sky.served().into_iter().collect();
    assert!(!served.is_empty());
    let behind = |newest: &HashMap<String, i64>| {
        served.iter().filter(|(icao24, at)| newest.get(*icao24).is_none_or(|newest| newest < *at)).count()
    };
    let deadline = world.sky.polls() + MAX_POLLS_BEHIND;
    eventually("the client has the newest served state of each aircraft", || {
        let polls = world.sky.polls();
        let seen = world.follower.seen();
        assert!(!seen.ended, "the stream has ended");
        let behind = behind(&seen.newest);
        assert!(behind == 0 || polls <= deadline, "{behind} aircraft are behind after {MAX_POLLS_BEHIND} more polls");
        (behind == 0).then_some(())
    });
    world.sky.wait_polls(1);
    let seen = world.follower.seen();
    assert!(!seen.ended, "the stream has ended");
    assert!(seen.backwards.is_empty(), "a client saw older states after newer ones: {:?}", seen.backwards.first());
}

/// Asserts that every message on Kafka is a row, that no key is stored twice, and that each row is the first message of
/// its key.
fn each_message_is_stored_once(world: &mut World) {
    let acknowledged = world.acknowledged();
    let ledger = &world.ledger;
    let missing_records = acknowledged.saturating_sub(ledger.records);
    assert_eq!(missing_records, 0, "acknowledged messages missing from Kafka");
    let rows = world.database.rows();
    let messages: BTreeSet<&Key> = ledger.keys().collect();
    let lost: Vec<_> = messages.iter().filter(|key| !rows.contains(**key) && !ledger.expired.contains(**key)).collect();
    assert!(
        lost.is_empty(),
        "{} messages of {} were not stored, such as {:?}",
        lost.len(),
        messages.len(),
        lost.first()
    );
    let odd = rows.iter().filter(|key| !ledger.has(key)).count();
    assert_eq!(odd, 0, "rows without a message");
    let compared = compare_the_values(world);
    let duplicates = ledger.records - messages.len() as u64 - ledger.garbage.len() as u64;
    world.report.results.push(format!(
        "{} records on Kafka, {} reported as acknowledged; {} rows, {compared} of them compared with the first \
         message of their key; {duplicates} duplicate messages; 0 rows lost, 0 duplicate rows; \
         {} lost to Kafka's retention, as counted",
        ledger.records,
        acknowledged,
        rows.len(),
        ledger.expired.len()
    ));
}

/// Compares each row whose message the ledger has kept with that message. Returns the number of rows compared.
fn compare_the_values(world: &World) -> usize {
    let mut compared = BTreeSet::new();
    // Reads the rows in parts, so that each part fits into memory however long the run was.
    for ending in world.ledger.last_digits().chars() {
        for (row, _) in world.database.pairs("", &format!("{} WHERE right(icao24, 1) = '{ending}'", rows())) {
            let row: Value = serde_json::from_str(&row).unwrap();
            let key = key(&row);
            let matches = world.ledger.first(&key).iter().any(|message| same(&row, &message.json()));
            assert!(matches, "not the first message of its key: {row}");
            assert!(compared.insert(key), "a key is stored twice");
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
fn each_served_state_is_on_kafka(world: &mut World) {
    let (ledger, excused) = (&world.ledger, &world.excused);
    let served = world.sky.served();
    let missing: Vec<_> = served.iter().filter(|key| !ledger.has(key)).collect();
    let unexcused: Vec<_> =
        missing.iter().filter(|(_, at)| !excused.iter().any(|(from, to)| (from..=to).contains(&at))).collect();
    assert!(
        unexcused.is_empty(),
        "{} states were served but are not on Kafka, such as {:?}; excused: {excused:?}",
        unexcused.len(),
        unexcused.first()
    );
    let polls: BTreeSet<i64> = missing.iter().map(|(_, at)| *at).collect();
    world.report.results.push(format!(
        "{} states served; {} of them, from {} polls, were being processed by a collector that was killed or panicked",
        served.len(),
        missing.len(),
        polls.len()
    ));
}

fn unreadable_records_are_dead_letters(world: &mut World) {
    let letters: BTreeSet<Vec<u8>> =
        world.dead_letters().records().into_iter().map(|record| record.value.unwrap_or_default()).collect();
    assert_eq!(letters.len() as u64, world.garbage);
    assert_eq!(letters, world.ledger.garbage, "dead letters and unreadable records");
    world.report.results.push(format!("{} unreadable records, all of them dead letters", letters.len()));
}

/// Asserts that a client that stayed connected, the hub and the newest row of each aircraft agree.
fn client_hub_and_table_agree(world: &mut World) {
    let newest = "SELECT icao24 AS text, max(extract(epoch FROM last_contact))::bigint AS number
        FROM state_vectors GROUP BY icao24";
    let table: BTreeMap<String, i64> = world.database.pairs("", newest).into_iter().collect();
    eventually("the client has the newest row of each aircraft", || {
        let seen = world.follower.seen();
        let client: BTreeMap<String, i64> = seen.newest.clone().into_iter().collect();
        (client == table).then_some(())
    });
    let flights = world.viewer().app().get("/api/v1/flights").json();
    let hub: BTreeMap<String, i64> = flights["states"].as_array().unwrap().iter().map(key).collect();
    assert_eq!(hub, table, "the hub's picture and the newest rows");
    assert!(world.follower.seen().backwards.is_empty());
    let states = world.follower.seen().states;
    world.report.results.push(format!(
        "{} aircraft: the client, the hub and the table agree; the client received {states} states, none twice or out \
         of order",
        table.len()
    ));
}

/// Compares the resources of each process at the end with those after its warm-up. Skips processes that restarted too
/// recently.
fn no_process_leaks(world: &mut World) {
    let mut lines = Vec::new();
    for node in world.nodes() {
        let Some(warm) = node.resources_once_warm() else { continue };
        let name = node.name;
        // Connections and threads for blocking calls may still be shutting down.
        let last = eventually(&format!("{name} uses no more resources than once warm: {warm:?}"), || {
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
    world.report.results.extend(lines);
}
