//! An hour in which nothing breaks.

use std::time::Duration;

use crate::resources::Resources;
use crate::world::World;

/// A run of this length has warmed up by a third of it. In a shorter one caches still fill.
const LONG: Duration = Duration::from_secs(20 * 60);
/// What these may take, in KiB.
const WARMING_UP: u64 = 16 << 10;

/// The resident memory of each process over the last third of the run is that of the second one, within 5 %, and it holds
/// no more threads and files.
pub(crate) fn assert_that_nothing_has_grown(world: &mut World, length: Duration) {
    let mut lines = Vec::new();
    let allowance = if length < LONG { WARMING_UP } else { 0 };
    for node in world.nodes() {
        let (name, held) = (node.name, node.held());
        let third = held.len() / 3;
        assert!(third > 0, "{} rounds are too few to tell", held.len());
        let (before, after) = (Typical::of(&held[third..2 * third]), Typical::of(&held[2 * third..]));
        lines.push(format!(
            "{name}: {} in the second third of {} rounds, {} in the last: {:+.1} %; in tenths: {}",
            before.shown(),
            held.len(),
            after.shown(),
            (after.resident as f64 / before.resident as f64 - 1.0) * 100.0,
            tenths(held)
        ));
        assert!(after.resident <= before.resident * 105 / 100 + allowance, "it grows: {}", lines.join("; "));
        assert!(after.threads <= before.threads + 4 && after.files <= before.files + 4, "{}", lines.join("; "));
    }
    world.report.books.extend(lines);
}

/// The medians of some moments.
struct Typical {
    resident: u64,
    threads: usize,
    files: usize,
}

impl Typical {
    fn of(held: &[Resources]) -> Self {
        Self {
            resident: median(held.iter().map(|held| held.resident)),
            threads: median(held.iter().map(|held| held.threads)),
            files: median(held.iter().map(|held| held.files)),
        }
    }

    fn shown(&self) -> String {
        let mebibytes = self.resident as f64 / 1024.0;
        format!("{mebibytes:.1} MiB resident, {} threads, {} files", self.threads, self.files)
    }
}

fn median<T: Ord>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    let middle = values.len() / 2;
    values.swap_remove(middle)
}

/// The resident memory in MiB after each tenth of the run.
fn tenths(held: &[Resources]) -> String {
    let after = |tenth: usize| held[(held.len() * tenth / 10).saturating_sub(1)].resident >> 10;
    (1..=10).map(|tenth| after(tenth).to_string()).collect::<Vec<_>>().join(", ")
}
