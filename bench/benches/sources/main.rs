//! Measures receivers as sources, with the release server, a real Kafka and a real PostgreSQL: how long a message takes
//! to a client of the stream, and what merging three sources costs compared with one.
//!
//! ```sh
//! make bench-sources                        # everything, about half an hour
//! make bench-sources ARGS='-- --quick'      # a few seconds of each, as a smoke test
//! make bench-sources ARGS='-- latency'      # one of the measurements: latency, merging
//! ```
#![allow(clippy::print_stdout, reason = "the figures are the program's output")]
#![allow(clippy::print_stderr, reason = "progress goes to stderr")]

mod door;
mod latency;
mod list_server;
mod merging;
mod relay;
mod told;

use bench::report::Line;
use bench::{machine, report};

type Measurement = fn(bool) -> anyhow::Result<Vec<Line>>;

/// All measurements by name. Their argument shortens them.
const MEASUREMENTS: [(&str, Measurement); 2] = [("latency", latency::measure), ("merging", merging::measure)];

fn main() -> anyhow::Result<()> {
    let mut quick = false;
    let mut names = Vec::new();
    for argument in std::env::args().skip(1) {
        match &*argument {
            "--quick" => quick = true,
            // Passed by cargo.
            "--bench" => {}
            name if MEASUREMENTS.iter().any(|(known, _)| *known == name) => names.push(argument),
            other => anyhow::bail!("unknown argument {other}: expected --quick, latency or merging"),
        }
    }
    let load_before = machine::load();
    let mut lines = Vec::new();
    for (name, measure) in MEASUREMENTS {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            lines.extend(measure(quick)?);
        }
    }
    println!("{}\n\nLoad before and after: {load_before}; {}.\n", machine::description(), machine::load());
    report::print(&lines);
    Ok(())
}
