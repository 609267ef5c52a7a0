use std::f64::consts::{FRAC_PI_2, PI};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use geo::indexed::IntervalTreeMultiPolygon;
use geo::{BoundingRect, Contains, MultiPolygon, Point, Polygon};
use thiserror::Error;

/// The mean radius of the Earth (IUGG), in metres.
const EARTH_RADIUS: f64 = 6_371_008.8;

/// An angle in degrees that is shorter than any distance that matters.
const NUDGE: f64 = 1e-9;

/// An area on the globe: the union of its shapes.
#[derive(Clone, Debug, Default)]
pub struct Fence {
    pub(super) shapes: Vec<Shape>,
    /// Identifies the area.
    digest: u64,
}

/// Why a fence is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{reason}", self.prefix())]
pub struct InvalidFence {
    /// Where the fault is, such as `features[2].geometry.coordinates[0][5]`; empty if it is the whole fence.
    pub place: String,
    /// What is wrong there.
    pub reason: String,
}

impl InvalidFence {
    pub(super) fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into() }
    }

    fn prefix(&self) -> String {
        if self.place.is_empty() { String::new() } else { format!("{}: ", self.place) }
    }
}

#[derive(Clone)]
pub(super) enum Shape {
    /// Between two meridians and two parallels. `east` is at least `west`, and may exceed 180.
    Rectangle { west: f64, south: f64, east: f64, north: f64 },
    /// Within a distance of a centre, on the sphere.
    Circle { lat: f64, lon: f64, angle: f64 },
    /// A polygon with holes, in unwrapped longitudes. Its edges are straight lines in longitude and latitude.
    Area { bounds: Bounds, indexed: Arc<IntervalTreeMultiPolygon<f64>> },
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shape").field(&self.bounds()).finish()
    }
}

/// A rectangle in unwrapped longitudes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) west: f64,
    pub(super) south: f64,
    pub(super) east: f64,
    pub(super) north: f64,
}

impl Fence {
    /// Creates a fence between two parallels and two meridians. It crosses the antimeridian if `west` exceeds `east`.
    ///
    /// # Errors
    /// Fails for numbers that are not degrees, and if `south` is not below `north` or `west` equals `east`.
    pub fn rectangle(west: f64, south: f64, east: f64, north: f64) -> Result<Self, InvalidFence> {
        for (place, lat) in [("south", south), ("north", north)] {
            check_degrees(place, "latitude", lat, 90.0)?;
        }
        for (place, lon) in [("west", west), ("east", east)] {
            check_degrees(place, "longitude", lon, 180.0)?;
        }
        if south >= north {
            return Err(InvalidFence::new("", format!("south ({south}) must be below north ({north})")));
        }
        if west == east {
            return Err(InvalidFence::new("", format!("west and east are both {west}")));
        }
        let east = if east < west { east + 360.0 } else { east };
        let digest = digest([west, south, east, north]);
        Ok(Self { shapes: vec![Shape::Rectangle { west, south, east, north }], digest })
    }

    /// Creates a fence of all positions within a distance of a centre. The radius is in metres.
    ///
    /// # Errors
    /// Fails for a centre that is not on the globe, and a radius that is not between 1 m and 20,000 km.
    pub fn circle(lat: f64, lon: f64, radius: f64) -> Result<Self, InvalidFence> {
        check_degrees("center[0]", "latitude", lat, 90.0)?;
        check_degrees("center[1]", "longitude", lon, 180.0)?;
        if !(1.0..=20_000_000.0).contains(&radius) {
            return Err(InvalidFence::new("radius", "must be between 1 m and 20000 km"));
        }
        let shapes = vec![Shape::Circle { lat, lon, angle: radius / EARTH_RADIUS }];
        Ok(Self { shapes, digest: digest([lat, lon, radius]) })
    }

