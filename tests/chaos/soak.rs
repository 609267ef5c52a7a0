//! Checks that no process grows while there are no faults.

use std::time::{Duration, Instant};

use crate::node::Node;
use crate::resources::Resources;
use crate::support::{Setup, Sky, sleep};
use crate::world::World;

/// A run of at least this length has warmed up after its first third. In a shorter run, caches still fill.
const WARM_AFTER: Duration = Duration::from_secs(20 * 60);
/// How much the resident memory of a process may grow in a shorter run, in KiB.
const WARM_UP_GROWTH_KIB: u64 = 16 << 10;

/// Asserts that, for each process, the resident memory in the last third of the run is at most 5 % above that in the
/// second third, and that it holds about as many threads and files.
pub(crate) fn assert_no_growth(world: &mut World, length: Duration) {
    let lines: Vec<_> = world.nodes().map(|node| assert_flat(node, length)).collect();
    world.report.results.extend(lines);
}

/// Asserts it for one process, and returns its figures.
fn assert_flat(node: &Node, length: Duration) -> String {
    let allowance = if length < WARM_AFTER { WARM_UP_GROWTH_KIB } else { 0 };
    let (name, held) = (node.name, node.samples());
    let third = held.len() / 3;
    assert!(third > 0, "{} rounds are too few to compare", held.len());
    let (before, after) = (Typical::of(&held[third..2 * third]), Typical::of(&held[2 * third..]));
    let line = format!(
        "{name}: {} in the second third of {} rounds, {} in the last: {:+.1} %; in tenths: {}",
        before.shown(),
        held.len(),
        after.shown(),
        (after.resident as f64 / before.resident as f64 - 1.0) * 100.0,
        tenths(held)
    );
    assert!(after.resident <= before.resident * 105 / 100 + allowance, "memory grows: {line}");
    assert!(after.threads <= before.threads + 4 && after.files <= before.files + 4, "{line}");
    line
}

/// The most memory that an embedded server may allocate, in KiB. Including the text of a release build, it stays below
/// 80 MiB.
const MAX_EMBEDDED_KIB: u64 = 58 << 10;
/// How often the resources of the processes are read.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(5);

/// Runs whole servers, each in a single process and without clients, and returns their figures: one with the embedded
/// Kafka and database, one with all roles on a real Kafka and PostgreSQL. Each polls 2,000 aircraft at OpenSky's pace,
/// every 5 s.
pub(crate) fn run_single_processes(length: Duration) -> Vec<String> {
    let skies = [Sky::of(2_000), Sky::of(2_000)];
    let mut nodes = [
        Node::start("embedded", &Setup::embedded().polling_at_the_usual_pace(&skies[0]), Node::EVERY_ROLE),
        Node::start("all roles", &Setup::real().polling_at_the_usual_pace(&skies[1]), Node::EVERY_ROLE),
    ];
    for node in &nodes {
        node.app().wait_ready();
    }
    let began = Instant::now();
    while began.elapsed() < length {
        sleep(SAMPLE_INTERVAL);
        nodes.iter_mut().for_each(Node::record_resources);
    }
    let max = nodes[0].samples().iter().map(|held| held.anonymous).max().unwrap_or_default();
    assert!(max <= MAX_EMBEDDED_KIB, "the embedded server allocated {max} KiB: {}", tenths(nodes[0].samples()));
    nodes.iter().map(|node| assert_flat(node, length)).collect()
}

/// The medians of several samples.
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

/// Formats the resident memory in MiB after each tenth of the run.
fn tenths(held: &[Resources]) -> String {
    let after = |tenth: usize| held[(held.len() * tenth / 10).saturating_sub(1)].resident >> 10;
    (1..=10).map(|tenth| after(tenth).to_string()).collect::<Vec<_>>().join(", ")
}
