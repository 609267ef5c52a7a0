//! Measures how fast a backlog in Kafka is stored: the release binary with only the role `store`, compared with other
//! ways to get the same rows into the same tables. `docs/benchmarks.md` explains how each figure is measured.
//!
//! ```sh
//! make bench-backlog                                # everything, about five minutes
//! make bench-backlog ARGS='-- --quick'              # the same with few rows, as a smoke test
//! make bench-backlog ARGS='-- postgres --rounds 5'  # some parts: postgres, sqlite, compression, parquet, archive
//! make bench-backlog ARGS='-- compression --aircraft 3000'  # for a TimescaleDB of your own in BENCH_DATABASE_URL
//! ```
#![allow(clippy::print_stdout, reason = "the figures are the program's output")]
#![allow(clippy::print_stderr, reason = "progress goes to stderr")]

mod archive;
mod compression;
mod database;
mod figures;
mod parquet;
mod sky;
mod topic;
mod trial;
mod ways_in;

use std::time::Duration;

use anyhow::Context;
use bench::{machine, report};

use figures::Figures;
use sky::Sky;
use topic::Topic;

/// The parts that can be selected on the command line.
const PARTS: [&str; 5] = ["postgres", "sqlite", "compression", "parquet", "archive"];

/// The parsed command line.
struct Plan {
    rows: usize,
    rounds: usize,
    /// The number of aircraft whose rows are compressed.
    aircraft: usize,
    parts: Vec<String>,
}

impl Plan {
    fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut plan = Self { rows: 1_000_000, rounds: 3, aircraft: 1_000, parts: Vec::new() };
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--quick" => (plan.rows, plan.rounds, plan.aircraft) = (100_000, 1, 100),
                "--rows" => plan.rows = arguments.next().context("--rows N")?.parse()?,
                "--rounds" => plan.rounds = arguments.next().context("--rounds N")?.parse()?,
                "--aircraft" => plan.aircraft = arguments.next().context("--aircraft N")?.parse()?,
                // Passed by cargo.
                "--bench" => {}
                part if PARTS.contains(&part) => plan.parts.push(argument),
                other => anyhow::bail!(
                    "unknown argument {other}: expected --quick, --rows N, --rounds N, --aircraft N or {}",
                    PARTS.join(", ")
                ),
            }
        }
        Ok(plan)
    }

    fn has(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }
}

fn main() -> anyhow::Result<()> {
    let plan = Plan::parse(std::env::args().skip(1))?;
    let load_before = machine::load();
    let mut lines = Vec::new();
    if plan.has("postgres") || plan.has("sqlite") || plan.has("archive") {
        let topic = Topic::filled_by(&Sky::start(10_000, Duration::from_secs(10))?, plan.rows)?;
        let mut figures = Figures::default();
        for round in 1..=plan.rounds {
            if plan.has("postgres") {
                eprintln!("round {round} of {} on PostgreSQL …", plan.rounds);
                trial::on_postgres(&topic, &mut figures)?;
            }
            if plan.has("sqlite") {
                eprintln!("round {round} of {} on SQLite …", plan.rounds);
                trial::on_sqlite(&topic, &mut figures)?;
            }
            if plan.has("archive") {
                eprintln!("round {round} of {} into the archive …", plan.rounds);
                archive::measure(&topic, &mut figures)?;
            }
        }
        lines.extend(figures.lines());
    }
    if plan.has("compression") {
        lines.extend(compression::measure(plan.aircraft)?);
    }
    if plan.has("parquet") {
        lines.extend(parquet::measure()?);
    }
    println!("{}\n\nLoad before and after: {load_before}; {}.\n", machine::description(), machine::load());
    report::print(&lines);
    Ok(())
}