    /// Creates a fence of polygons in unwrapped longitudes.
    pub(super) fn polygons(polygons: Vec<Polygon>) -> Self {
        // What is no number separates rings and polygons.
        let numbers = polygons.iter().flat_map(|polygon| {
            let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
            let corners =
                rings.flat_map(|ring| ring.coords().flat_map(|corner| [corner.x, corner.y]).chain([f64::NAN]));
            corners.chain([f64::INFINITY])
        });
        let digest = digest(numbers);
        let shapes = polygons.into_iter().filter_map(|polygon| {
            let rectangle = polygon.bounding_rect()?;
            let (min, max) = (rectangle.min(), rectangle.max());
            let bounds = Bounds { west: min.x, south: min.y, east: max.x, north: max.y };
            let indexed = Arc::new(IntervalTreeMultiPolygon::new(&MultiPolygon::new(vec![polygon])));
            Some(Shape::Area { bounds, indexed })
        });
        Self { shapes: shapes.collect(), digest }
    }

    /// Identifies the area: fences with the same digest are the same.
    pub(in crate::detect) fn digest(&self) -> u64 {
        self.digest
    }

    /// Whether a position is inside. The longitude is in -180..=180.
    pub fn contains(&self, lat: f64, lon: f64) -> bool {
        let inside = |shape: &Shape| [0.0, 360.0, -360.0].into_iter().any(|shift| shape.contains(lat, lon + shift));
        self.shapes.iter().any(inside)
    }
}

impl Shape {
    pub(super) fn bounds(&self) -> Bounds {
        match *self {
            Self::Rectangle { west, south, east, north } => Bounds { west, south, east, north },
            Self::Area { bounds, .. } => bounds,
            Self::Circle { lat, lon, angle } => {
                let (south, north) = (lat - angle.to_degrees(), lat + angle.to_degrees());
                if south <= -90.0 || north >= 90.0 {
                    return Bounds { west: -180.0, south: south.max(-90.0), east: 180.0, north: north.min(90.0) };
                }
                // The meridians that touch the circle are wider apart than those through its easternmost points at the
                // latitude of the centre.
                let half = (angle.min(FRAC_PI_2).sin() / lat.to_radians().cos()).min(1.0).asin().to_degrees() + 1e-9;
                Bounds { west: lon - half, south: south - 1e-9, east: lon + half, north: north + 1e-9 }
            }
        }
    }

    /// Whether a position is inside. The longitude is unwrapped.
    pub(super) fn contains(&self, lat: f64, lon: f64) -> bool {
        match self {
            Self::Rectangle { west, south, east, north } => {
                (*south..=*north).contains(&lat) && (*west..=*east).contains(&lon)
            }
            Self::Circle { lat: center_lat, lon: center_lon, angle } => {
                distance((*center_lat, *center_lon), (lat, lon)) <= *angle
            }
            Self::Area { indexed, .. } => {
                let lat = lat.clamp(NUDGE - 90.0, 90.0 - NUDGE);
                let contains = |lon| indexed.contains(&Point::new(lon, lat));
                // The antimeridian is no boundary, even for polygons that were cut there.
                let is_cut = lon.abs() == 180.0 || lon.abs() == 540.0;
                contains(lon) || (is_cut && (contains(lon - NUDGE) || contains(lon + NUDGE)))
            }
        }
    }
}

fn digest(numbers: impl IntoIterator<Item = f64>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for number in numbers {
        number.to_bits().hash(&mut hasher);
    }
    hasher.finish()
}

/// Returns the angle between two positions as seen from the centre of the Earth, by the haversine formula.
fn distance((lat, lon): (f64, f64), (other_lat, other_lon): (f64, f64)) -> f64 {
    let (by_lat, by_lon) = ((other_lat - lat).to_radians() / 2.0, (other_lon - lon).to_radians() / 2.0);
    let cosines = lat.to_radians().cos() * other_lat.to_radians().cos();
    let haversine = by_lat.sin().powi(2) + cosines * by_lon.sin().powi(2);
    (2.0 * haversine.clamp(0.0, 1.0).sqrt().asin()).min(PI)
}

pub(super) fn check_degrees(place: &str, what: &str, degrees: f64, limit: f64) -> Result<(), InvalidFence> {
    if degrees.is_finite() && degrees.abs() <= limit {
        return Ok(());
    }
    Err(InvalidFence::new(place, format!("{what} {degrees} is out of range (-{limit}..={limit})")))
}
