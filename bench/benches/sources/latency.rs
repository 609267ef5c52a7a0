//! From a receiver's message to a client of the stream.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bench::client::{Client, Event, pause};
use bench::report::{Line, Sample, milliseconds};
use flight_monitor::sources::readsb::wire::parse_aircraft;

use crate::door::{Door, Merging, sky};
use crate::list_server::{ListServer, Replaced};
use crate::relay::Relay;
use crate::told::Told;

const AIRCRAFT: usize = 500;
const GOAL: Duration = Duration::from_millis(300);

/// The time until the aircraft are known: positions in Beast need two messages, callsigns five seconds.
const WARM_UP: Duration = Duration::from_secs(10);

pub(crate) fn measure(quick: bool) -> anyhow::Result<Vec<Line>> {
    let length = Duration::from_secs(if quick { 5 } else { 60 });
    let mut lines = vec![
        of_messages(Door::Sbs, length)?,
        of_messages(Door::Beast, length)?,
        of_list("its URL", length, ListServer::url)?,
    ];
    lines.push(of_list("the file", length, |list| list.path().display().to_string())?);
    Ok(lines)
}

/// Measures from the moment at which a position message was sent.
fn of_messages(door: Door, length: Duration) -> anyhow::Result<Line> {
    eprintln!("latency of {} …", door.kind());
    let sky = sky(AIRCRAFT, 1.0)?;
    let relay = Relay::start(door.port(&sky)?)?;
    let events = events(&[(door.kind(), relay.address.to_string())], length)?;
    sky.stop();
    let told = Told::by(door, relay.chunks.try_iter());
    let delays = events.iter().map(|event| told.delay(event.icao24, event.last_contact, event.at));
    Ok(line(&format!("{}: position message → client", door.kind()), delays))
}

/// Measures from the moment at which the list was replaced that first contained the state.
fn of_list(what: &str, length: Duration, address: impl Fn(&ListServer) -> String) -> anyhow::Result<Line> {
    eprintln!("latency of aircraft.json, {what} …");
    let sky = sky(AIRCRAFT, 1.0)?;
    let list = ListServer::start(sky.aircraft_url())?;
    let events = events(&[(Door::List.kind(), address(&list))], length)?;
    let told = first_listed(list.lists.try_iter())?;
    let delays = events.iter().map(|event| {
        let listed = told.get(&(event.icao24, event.last_contact))?;
        Some(event.at.saturating_duration_since(*listed))
    });
    Ok(line(&format!("readsb, {what}: `aircraft.json` replaced (every second) → client"), delays))
}

/// Returns when each state was first listed.
fn first_listed(lists: impl Iterator<Item = Replaced>) -> anyhow::Result<HashMap<(u32, i64), Instant>> {
    let mut first = HashMap::new();
    for Replaced { at, body } in lists {
        for state in parse_aircraft(&body)?.snapshot.states {
            first.entry((state.icao24.to_u32(), state.last_contact.0)).or_insert(at);
        }
    }
    Ok(first)
}

/// Returns the events of a client after the aircraft are known.
fn events(sources: &[(&str, String)], length: Duration) -> anyhow::Result<Vec<Event>> {
    let merging = Merging::start("latency", sources)?;
    let deadline = Instant::now() + Duration::from_secs(60);
    while !merging.counter("states_changed_total").is_ok_and(|changed| changed > AIRCRAFT as f64) {
        anyhow::ensure!(Instant::now() < deadline, "no states; the log ends with:\n{}", merging.server.log());
        pause(Duration::from_millis(200));
    }
    pause(WARM_UP);
    let client = Client::connect(merging.server.address)?;
    // The first events repeat the picture.
    let connected = Instant::now() + Duration::from_secs(2);
    pause(length);
    let events = client.end()?;
    merging.server.stop()?;
    Ok(events.into_iter().filter(|event| event.at > connected).collect())
}

fn line(what: &str, delays: impl Iterator<Item = Option<Duration>>) -> Line {
    let (known, unknown): (Vec<_>, Vec<_>) = delays.partition(Option::is_some);
    let sample = Sample::of(known.into_iter().flatten());
    let (p99, unknown) = (sample.quantile(0.99), unknown.len());
    let figure = format!("{}; {unknown} states without a position in their second", sample.summary());
    Line::new(format!("{what}, {AIRCRAFT} aircraft"), format!("p99 ≤ {}", milliseconds(GOAL)), figure, p99 <= GOAL)
}
