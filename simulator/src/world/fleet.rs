//! Draws the aircraft of a world, with their routes, operators, addresses and callsigns.

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::airframe::{Airframe, Reports};
use super::airports::{AIRPORTS, Airport};
use super::countries::{COUNTRIES, Country, UNKNOWN};
use super::flight::Profile;
use super::great_circle::GreatCircle;
use super::kinds::Kind;

// Fractions of the airborne aircraft that fly privately around a single airfield.
const LIGHT: f64 = 0.055;
const GLIDER: f64 = 0.008;
/// Minimum distance between two airports for a route, in metres.
const MIN_ROUTE_LENGTH: f64 = 180_000.0;

/// Draws aircraft, each with a unique address.
pub(super) struct Fleet {
    random: StdRng,
    /// Sorted by length, so that routes of similar length are adjacent.
    routes: Vec<Route>,
    /// Prefix sums over `routes`, starting at 0; of their departures here, of their airborne aircraft below.
    departures: Vec<f64>,
    airborne: Vec<f64>,
    /// Airfields at which small aircraft are based.
    fields: Vec<(&'static Airport, &'static Country)>,
    /// Number of addresses taken, by block.
    taken: HashMap<u32, u32>,
}

struct Route {
    from: &'static Airport,
    to: &'static Airport,
    length: f64,
    /// Departures relative to the other routes.
    weight: f64,
}

/// What the aircraft that share a place have in common, so that their flights last about equally long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Role {
    kind: Kind,
    /// Metres.
    length: f64,
}

impl Fleet {
    /// Creates a fleet; equal seeds draw equal aircraft.
    pub(super) fn new(seed: u64) -> Self {
        let mut routes = Vec::with_capacity(AIRPORTS.len() * AIRPORTS.len());
        for from in AIRPORTS {
            for to in AIRPORTS {
                let length = GreatCircle::between((from.lat, from.lon), (to.lat, to.lon)).length;
                if length > MIN_ROUTE_LENGTH {
                    // Most flights are short; a few are long-haul.
                    let km = length / 1000.0;
                    let demand = (-km / 650.0).exp() + 0.015 * (-km / 4_500.0).exp();
                    let domestic = if from.country == to.country { 1.6 } else { 1.0 };
                    routes.push(Route { from, to, length, weight: from.weight * to.weight * demand * domestic });
                }
            }
        }
        routes.sort_by(|a, b| a.length.total_cmp(&b.length));
        // A flight takes half an hour plus one hour per 800 km.
        let airborne = running_sums(routes.iter().map(|route| route.weight * (0.5 + route.length / 800_000.0)));
        let departures = running_sums(routes.iter().map(|route| route.weight));
        let fields = AIRPORTS
            .iter()
            .map(|field| (field, Country::of(field.country)))
            .filter(|(_, country)| !country.registration.is_empty())
            .collect();
        Self { random: StdRng::seed_from_u64(seed), routes, departures, airborne, fields, taken: HashMap::new() }
    }

    /// Draws the role of a place.
    pub(super) fn role(&mut self) -> Role {
        let dice: f64 = self.random.random();
        if dice < GLIDER {
            return Role { kind: Kind::Glider, length: self.random.random_range(15_000.0..80_000.0) };
        }
        if dice < GLIDER + LIGHT {
            return Role { kind: Kind::Light, length: self.random.random_range(30_000.0..260_000.0) };
        }
        let route = &self.routes[draw(&self.airborne, 0..self.routes.len(), &mut self.random)];
        Role { kind: Kind::for_distance(route.length, &mut self.random), length: route.length }
    }

    /// Draws the next aircraft for a role.
    pub(super) fn airframe(&mut self, role: Role) -> Airframe {
        let Role { kind, length } = role;
        let (way, elevations, country) = if matches!(kind, Kind::Light | Kind::Glider) {
            let length = length * self.random.random_range(0.9..1.0);
            self.around_a_field(length)
        } else {
            self.between_airports(length)
        };
        let flarm = kind == Kind::Glider;
        let country = if flarm && self.random.random_bool(0.5) { &UNKNOWN } else { country };
        let address = self.address(country);
        // If the block is full, the aircraft moves to the country whose block its address is from.
        let (country, address) = address.map_or_else(
            || (&COUNTRIES[0], self.address(&COUNTRIES[0]).unwrap_or_default()),
            |address| (country, address),
        );
        let callsigns = self.callsigns(kind, country);
        let random = &mut self.random;
        let position_source = match random.random::<f64>() {
            _ if flarm => 3,
            dice if dice < 0.04 => 2,
            dice if dice < 0.043 => 1,
            _ => 0,
        };
        Airframe {
            address,
            country,
            callsigns,
            position_source,
            category: kind.category(random),
            reports: Reports {
                on_ground: random.random_bool(0.78),
                position: flarm || random.random_bool(0.985),
                barometric_altitude: random.random_bool(0.975),
                geometric_altitude: random.random_bool(0.965),
                vertical_rate: random.random_bool(0.99),
                squawk: random.random_bool(if flarm { 0.3 } else { 0.56 }),
            },
            cadence: if random.random_bool(0.6) { 1 } else { random.random_range(2..=10) },
            salt: random.random(),
            profile: Profile::new(kind.performance(random), way.length, elevations),
            way,
            elevations,
        }
    }

