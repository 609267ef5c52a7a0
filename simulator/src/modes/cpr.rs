//! Compact position reporting (Annex 10, volume IV, C.2.6; Riddle, chapters 5 and 6).

use std::f64::consts::PI;

/// Number of latitude zones between the equator and a pole.
const ZONES: f64 = 15.0;
/// 2 to the number of bits of a coordinate.
const BINS: f64 = 131_072.0;

/// What a position encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Airborne,
    /// On the surface, four times as precise and ambiguous.
    Surface,
}

/// Returns the encoded latitude and longitude, 17 bits each.
pub(super) fn encode((lat, lon): (f64, f64), place: Place, odd: bool) -> (u32, u32) {
    let circle = match place {
        Place::Airborne => 360.0,
        Place::Surface => 90.0,
    };
    let odd = f64::from(u8::from(odd));
    let zone_height = circle / (4.0 * ZONES - odd);
    let y = bin(lat, zone_height);
    // The longitude zones follow from the latitude that a receiver will decode.
    let decoded_lat = zone_height * (y / BINS + (lat / zone_height).floor());
    let zone_width = circle / (longitude_zones(decoded_lat) - odd).max(1.0);
    let x = bin(lon, zone_width);
    (y as u32 & 0x1_ffff, x as u32 & 0x1_ffff)
}

/// Returns the bin of a coordinate in its zone, from 0 to `BINS` inclusive.
fn bin(degrees: f64, zone: f64) -> f64 {
    (BINS * degrees.rem_euclid(zone) / zone + 0.5).floor()
}

/// Returns the number of longitude zones at a latitude.
fn longitude_zones(lat: f64) -> f64 {
    let lat = lat.abs();
    if lat >= 87.0 {
        return if lat > 87.0 { 1.0 } else { 2.0 };
    }
    let cos = (PI / 180.0 * lat).cos();
    let zones = 2.0 * PI / (1.0 - (1.0 - (PI / (2.0 * ZONES)).cos()) / (cos * cos)).acos();
    zones.floor().min(59.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_longitude_zones_changes_at_the_published_latitudes() {
        // Annex 10, volume IV, table of NL transition latitudes.
        for (lat, zones) in [
            (0.0, 59.0),
            (10.470_471, 59.0),
            (10.470_472, 58.0),
            (52.257_202, 36.0),
            (59.954_592, 30.0),
            (59.954_593, 29.0),
            (86.535_369, 3.0),
            (86.535_370, 2.0),
            (87.0, 2.0),
            (-88.0, 1.0),
            (90.0, 1.0),
        ] {
            assert_eq!(longitude_zones(lat), zones, "{lat}");
        }
    }

    #[test]
    fn a_published_position_is_encoded_to_its_published_bits() {
        // The example pair of the Riddle: 52.2572° N, 3.9193° E, from 93000 and 51372 (even), 74158 and 50194 (odd).
        let even = encode((52.257_202, 3.919_373), Place::Airborne, false);
        assert!(even.0.abs_diff(93_000) <= 1 && even.1.abs_diff(51_372) <= 1, "{even:?}");
        let odd = encode((52.265_78, 3.938_91), Place::Airborne, true);
        assert!(odd.0.abs_diff(74_158) <= 1 && odd.1.abs_diff(50_194) <= 1, "{odd:?}");
    }
}
