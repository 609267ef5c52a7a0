//! The flights derived from a simulated sky, whose aircraft fly back and forth, checked against the sightings.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use actors::domain::{Flight, Icao24, Sighting};
use actors::history::extend_flights;
use flight_monitor::sources::opensky::wire::parse_states;
use simulator::{Clock, DailyCredits, ManualClock};

const GAP: Duration = Duration::from_secs(30 * 60);
const START: i64 = 1_750_000_000;
const HOURS: i64 = 14;
const POLL: i64 = 60;

/// Returns the sightings of each aircraft in order of time.
fn observe(aircraft: usize) -> BTreeMap<Icao24, Vec<Sighting>> {
    let clock = ManualClock::new(START);
    let simulator = simulator::start(simulator::Options {
        aircraft,
        clock: Clock::Manual(clock.clone()),
        daily_credits: DailyCredits { anonymous: u32::MAX, account: u32::MAX },
        ..simulator::Options::default()
    })
    .unwrap();
    let mut seen: BTreeMap<Icao24, Vec<Sighting>> = BTreeMap::new();
    for time in (START..START + HOURS * 3600).step_by(POLL as usize) {
        clock.set(time);
        let mut body = Vec::new();
        let answer = ureq::get(format!("{}/states/all", simulator.base_url())).call().unwrap();
        answer.into_body().into_reader().read_to_end(&mut body).unwrap();
        for state in &parse_states(&body).unwrap().states {
            let sightings = seen.entry(state.icao24).or_default();
            if sightings.last().is_none_or(|last| last.at < state.last_contact) {
                sightings.push(state.into());
            }
        }
    }
    seen
}

/// Returns the flights whose takeoff and landing were both seen, with the sightings that belong to them.
fn whole<'a>(flights: &[Flight], sightings: &'a [Sighting]) -> Vec<(Flight, &'a [Sighting])> {
    let within = |flight: &Flight| {
        let first = sightings.iter().position(|sighting| sighting.at == flight.first_seen).unwrap();
        let last = sightings.iter().position(|sighting| sighting.at == flight.last_seen).unwrap();
        let took_off = first > 0 && sightings[first - 1].on_ground;
        (took_off && flight.landed).then(|| (flight.clone(), &sightings[first..=last]))
    };
    flights.iter().filter_map(within).collect()
}

#[test]
fn flights_derived_from_a_simulated_sky_are_those_flown() {
    let mut count = 0;
    for (icao24, sightings) in observe(60) {
        let flights = extend_flights(&sightings, Vec::new(), GAP);
        let airborne = sightings.iter().filter(|sighting| !sighting.on_ground);
        for sighting in airborne {
            let of = flights.iter().filter(|flight| (flight.first_seen..=flight.last_seen).contains(&sighting.at));
            assert_eq!(of.count(), 1, "{icao24} at {}", sighting.at);
        }
        let whole = whole(&flights, &sightings);
        for (flight, made_of) in &whole {
            let (landing, flown) = made_of.split_last().unwrap();
            assert!(landing.on_ground && flown.iter().all(|sighting| !sighting.on_ground), "{flight:?}");
            assert!(made_of.iter().all(|sighting| sighting.callsign == flight.callsign), "{flight:?}");
            assert_eq!(flight.states, made_of.len() as u64, "{flight:?}");
            let highest = made_of.iter().filter_map(|sighting| sighting.altitude).reduce(f64::max);
            assert_eq!(flight.highest_altitude, highest, "{flight:?}");
            // Some aircraft have no known position. Simulated aircraft follow a great circle, and each state deviates
            // from it at most by rounding.
            if let Some((first, last)) = flight.first_position.zip(flight.last_position) {
                let straight = first.distance_to(last);
                let detour = flight.distance - straight;
                assert!((-1.0..0.01 * straight + 1_000.0).contains(&detour), "{straight} {flight:?}");
            }
        }
        // The next flight departs from where the last one landed. A minute or two after takeoff, the aircraft may be
        // some distance away.
        for pair in whole.windows(2) {
            let ((landed, _), (departed, _)) = (&pair[0], &pair[1]);
            let soon = departed.first_seen.seconds_since(landed.last_seen) < 3 * 3600;
            if let (true, Some((there, here))) = (soon, landed.last_position.zip(departed.first_position)) {
                let way = there.distance_to(here);
                assert!(way < 60_000.0, "{way} {landed:?} {departed:?}");
            }
        }
        count += whole.len();
    }
    assert!(count >= 40, "{count} flights from take-off to landing");
}
