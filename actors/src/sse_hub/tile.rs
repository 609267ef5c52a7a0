use std::collections::HashSet;
use std::fmt;

use crate::domain::{BoundingBox, Icao24, StateVector};
use crate::messages::Scope;

/// A part of the picture whose changes are encoded once for all clients that watch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tile {
    /// All aircraft, including those without a position.
    World,
    /// The aircraft with a position in one square of a grid.
    Square {
        /// The width and height in degrees, one of [`Tile::SIZES`].
        size: i16,
        /// The southern edge in degrees.
        lat: i16,
        /// The western edge in degrees.
        lon: i16,
    },
    /// One aircraft, with or without a position.
    Aircraft(Icao24),
}

impl Tile {
    /// The widths and heights of the grids' squares in degrees, finest grid first.
    pub const SIZES: [i16; 3] = [5, 15, 45];

    /// The maximum number of squares per client. A larger box is covered by a coarser grid, or by the whole world.
    const MAX_SQUARES: usize = 24;

    /// Returns the square of a grid that contains a position. The poles and the antimeridian belong to the last row and
    /// column.
    fn square(size: i16, lat: f64, lon: f64) -> Self {
        Self::Square { size, lat: edge(size, lat, 90), lon: edge(size, lon, 180) }
    }

    /// Returns the tiles that cover a scope. They may contain more than the scope, so clients filter.
    pub fn of_scope(scope: &Scope) -> Vec<Self> {
        if !scope.icao24.is_empty() {
            let mut addresses: Vec<_> = scope.icao24.iter().copied().collect();
            addresses.sort_unstable();
            return addresses.into_iter().map(Self::Aircraft).collect();
        }
        let Some(bounding_box) = &scope.bounding_box else { return vec![Self::World] };
        Self::SIZES
            .into_iter()
            .map(|size| squares(size, bounding_box))
            .find(|squares| squares.len() <= Self::MAX_SQUARES)
            .unwrap_or_else(|| vec![Self::World])
    }

    /// Returns whether the tile contains a state.
    pub fn contains(self, state: &StateVector) -> bool {
        match (self, state.lat, state.lon) {
            (Self::World, ..) => true,
            (Self::Aircraft(icao24), ..) => icao24 == state.icao24,
            (Self::Square { size, .. }, Some(lat), Some(lon)) => self == Self::square(size, lat, lon),
            (Self::Square { .. }, ..) => false,
        }
    }

    /// Returns all tiles that contain a state.
    pub(super) fn of_state(state: &StateVector) -> impl Iterator<Item = Self> {
        let squares = state.lat.zip(state.lon).map(|(lat, lon)| Self::SIZES.map(|size| Self::square(size, lat, lon)));
        [Self::World, Self::Aircraft(state.icao24)].into_iter().chain(squares.into_iter().flatten())
    }
}

/// Returns the southern or western edge of the square that contains a coordinate between −`limit` and `limit`.
fn edge(size: i16, degrees: f64, limit: i16) -> i16 {
    let index = ((degrees + f64::from(limit)) / f64::from(size)).floor();
    // The cast saturates, and the clamp keeps the limit itself in the last square.
    (index as i16).clamp(0, 2 * limit / size - 1) * size - limit
}

fn squares(size: i16, bounding_box: &BoundingBox) -> Vec<Tile> {
    let [lamin, lomin, lamax, lomax] = bounding_box.edges();
    let step = usize::from(size.unsigned_abs());
    let (west, east) = (edge(size, lomin, 180), edge(size, lomax, 180));
    let columns: Vec<_> = if bounding_box.crosses_antimeridian() {
        let unique: HashSet<i16> = (west..180).step_by(step).chain((-180..=east).step_by(step)).collect();
        let mut columns: Vec<_> = unique.into_iter().collect();
        columns.sort_unstable();
        columns
    } else {
        (west..=east).step_by(step).collect()
    };
    (edge(size, lamin, 90)..=edge(size, lamax, 90))
        .step_by(step)
        .flat_map(|lat| columns.iter().map(move |&lon| Tile::Square { size, lat, lon }))
        .collect()
}

/// Formats the tile's name on the stream: `world`, `5:45:10` (size, southern and western edge) or `4b1814`.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::World => f.write_str("world"),
            Self::Square { size, lat, lon } => write!(f, "{size}:{lat}:{lon}"),
            Self::Aircraft(icao24) => icao24.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_support::state;

    fn names(bounding_box: &str) -> String {
        let scope = Scope { bounding_box: Some(bounding_box.parse().unwrap()), ..Scope::default() };
        Tile::of_scope(&scope).iter().map(Tile::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_box_is_covered_by_the_finest_grid_that_needs_few_squares() {
        assert_eq!(names("45.8,5.9,47.9,10.6"), "5:45:5 5:45:10");
        assert_eq!(names("-1,-1,1,1"), "5:-5:-5 5:-5:0 5:0:-5 5:0:0");
        assert_eq!(names("89,179,90,180"), "5:85:175");
        assert_eq!(names("-90,-180,-89,-179"), "5:-90:-180");
        assert!(names("35,-25,72,45").starts_with("15:30:-30 15:30:-15"));
        assert!(names("0,-180,90,0").starts_with("45:0:-180"));
        assert_eq!(names("-90,-180,90,180"), "world");
        assert_eq!(Tile::of_scope(&Scope::default()), [Tile::World]);
    }

    #[test]
    fn a_box_across_the_antimeridian_has_tiles_on_both_sides() {
        assert_eq!(names("-19,177,-16,-178"), "5:-20:-180 5:-20:175");
        // Almost all the way around the globe: no tile occurs twice.
        assert_eq!(names("1,3,2,2").split(' ').count(), 24);
    }

    fn degrees(limit: f64) -> impl Strategy<Value = f64> {
        let edge = (-36_i32..=36).prop_map(move |n| (f64::from(n) * 5.0).clamp(-limit, limit));
        prop_oneof![3 => -limit..=limit, 1 => edge]
    }

    proptest! {
        #[test]
        fn a_state_in_a_box_is_in_exactly_one_of_its_tiles(
            (south, north) in (degrees(90.0), degrees(90.0)), (west, east) in (degrees(180.0), degrees(180.0)),
            (lat, lon) in (degrees(90.0), degrees(180.0)),
        ) {
            let Ok(bounding_box) = BoundingBox::new(south.min(north), west, south.max(north), east) else {
                return Ok(());
            };
            let tiles = Tile::of_scope(&Scope { bounding_box: Some(bounding_box), ..Scope::default() });
            let state = StateVector { lat: Some(lat), lon: Some(lon), ..state("aaaaaa", 1) };
            let holding = tiles.iter().filter(|tile| tile.contains(&state)).count();
            prop_assert!(holding <= 1 && tiles.len() <= 24);
            prop_assert!(holding == 1 || !bounding_box.contains(lat, lon), "{tiles:?}");
            let of_state: Vec<_> = Tile::of_state(&state).collect();
            prop_assert!(tiles.iter().all(|tile| tile.contains(&state) == of_state.contains(tile)));
        }
    }
}
