//! Properties of every world.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::great_circle::distance;
use super::*;

/// A Monday, 12:00:00 UTC.
const NOON: i64 = 1_754_308_800;

fn world(aircraft: usize, seed: u64) -> World {
    World::new(Plan { aircraft, seed, speed: 1.0, emergencies: 0.001, steady: false })
}

fn rows(world: &World, now: i64) -> Vec<Row<'_>> {
    (0..world.places()).filter_map(|place| world.row(place, now)).collect()
}

fn share(rows: &[Row<'_>], holds: impl Fn(&Row<'_>) -> bool) -> f64 {
    rows.iter().filter(|row| holds(row)).count() as f64 / rows.len() as f64
}

#[test]
fn the_number_of_aircraft_stays_near_the_configured_one() {
    for aircraft in [0, 1, 50, 2_000, 10_000] {
        let world = world(aircraft, 7);
        for hours in [0, 1, 7, 24 * 200] {
            let up = rows(&world, NOON + hours * 3_600).len() as f64;
            let tolerance = 0.04 * aircraft as f64 + 4.0;
            assert!((up - aircraft as f64).abs() <= tolerance, "{up} of {aircraft} after {hours} h");
        }
    }
}

#[test]
fn equal_seeds_generate_equal_worlds() {
    let (one, same, other) = (world(300, 1), world(300, 1), world(300, 2));
    assert_eq!(rows(&one, NOON), rows(&same, NOON));
    assert_ne!(rows(&one, NOON), rows(&other, NOON));
    // Querying the future does not change the present.
    let before = format!("{:?}", rows(&one, NOON));
    rows(&one, NOON + 1_000_000);
    assert_eq!(format!("{:?}", rows(&one, NOON)), before);
}

