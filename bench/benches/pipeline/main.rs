//! Measures the server end to end: the release binary, fed by a simulated OpenSky, with real Kafka and PostgreSQL and
//! clients of its stream. `docs/benchmarks.md` explains how each figure is measured.
//!
//! ```sh
//! make bench                                  # everything, about twelve minutes
//! make bench ARGS='-- --quick'                # the same with few polls, as a smoke test
//! make bench ARGS='-- latency completeness'   # some measurements by name
//! ```
#![allow(clippy::print_stdout, reason = "the figures are the program's output")]
#![allow(clippy::print_stderr, reason = "progress goes to stderr")]

mod measurements;
mod row_watch;
mod source;
mod trial;

use bench::{machine, report};
use measurements::{Bench, MEASUREMENTS};

fn main() -> anyhow::Result<()> {
    let mut quick = false;
    let mut names = Vec::new();
    for argument in std::env::args().skip(1) {
        match &*argument {
            "--quick" => quick = true,
            // Passed by cargo.
            "--bench" => {}
            name if MEASUREMENTS.iter().any(|(known, _)| *known == name) => names.push(argument),
            other => {
                let known: Vec<_> = MEASUREMENTS.iter().map(|(name, _)| *name).collect();
                anyhow::bail!("unknown argument {other}: expected --quick or measurements ({})", known.join(", "));
            }
        }
    }
    let load_before = machine::load();
    let mut bench = Bench::new(quick);
    let mut lines = Vec::new();
    for (name, measure) in MEASUREMENTS {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            lines.extend(measure(&mut bench)?);
        }
    }
    println!("{}\n\nLoad before and after: {load_before}; {}.\n", machine::description(), machine::load());
    report::print(&lines);
    Ok(())
}
