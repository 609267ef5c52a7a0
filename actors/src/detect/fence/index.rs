use rstar::{AABB, RTree, RTreeObject};

use super::Fence;
use super::shape::Shape;

/// Finds the fences that contain a position. A lookup in an R-tree finds the shapes nearby; only those are compared
/// exactly.
#[derive(Clone, Debug)]
pub struct FenceIndex {
    tree: RTree<Entry>,
}

/// The part of a shape's bounds within -180..=180, and what to add to a longitude there to get an unwrapped one.
#[derive(Clone, Debug)]
struct Entry {
    envelope: AABB<[f64; 2]>,
    fence: u32,
    shape: Shape,
    shift: f64,
}

impl RTreeObject for Entry {
    type Envelope = AABB<[f64; 2]>;

    fn envelope(&self) -> Self::Envelope {
        self.envelope
    }
}

impl FenceIndex {
    /// Creates an index. A fence is identified by its place in the list.
    pub fn new<'a>(fences: impl IntoIterator<Item = &'a Fence>) -> Self {
        let mut entries = Vec::new();
        for (fence, number) in fences.into_iter().zip(0_u32..) {
            for shape in &fence.shapes {
                let bounds = shape.bounds();
                for shift in [0.0, 360.0, -360.0] {
                    let (west, east) = (bounds.west - shift, bounds.east - shift);
                    if east < -180.0 || west > 180.0 {
                        continue;
                    }
                    let envelope = AABB::from_corners(
                        [west.max(-180.0), bounds.south.max(-90.0)],
                        [east.min(180.0), bounds.north.min(90.0)],
                    );
                    entries.push(Entry { envelope, fence: number, shape: shape.clone(), shift });
                }
            }
        }
        Self { tree: RTree::bulk_load(entries) }
    }

    /// Replaces `inside` by the fences that contain a position, in ascending order, each once.
    pub fn find(&self, lat: f64, lon: f64, inside: &mut Vec<u32>) {
        inside.clear();
        for entry in self.tree.locate_in_envelope_intersecting(&AABB::from_point([lon, lat])) {
            if entry.shape.contains(lat, lon + entry.shift) {
                inside.push(entry.fence);
            }
        }
        inside.sort_unstable();
        inside.dedup();
    }
}
