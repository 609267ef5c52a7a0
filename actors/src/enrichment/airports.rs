use std::io::Read as _;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

use crate::domain::Point;

/// The airports of the world, with a grid of cells of one by one degree over them.
#[derive(Debug)]
pub struct Airports {
    text: String,
    /// Ordered by cell.
    places: Vec<Place>,
}

/// An airport.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Airport<'a> {
    /// The ICAO code, or a code of the same kind for an airfield without one.
    pub icao: &'a str,
    /// The IATA code, which airports with scheduled flights have.
    pub iata: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// The ISO 3166 code of its country.
    pub country: &'a str,
    /// The elevation in metres.
    pub elevation: f64,
    /// The reference point.
    pub position: Point,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    cell: Cell,
    position: Point,
    /// Where the airport's line starts.
    start: u32,
}

/// The whole degrees of the south-western corner: latitude, then longitude.
type Cell = (i16, i16);

fn cell(position: Point) -> Cell {
    // 180 degrees east are the same as 180 degrees west.
    let lon = if position.lon >= 180.0 { position.lon - 360.0 } else { position.lon };
    (position.lat.floor() as i16, lon.floor() as i16)
}

/// Metres of a degree of latitude, rounded down.
const DEGREE: f64 = 111_000.0;

impl Airports {
    /// Returns the airports that are part of the program. The first call decompresses them.
    pub fn shipped() -> &'static Self {
        static SHIPPED: OnceLock<Airports> = OnceLock::new();
        SHIPPED.get_or_init(|| {
            let mut text = String::new();
            // The data cannot be damaged; a test reads all of them.
            let read = GzDecoder::new(&include_bytes!("data/airports.csv.gz")[..]).read_to_string(&mut text);
            Self::new(read.map(|_| text).unwrap_or_default())
        })
    }

    fn new(text: String) -> Self {
        let mut start = 0;
        let mut places = Vec::new();
        for line in text.split_inclusive('\n') {
            if let (Some(airport), Ok(start)) = (parse(line), u32::try_from(start)) {
                places.push(Place { cell: cell(airport.position), position: airport.position, start });
            }
            start += line.len();
        }
        places.sort_by_key(|place| place.cell);
        places.shrink_to_fit();
        Self { text, places }
    }

    /// The number of airports.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are no airports.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns the airports within a distance in metres of a point, in any order, with their distances.
    pub fn within(&self, centre: Point, radius: f64) -> impl Iterator<Item = (f64, Airport<'_>)> {
        let height = radius / DEGREE;
        let (south, north) = ((centre.lat - height).max(-90.0).floor() as i16, (centre.lat + height).floor() as i16);
        // The most distant latitude has the widest range of longitudes; around a pole it has all.
        let furthest = (centre.lat.abs() + height).min(90.0).to_radians().cos();
        let width = if furthest * 179.0 > height { height / furthest } else { 180.0 };
        let (west, east) = if width >= 179.0 {
            (-180, 179)
        } else {
            ((centre.lon - width).floor() as i16, (centre.lon + width).floor() as i16)
        };
        let rows = (south..=north).flat_map(move |lat| (west..=east).map(move |lon| (lat, lon)));
        let cells = rows.map(|(lat, lon)| (lat, (lon + 180).rem_euclid(360) - 180));
        cells.flat_map(|cell| self.in_cell(cell)).filter_map(move |place| {
            let distance = centre.distance_to(place.position);
            let line = || self.text.get(place.start as usize..)?.lines().next();
            (distance <= radius).then(|| Some((distance, parse(line()?)?)))?
        })
    }

    fn in_cell(&self, cell: Cell) -> &[Place] {
        let start = self.places.partition_point(|place| place.cell < cell);
        let length = self.places[start..].partition_point(|place| place.cell == cell);
        &self.places[start..start + length]
    }
}

