//! Measures how the live stream is served: the release binary, fed through a real Kafka, compared with other servers
//! under the same clients in the same run. `README.md` in this folder explains how each figure is measured.
//!
//! ```sh
//! make bench-hub                              # everything, about half an hour
//! make bench-hub ARGS='-- --quick'            # the same with few updates, as a smoke test
//! make bench-hub ARGS='-- small stalled'      # some measurements by name
//! make bench-hub ARGS='-- --rounds 5 world'   # more rounds per server than the default of two
//! ```
#![allow(clippy::print_stdout, reason = "the figures are the program's output")]
#![allow(clippy::print_stderr, reason = "progress goes to stderr")]

mod boxes;
mod connecting;
mod group;
mod growth;
mod measurements;
mod monitor;
mod peers;
mod plot;
mod runs;
mod server;
mod updates;

use anyhow::Context;
use bench::{machine, report};
use measurements::{Bench, MEASUREMENTS};

fn main() -> anyhow::Result<()> {
    let (mut quick, mut rounds) = (false, 2);
    let mut names = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match &*argument {
            // Some of the measured servers are part of this program, which starts itself as them.
            "--peer" => return peers::serve(&arguments.next().unwrap_or_default()),
            "--quick" => quick = true,
            "--rounds" => rounds = arguments.next().and_then(|rounds| rounds.parse().ok()).context("--rounds N")?,
            // Passed by cargo.
            "--bench" => {}
            name if MEASUREMENTS.iter().any(|(known, _)| *known == name) => names.push(argument),
            other => {
                let known: Vec<_> = MEASUREMENTS.iter().map(|(name, _)| *name).collect();
                anyhow::bail!(
                    "unknown argument {other}: expected --quick, --rounds N or measurements ({})",
                    known.join(", ")
                );
            }
        }
    }
    let load_before = machine::load();
    let mut bench = Bench::new(quick, rounds)?;
    let (mut lines, mut failed) = (Vec::new(), Vec::new());
    for (name, measure) in MEASUREMENTS {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            match measure(&mut bench) {
                Ok(measured) => lines.extend(measured),
                // Keep the figures of the other measurements.
                Err(error) => failed.push(format!("{name}: {error:#}")),
            }
        }
    }
    println!("{}\n\nLoad before and after: {load_before}; {}.\n", machine::description(), machine::load());
    report::print(&lines);
    anyhow::ensure!(failed.is_empty(), "not measured:\n{}", failed.join("\n"));
    Ok(())
}