#[test]
fn nulls_and_irregularities_are_as_frequent_as_in_openskys_data() {
    let world = world(10_000, 3);
    let rows = rows(&world, NOON);
    type Holds = fn(&Row<'_>) -> bool;
    let expectations: [(&str, f64, f64, Holds); 15] = [
        ("no position", 0.01, 0.02, |row| row.position.is_none()),
        ("no barometric altitude", 0.08, 0.12, |row| row.baro_altitude.is_none()),
        ("no geometric altitude", 0.08, 0.12, |row| row.geo_altitude.is_none()),
        ("no barometric altitude in the air", 0.01, 0.04, |row| row.baro_altitude.is_none() && !row.on_ground),
        ("no squawk", 0.30, 0.64, |row| row.squawk.is_none()),
        ("on ground", 0.04, 0.10, |row| row.on_ground),
        ("MLAT", 0.02, 0.06, |row| row.position_source == 2),
        ("FLARM", 0.002, 0.02, |row| row.position_source == 3),
        ("no country", 0.001, 0.01, |row| row.origin_country.is_empty()),
        ("no callsign", 0.01, 0.03, |row| row.callsign.is_empty()),
        ("blank callsign", 0.001, 0.01, |row| row.callsign == "        "),
        ("leading blank", 0.001, 0.02, |row| row.callsign.starts_with(' ') && row.callsign.trim() != ""),
        ("heard in the last 10 s", 0.90, 0.99, |row| NOON - row.last_contact <= 10),
        ("older position", 0.15, 0.60, |row| row.time_position.is_some_and(|time| time < row.last_contact)),
        ("negative track", 0.0005, 0.02, |row| row.true_track < 0.0),
    ];
    for (name, low, high, holds) in expectations {
        let found = share(&rows, holds);
        assert!((low..=high).contains(&found), "{name}: {found}");
    }
    let countries: HashSet<&str> = rows.iter().map(|row| row.origin_country).collect();
    for name in ["Türkiye", "Côte d'Ivoire", "United States", "Kingdom of the Netherlands", ""] {
        assert!(countries.contains(name), "{name:?} is missing");
    }
    for row in &rows {
        assert!(matches!(row.callsign.len(), 0 | 8), "{row:?}");
        assert!(row.squawk.is_none_or(|code| code <= 0o7777) && row.category <= 20, "{row:?}");
    }
    let differing = share(&rows, |row| row.on_ground || row.geo_altitude != row.baro_altitude);
    assert!(differing > 0.95, "{differing}");
}

#[test]
fn every_phase_of_flight_occurs() {
    let world = world(3_000, 5);
    let rows = rows(&world, NOON);
    let rate = |row: &Row<'_>| row.vertical_rate.unwrap_or(0.0);
    for (name, low, found) in [
        ("standing", 0.002, share(&rows, |row| row.on_ground && row.velocity == 0.0)),
        ("taxiing", 0.01, share(&rows, |row| row.on_ground && row.velocity > 3.0)),
        ("climbing", 0.05, share(&rows, |row| rate(row) > 3.0)),
        ("descending", 0.05, share(&rows, |row| rate(row) < -3.0)),
        ("cruising", 0.3, share(&rows, |row| !row.on_ground && rate(row) == 0.0)),
    ] {
        assert!(found > low, "{name}: {found}");
    }
}

#[test]
fn some_aircraft_fall_silent_disappear_and_return() {
    let world = world(500, 11);
    let mut vanished = HashSet::new();
    let mut returned = 0;
    let mut max_silence = 0;
    for now in (NOON..NOON + 3_600).step_by(5) {
        let rows = rows(&world, now);
        let here: HashSet<u32> = rows.iter().map(|row| row.address).collect();
        returned += here.intersection(&vanished).count();
        max_silence = rows.iter().map(|row| now - row.last_contact).max().unwrap_or(0).max(max_silence);
        vanished = vanished.difference(&here).copied().collect();
        let later = self::rows(&world, now + 5);
        let later: HashSet<u32> = later.iter().map(|row| row.address).collect();
        vanished.extend(here.difference(&later));
    }
    assert!(returned > 0, "no aircraft returned");
    assert!((280..=KEPT_AFTER_CONTACT).contains(&max_silence), "{max_silence} s");
}

#[test]
fn emergencies_are_as_frequent_as_configured() {
    let emergencies = |share: f64| {
        let world = World::new(Plan { aircraft: 2_000, seed: 1, speed: 1.0, emergencies: share, steady: false });
        rows(&world, NOON).iter().filter(|row| matches!(row.squawk, Some(0o7500 | 0o7600 | 0o7700))).count()
    };
    assert_eq!(emergencies(0.0), 0);
    assert!((20..200).contains(&emergencies(0.1)), "{}", emergencies(0.1));
}

#[test]
fn a_steady_world_always_has_the_same_aircraft() {
    let world = World::new(Plan { aircraft: 200, seed: 1, speed: 1.0, emergencies: 0.0, steady: true });
    assert_eq!(world.places(), 200);
    let addresses =
        |now| -> Vec<u32> { (0..200).map(|place| world.row_at_contact(place, now).unwrap().address).collect() };
    assert_eq!(addresses(NOON), addresses(NOON + 100_000));
}

#[test]
fn speed_multiplies_the_movement_of_aircraft() {
    let fast = World::new(Plan { aircraft: 200, seed: 1, speed: 20.0, emergencies: 0.0, steady: false });
    let cruising = |row: &Row<'_>| !row.on_ground && row.vertical_rate == Some(0.0) && row.velocity > 200.0;
    let now = rows(&fast, NOON);
    let later: HashMap<u32, Row<'_>> = rows(&fast, NOON + 10).into_iter().map(|row| (row.address, row)).collect();
    let mut compared = 0;
    for row in now.iter().filter(|row| cruising(row)) {
        let Some(next) = later.get(&row.address).filter(|next| cruising(next)) else { continue };
        let (Some(a), Some(b)) = (row.position, next.position) else { continue };
        let seconds = next.time_position.unwrap() - row.time_position.unwrap();
        if seconds > 0 {
            let speed = distance(a, b) / seconds as f64;
            assert!((speed / row.velocity - 20.0).abs() < 1.0, "{speed} m/s and {}", row.velocity);
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn rows_are_within_physical_bounds_at_any_moment(seed in 0u64..20, now in 1_500_000_000i64..2_000_000_000) {
        let world = world(300, seed);
        let rows = rows(&world, now);
        let addresses: HashSet<u32> = rows.iter().map(|row| row.address).collect();
        prop_assert_eq!(addresses.len(), rows.len());
        for row in &rows {
            prop_assert!(row.address > 0 && row.address < 1 << 24);
            let is_in_block = countries::COUNTRIES.iter().chain([&countries::UNKNOWN]).any(|country| {
                country.name == row.origin_country && (country.block..country.block + country.size).contains(&row.address)
            });
            prop_assert!(is_in_block, "{row:?}");
            prop_assert!((now - KEPT_AFTER_CONTACT..=now).contains(&row.last_contact), "{row:?}");
            prop_assert!(row.time_position.is_none_or(|time| time <= row.last_contact), "{row:?}");
            prop_assert_eq!(row.time_position.is_some(), row.position.is_some());
            if let Some((lat, lon)) = row.position {
                prop_assert!(lat.abs() <= 90.0 && lon.abs() <= 180.0, "{row:?}");
            }
            for altitude in [row.baro_altitude, row.geo_altitude].into_iter().flatten() {
                prop_assert!((0.0..=14_000.0).contains(&altitude), "{row:?}");
            }
            prop_assert!((0.0..=260.0).contains(&row.velocity), "{row:?}");
            prop_assert!((-180.0..360.0).contains(&row.true_track), "{row:?}");
            prop_assert!(row.vertical_rate.is_none_or(|rate| rate.abs() < 25.0), "{row:?}");
        }
    }

    #[test]
    fn movement_is_physically_possible(seed in 0u64..20, now in 1_500_000_000i64..2_000_000_000, wait in 1i64..40_000) {
        let world = world(300, seed);
        let later: HashMap<u32, Row<'_>> =
            rows(&world, now + wait).into_iter().map(|row| (row.address, row)).collect();
        for row in rows(&world, now) {
            let Some(next) = later.get(&row.address) else { continue };
            prop_assert!(next.last_contact >= row.last_contact, "{row:?} {next:?}");
            let (Some(a), Some(b)) = (row.position.zip(row.time_position), next.position.zip(next.time_position)) else {
                continue;
            };
            prop_assert!(b.1 >= a.1, "{row:?} {next:?}");
            let moved = distance(a.0, b.0);
            // Positions are not rounded here, so a tolerance of one metre covers floating-point errors.
            prop_assert!(moved <= 260.0 * (b.1 - a.1) as f64 + 1.0, "{moved} m: {row:?} {next:?}");
        }
    }

    #[test]
    fn the_track_matches_the_direction_of_movement(seed in 0u64..20, now in 1_500_000_000i64..2_000_000_000) {
        let world = World::new(Plan { aircraft: 200, seed, speed: 1.0, emergencies: 0.0, steady: true });
        for place in 0..200 {
            let (Some(row), Some(next)) = (world.row_at_contact(place, now), world.row_at_contact(place, now + 10)) else {
                continue;
            };
            if let (Some(a), Some(b)) = (row.position, next.position)
                && row.velocity > 30.0 && next.velocity > 30.0 && a.0.abs() < 85.0
            {
                let bearing = great_circle::GreatCircle::between(a, b).at(0.0).track;
                let turn = (bearing - row.true_track + 540.0).rem_euclid(360.0) - 180.0;
                prop_assert!(turn.abs() < 1.0, "{turn}°: {row:?}");
            }
        }
    }
}