    fn between_airports(&mut self, length: f64) -> (GreatCircle, (f64, f64), &'static Country) {
        let shortest = self.routes.partition_point(|route| route.length < 0.9 * length);
        let longest = self.routes.partition_point(|route| route.length <= length);
        let Route { from, to, .. } = self.routes[draw(&self.departures, shortest..longest, &mut self.random)];
        // Stands are scattered around the airport's reference point.
        let mut stand = |airport: &Airport| {
            let mut nearby = |degrees: f64| degrees + self.random.random_range(-0.008..0.008);
            (nearby(airport.lat), nearby(airport.lon))
        };
        let way = GreatCircle::between(stand(from), stand(to));
        let operator = match self.random.random::<f64>() {
            _ if from.country == to.country => from.country,
            dice if dice < 0.06 => ["IE", "GB", "HU", "MT", "US", "AE"].choose(&mut self.random).unwrap_or(&"IE"),
            dice if dice < 0.53 => from.country,
            _ => to.country,
        };
        (way, (above_sea(from), above_sea(to)), Country::of(operator))
    }

    fn around_a_field(&mut self, length: f64) -> (GreatCircle, (f64, f64), &'static Country) {
        let (field, country) = self.fields[self.random.random_range(0..self.fields.len())];
        let bearing = self.random.random_range(0.0..360.0);
        let elevation = above_sea(field);
        (GreatCircle::leaving((field.lat, field.lon), bearing, length), (elevation, elevation), country)
    }

    /// Returns an unused address from the country's block; `None` if all are taken.
    fn address(&mut self, country: &Country) -> Option<u32> {
        let taken = self.taken.entry(country.block).or_insert(0);
        *taken += 1;
        // The block size is a power of two, so an odd step visits every address; the first one stays unused.
        (*taken < country.size).then(|| country.block + taken.wrapping_mul(0x9e37) % country.size)
    }

    /// Draws callsigns for the outbound and the return flight, with the irregularities of real ones.
    fn callsigns(&mut self, kind: Kind, country: &Country) -> [Box<str>; 2] {
        let random = &mut self.random;
        let private = matches!(kind, Kind::Light | Kind::Glider | Kind::Business) && !country.registration.is_empty();
        let names = if private || country.airlines.is_empty() {
            let registration = registration(country, random);
            [registration.clone(), registration]
        } else {
            // The first airlines of a list are the busiest.
            let rank = random.random::<f64>().powi(2) * country.airlines.len() as f64;
            let airline = country.airlines.get(rank as usize).copied().unwrap_or_default();
            [flight_number(airline, random), flight_number(airline, random)]
        };
        let blank_chance = if kind == Kind::Glider { 0.3 } else { 0.018 };
        let blemish: f64 = random.random();
        names.map(|name| match blemish {
            dice if dice < blank_chance => "".into(),
            dice if dice < blank_chance + 0.004 => " ".repeat(8).into(),
            dice if dice < blank_chance + 0.008 && name.len() < 8 => format!("{:<8}", format!(" {name}")).into(),
            dice if dice < blank_chance + 0.012 && name.len() < 7 && name.len() > 4 => {
                let (head, tail) = name.split_at(name.len() - 1);
                format!("{:<8}", format!("{head} {tail}")).into()
            }
            dice if dice < blank_chance + 0.014 => "00000000".into(),
            _ => format!("{name:<8}").into(),
        })
    }
}

/// Returns the prefix sums: the sum before each value and, at the end, the total.
fn running_sums(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sums = vec![0.0];
    let mut sum = 0.0;
    sums.extend(values.map(|value| {
        sum += value;
        sum
    }));
    sums
}

/// Draws an index from a non-empty range, weighted by the values that the prefix sums were computed from.
fn draw(sums: &[f64], range: Range<usize>, random: &mut StdRng) -> usize {
    let last = range.end.max(range.start + 1) - 1;
    let (low, high) = (sums[range.start], sums[last + 1]);
    let dice = low + random.random::<f64>() * (high - low);
    (sums.partition_point(|&sum| sum <= dice).saturating_sub(1)).clamp(range.start, last)
}

/// Returns an airport's elevation in metres; elevations below sea level are raised to 0.
fn above_sea(airport: &Airport) -> f64 {
    airport.elevation.max(0.0)
}

fn letter(random: &mut StdRng) -> char {
    char::from(random.random_range(b'A'..=b'Z'))
}

fn registration(country: &Country, random: &mut StdRng) -> String {
    if country.registration == "N" {
        return format!("N{}{}{}", random.random_range(1..1000), letter(random), letter(random));
    }
    let mut text = country.registration.to_owned();
    while text.len() < 5 {
        text.push(letter(random));
    }
    text
}

fn flight_number(airline: &str, random: &mut StdRng) -> String {
    let mut text = airline.to_owned();
    let digits = random.random_range(1..=4);
    // Writing to a `String` never fails.
    let _ = write!(text, "{}", random.random_range(1..10u32.pow(digits)));
    if random.random_bool(0.35) {
        text.push(letter(random));
        if text.len() < 7 && random.random_bool(0.4) {
            text.push(letter(random));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_block_assigns_each_address_once() {
        let mut fleet = Fleet::new(1);
        let qatar = Country::of("QA");
        let addresses: HashSet<u32> = std::iter::from_fn(|| fleet.address(qatar)).collect();
        assert_eq!(addresses.len(), 1023);
        assert!(addresses.iter().all(|address| (0x06_a001..0x06_a400).contains(address)));
        assert_eq!(fleet.address(qatar), None);
    }
}
