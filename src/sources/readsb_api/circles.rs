//! Covers a bounding box with circles.

use actors::domain::units::NAUTICAL_MILE;
use actors::domain::{BoundingBox, Point};

/// A circle on the earth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Circle {
    pub(super) centre: Point,
    /// The radius in whole nautical miles.
    pub(super) radius: u32,
}

/// The maximum radius of a query, in nautical miles.
pub(super) const MAX_RADIUS: u32 = 250;

/// Circles are this much wider than needed, since servers use other radii of the earth and round positions.
const MARGIN: f64 = 1.004;

/// Nautical miles in a degree of latitude.
const MILES_PER_DEGREE: f64 = 60.0;

/// Returns circles that cover a bounding box, or `None` if it takes more than `max`.
///
/// The box is divided into rows, and each row into cells that fit into a circle. Of all numbers of rows, the one with
/// the fewest circles is taken.
pub(super) fn cover(area: BoundingBox, max: usize) -> Option<Vec<Circle>> {
    let [south, _, north, _] = area.edges();
    // A row of this height would have cells without width.
    let fewest = ((north - south) * MILES_PER_DEGREE / (2.0 * f64::from(MAX_RADIUS))).ceil().max(1.0) as usize;
    let grids = (fewest..=(2 * fewest + 2).min(max)).filter_map(|rows| grid(area, rows, max));
    grids.min_by_key(Vec::len)
}

fn grid(area: BoundingBox, rows: usize, max: usize) -> Option<Vec<Circle>> {
    let [south, west, north, east] = area.edges();
    let width = east - west + if area.crosses_antimeridian() { 360.0 } else { 0.0 };
    let edge = |row: usize| south + (north - south) * row as f64 / rows as f64;
    let mut circles = Vec::new();
    for row in 0..rows {
        let (south, north) = (edge(row), edge(row + 1));
        let cells = (1..=max - circles.len()).find_map(|cells| {
            let radius = radius_of_cell(south, north, width / cells as f64)?;
            Some((cells, radius))
        });
        let (cells, radius) = cells?;
        circles.extend((0..cells).map(|cell| {
            let lon = west + width * (cell as f64 + 0.5) / cells as f64;
            let lon = if lon > 180.0 { lon - 360.0 } else { lon };
            Circle { centre: Point { lat: f64::midpoint(south, north), lon }, radius }
        }));
    }
    Some(circles)
}

/// Returns the radius of the circle around a cell, or `None` if it would be too large.
fn radius_of_cell(south: f64, north: f64, width: f64) -> Option<u32> {
    // The distance from the centre grows with the difference of the longitudes, so the farthest positions are on the
    // edges in the west and the east. Along such an edge, it falls and rises, so they are corners.
    if width > 180.0 {
        return None;
    }
    let centre = Point { lat: f64::midpoint(south, north), lon: 0.0 };
    let corner = |lat| centre.distance_to(Point { lat, lon: width / 2.0 }) / NAUTICAL_MILE;
    let radius = (corner(south).max(corner(north)) * MARGIN).ceil();
    (radius <= f64::from(MAX_RADIUS)).then_some(radius as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn covered(area: &str, max: usize) -> Option<Vec<Circle>> {
        cover(area.parse().unwrap(), max)
    }

    #[test]
    fn a_small_box_takes_one_circle_of_its_size() {
        let circles = covered("47,8,48,9", 60).unwrap();
        assert_eq!(circles, [Circle { centre: Point { lat: 47.5, lon: 8.5 }, radius: 37 }]);
        let circles = covered("-18,179.5,-17,-179.5", 60).unwrap();
        assert_eq!(circles, [Circle { centre: Point { lat: -17.5, lon: 180.0 }, radius: 42 }]);
    }

    #[test]
    fn countries_take_a_few_circles_and_the_world_too_many() {
        for (area, count) in [("45.8,5.9,47.9,10.6", 1), ("47.2,5.8,55.1,15.1", 2), ("41.3,-5.2,51.1,9.6", 4)] {
            assert_eq!(covered(area, 60).unwrap().len(), count, "{area}");
        }
        assert_eq!(covered("-90,-180,90,180", 60), None);
        assert_eq!(covered("41.3,-5.2,51.1,9.6", 3), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

        #[test]
        fn every_position_of_the_box_is_in_a_circle(
            lat in (-90.0..=90.0, 0.01..25.0), lon in (-180.0..=180.0, 0.01..60.0),
            places in prop::collection::vec((0.0..=1.0, 0.0..=1.0), 20),
        ) {
            let east = lon.0 + lon.1;
            let east = if east > 180.0 { east - 360.0 } else { east };
            let Ok(area) = BoundingBox::new(lat.0, lon.0, f64::min(lat.0 + lat.1, 90.0), east) else { return Ok(()) };
            let Some(circles) = cover(area, 400) else {
                return Err(TestCaseError::fail(format!("{area} takes more than 400 circles")));
            };
            prop_assert!(circles.iter().all(|circle| circle.radius <= MAX_RADIUS && circle.centre.lon.abs() <= 180.0));
            let [south, _, north, _] = area.edges();
            let corners = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)];
            for (up, right) in places.into_iter().chain(corners) {
                let position = Point { lat: south + (north - south) * up, lon: lon.0 + lon.1 * right };
                let distance = |circle: &Circle| circle.centre.distance_to(position) / NAUTICAL_MILE;
                prop_assert!(
                    circles.iter().any(|circle| distance(circle) <= f64::from(circle.radius)),
                    "{:?} of {} is not covered", position, area
                );
            }
        }
    }
}
