use geo::line_intersection::{LineIntersection, line_intersection};
use geo::orient::{Direction, Orient};
use geo::{BoundingRect, Coord, Intersects, Line, LineString, Polygon};
use rstar::{AABB, RTree, RTreeObject};

use super::InvalidFence;

/// An edge of a polygon, by the number of its ring and of its first position.
struct Edge {
    line: Line,
    ring: usize,
    number: usize,
}

impl RTreeObject for Edge {
    type Envelope = AABB<[f64; 2]>;

    fn envelope(&self) -> Self::Envelope {
        let (start, end) = (self.line.start, self.line.end);
        AABB::from_corners([start.x, start.y], [end.x, end.y])
    }
}

/// Creates a polygon of closed rings, the first of which is the exterior. Each edge takes the shorter way around the
/// globe.
pub(super) fn polygon(place: &str, rings: Vec<Vec<Coord>>) -> Result<Polygon, InvalidFence> {
    let mut unwrapped = Vec::with_capacity(rings.len());
    for (number, positions) in rings.into_iter().enumerate() {
        unwrapped.push(unwrap(&format!("{place}[{number}]"), positions, number == 0)?);
    }
    if unwrapped.is_empty() {
        return Err(InvalidFence::new(place, "a polygon needs a ring"));
    }
    let exterior = unwrapped.remove(0);
    let mut holes = Vec::with_capacity(unwrapped.len());
    let outline = Polygon::new(exterior.clone(), Vec::new());
    for (number, hole) in unwrapped.into_iter().enumerate() {
        holes.push(place_hole(&format!("{place}[{}]", number + 1), &outline, &hole)?);
    }
    let polygon = Polygon::new(exterior, holes);
    check_crossings(place, &polygon)?;
    // The containment test counts turns, so a hole must turn the other way.
    Ok(polygon.orient(Direction::Default))
}

/// Continues the longitudes of a ring beyond ±180°. A ring around a pole is closed beyond the pole.
fn unwrap(place: &str, positions: Vec<Coord>, is_exterior: bool) -> Result<LineString, InvalidFence> {
    if positions.first() != positions.last() {
        return Err(InvalidFence::new(place, "the ring is not closed: its last position must be the first one"));
    }
    let mut ring: Vec<Coord> = Vec::with_capacity(positions.len() + 3);
    let mut previous: Option<Coord> = None;
    for at in positions {
        let step = previous.map_or(0.0, |previous| shorter_way(at.x - previous.x));
        let next = Coord { x: round(ring.last().map_or(at.x, |last| last.x + step)), y: at.y };
        previous = Some(at);
        if ring.last() != Some(&next) {
            ring.push(next);
        }
    }
    let (Some(first), Some(last)) = (ring.first().copied(), ring.last().copied()) else {
        return Err(InvalidFence::new(place, "the ring has no positions"));
    };
    if (last.x - first.x).abs() > 180.0 {
        if !is_exterior {
            return Err(InvalidFence::new(place, "a hole around a pole is not supported"));
        }
        close_around_pole(&mut ring);
    }
    if ring.len() < 4 {
        return Err(InvalidFence::new(place, "the ring needs at least three different positions"));
    }
    Ok(LineString::new(ring))
}

/// Closes a ring around the globe beyond the pole of the hemisphere in which most of it lies.
fn close_around_pole(ring: &mut Vec<Coord>) {
    let mean = ring.iter().map(|at| at.y).sum::<f64>() / ring.len() as f64;
    let pole = if mean >= 0.0 { 1.0 } else { -1.0 };
    // The last position is the first one after a turn around the globe.
    let turn = ring.pop().zip(ring.first().copied()).map_or(0.0, |(last, first)| last.x - first.x);
    // From the position nearest to the pole, no edge is in the way.
    let nearest = ring.iter().enumerate().max_by(|(_, a), (_, b)| (a.y * pole).total_cmp(&(b.y * pole)));
    let start = nearest.map_or(0, |(number, _)| number);
    ring.iter_mut().take(start).for_each(|at| at.x = round(at.x + turn));
    ring.rotate_left(start);
    let Some(first) = ring.first().copied() else { return };
    // The overlap of a degree keeps the seam inside.
    let end = first.x + turn + turn.signum();
    let corners = [(first.x + turn, first.y), (end, first.y), (end, 91.0 * pole), (first.x, 91.0 * pole)];
    ring.extend(corners.map(|(x, y)| Coord { x: round(x), y }));
    ring.push(first);
}

/// Returns the difference of two longitudes by the shorter way. A whole turn remains one: it is an edge that follows a
/// parallel around the globe.
fn shorter_way(difference: f64) -> f64 {
    match difference {
        turn if turn.abs() == 360.0 => turn,
        eastward if eastward > 180.0 => eastward - 360.0,
        westward if westward < -180.0 => westward + 360.0,
        short => short,
    }
}

/// Rounds to a nanodegree, so that adding multiples of 360 does not separate equal positions.
fn round(degrees: f64) -> f64 {
    (degrees * 1e9).round() / 1e9
}

/// Moves a hole by turns around the globe until it is inside its polygon.
fn place_hole(place: &str, outline: &Polygon, hole: &LineString) -> Result<LineString, InvalidFence> {
    let bounds = outline.bounding_rect();
    for turn in [0.0, 360.0, -360.0] {
        let moved = LineString::new(hole.0.iter().map(|at| Coord { x: at.x + turn, y: at.y }).collect());
        let fits = bounds.is_some_and(|bounds| moved.0.iter().all(|at| bounds.intersects(at)));
        if fits && moved.0.iter().all(|at| outline.intersects(at)) {
            return Ok(moved);
        }
    }
    Err(InvalidFence::new(place, "the hole is not inside its polygon"))
}

/// Checks that the edges of a polygon meet only where they follow each other.
fn check_crossings(place: &str, polygon: &Polygon) -> Result<(), InvalidFence> {
    let rings: Vec<&LineString> = std::iter::once(polygon.exterior()).chain(polygon.interiors()).collect();
    let edges = rings.iter().enumerate().flat_map(|(ring, positions)| {
        positions.lines().enumerate().map(move |(number, line)| Edge { line, ring, number })
    });
    let tree = RTree::bulk_load(edges.collect());
    for edge in &tree {
        for other in tree.locate_in_envelope_intersecting(&edge.envelope()) {
            if (other.ring, other.number) <= (edge.ring, edge.number) {
                continue;
            }
            let Some(meeting) = line_intersection(edge.line, other.line) else { continue };
            let last = rings.get(edge.ring).map_or(0, |ring| ring.0.len().saturating_sub(2));
            let follow = edge.ring == other.ring
                && (other.number == edge.number + 1 || (edge.number == 0 && other.number == last));
            let at = match meeting {
                LineIntersection::SinglePoint { .. } if follow => continue,
                // A hole may touch another ring.
                LineIntersection::SinglePoint { is_proper: false, .. } if edge.ring != other.ring => continue,
                LineIntersection::SinglePoint { intersection, .. } => intersection,
                LineIntersection::Collinear { intersection } => intersection.start,
            };
            return Err(InvalidFence::new(
                format!("{place}[{}][{}]", edge.ring, edge.number),
                format!(
                    "the edge from here meets the edge from [{}][{}] at longitude {}, latitude {}",
                    other.ring, other.number, at.x, at.y
                ),
            ));
        }
    }
    Ok(())
}