/// Parses a line of the data.
fn parse(line: &str) -> Option<Airport<'_>> {
    let mut fields = line.trim_end().split(';');
    let mut next = || fields.next();
    let (icao, iata, elevation) = (next()?, next()?, next()?.parse().ok()?);
    let position = Point { lat: next()?.parse().ok()?, lon: next()?.parse().ok()? };
    let (country, name) = (next()?, next()?);
    Some(Airport { icao, iata: Some(iata).filter(|iata| !iata.is_empty()), name, country, elevation, position })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn within(lat: f64, lon: f64, radius: f64) -> Vec<&'static str> {
        let mut found: Vec<_> = Airports::shipped().within(Point { lat, lon }, radius).collect();
        found.sort_by(|one, other| one.0.total_cmp(&other.0));
        found.into_iter().map(|(_, airport)| airport.icao).collect()
    }

    #[test]
    fn every_airport_of_the_data_is_read() {
        let airports = Airports::shipped();
        assert_eq!(airports.len(), airports.text.lines().count());
        assert!(airports.len() > 28_000);
        assert!(airports.text.lines().filter_map(parse).all(|airport| {
            let Point { lat, lon } = airport.position;
            lat.abs() <= 90.0 && lon.abs() <= 180.0 && (-500.0..6_000.0).contains(&airport.elevation)
        }));
    }

    #[test]
    fn the_nearest_airport_is_found() {
        assert_eq!(within(47.46, 8.55, 5_000.0), ["LSZH"]);
        assert_eq!(within(52.3, 4.76, 3_000.0), ["EHAM"]);
        assert_eq!(within(40.64, -73.78, 3_000.0)[0], "KJFK");
        assert!(within(0.0, -30.0, 50_000.0).is_empty());
        let zurich = Airports::shipped().within(Point { lat: 47.46, lon: 8.55 }, 5_000.0).next().unwrap().1;
        assert_eq!((zurich.iata, zurich.country, zurich.elevation), (Some("ZRH"), "CH", 432.0));
    }

    #[test]
    fn the_antimeridian_and_the_poles_are_no_edges() {
        let text = "EAST;;0;10;179.99;FJ;a\nWEST;;0;10;-179.99;FJ;b\nLINE;;0;10;180;FJ;c\nPOLE;;0;89.999;120;XX;d\n\
                    SOUTH;;0;-90;0;AQ;e\n";
        let airports = Airports::new(text.to_owned());
        let within = |lat, lon, radius| {
            let mut found: Vec<_> = airports.within(Point { lat, lon }, radius).map(|(_, found)| found.icao).collect();
            found.sort_unstable();
            found
        };
        for lon in [179.995, -179.995, 180.0, -180.0] {
            assert_eq!(within(10.0, lon, 3_000.0), ["EAST", "LINE", "WEST"], "{lon}");
        }
        assert_eq!(within(89.99, -60.0, 3_000.0), ["POLE"]);
        assert_eq!(within(90.0, 0.0, 3_000.0), ["POLE"]);
        assert_eq!(within(-89.99, 90.0, 3_000.0), ["SOUTH"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn the_grid_finds_what_a_scan_finds(
            lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64, near in any::<prop::sample::Index>(),
            offset in (-0.1..0.1_f64, -0.1..0.1_f64), is_near in any::<bool>(), radius in 1.0..60_000.0_f64,
        ) {
            let airports = Airports::shipped();
            let place = airports.places[near.index(airports.len())].position;
            let (lat_near, lon_near) = (place.lat + offset.0, place.lon + offset.1);
            let close = Point { lat: lat_near.clamp(-90.0, 90.0), lon: lon_near.clamp(-180.0, 180.0) };
            let centre = if is_near { close } else { Point { lat, lon } };
            let mut found: Vec<_> = airports.within(centre, radius).map(|(_, airport)| airport.icao).collect();
            found.sort_unstable();
            let scan = airports.text.lines().filter_map(parse);
            let scan = scan.filter(|airport| centre.distance_to(airport.position) <= radius);
            let mut expected: Vec<_> = scan.map(|airport| airport.icao).collect();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
