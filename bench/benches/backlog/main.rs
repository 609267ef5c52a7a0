//! How fast a backlog in Kafka becomes rows: the release binary, alone with the role `store`, beside other ways to bring
//! the same rows into the same tables. `docs/benchmarks.md` says how each figure comes about.
//!
//! ```sh
//! make bench-backlog                                # everything, about five minutes
//! make bench-backlog ARGS='-- --quick'              # the same with few rows, to see that it works
//! make bench-backlog ARGS='-- postgres --rounds 5'  # a part of it: postgres sqlite compression
//! ```
#![allow(clippy::print_stdout, reason = "the figures are the program's output")]
#![allow(clippy::print_stderr, reason = "its progress goes beside them")]

mod compression;
mod database;
mod figures;
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

/// What can be measured on its own.
const PARTS: [&str; 3] = ["postgres", "sqlite", "compression"];

/// What the command line asks for.
struct Plan {
    rows: usize,
    rounds: usize,
    parts: Vec<String>,
}

impl Plan {
    fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut plan = Self { rows: 1_000_000, rounds: 3, parts: Vec::new() };
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--quick" => (plan.rows, plan.rounds) = (100_000, 1),
                "--rows" => plan.rows = arguments.next().context("--rows N")?.parse()?,
                "--rounds" => plan.rounds = arguments.next().context("--rounds N")?.parse()?,
                // Cargo's own.
                "--bench" => {}
                part if PARTS.contains(&part) => plan.parts.push(argument),
                other => anyhow::bail!("{other}: there are --quick, --rows N, --rounds N and {}", PARTS.join(", ")),
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
    if plan.has("postgres") || plan.has("sqlite") {
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
        }
        lines.extend(figures.lines());
    }
    if plan.has("compression") {
        lines.extend(compression::measure()?);
    }
    println!("{}\n\nLoad before and after: {load_before}; {}.\n", machine::description(), machine::load());
    report::print(&lines);
    Ok(())
}
