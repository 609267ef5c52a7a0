//! Measures how fast history is read, by what a browser or a script requests from the release server: tracks, boxes,
//! the opening of a replay, exports. `docs/benchmarks.md` explains each figure.
//!
//! ```sh
//! make bench-history                                          # all three databases
//! make bench-history ARGS='-- --quick'                        # the same with few rows
//! make bench-history ARGS='-- postgres --rows 20000000'       # one: postgres, timescale, sqlite
//! ```
#![allow(clippy::print_stdout, reason = "the figures are the program's output")]
#![allow(clippy::print_stderr, reason = "progress goes to stderr")]

mod client;
mod database;
mod measurements;
mod rows;

use anyhow::Context;
use bench::{machine, report};

use database::Kind;
use rows::Rows;

/// The parsed command line.
struct Plan {
    quick: bool,
    /// The number of rows, instead of each database's own.
    rows: Option<i64>,
    /// The number of hours that the rows are spread over, instead of each database's own.
    hours: Option<i64>,
    databases: Vec<Kind>,
}

impl Plan {
    fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut plan = Self { quick: false, rows: None, hours: None, databases: Vec::new() };
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--quick" => plan.quick = true,
                "--rows" => plan.rows = Some(arguments.next().context("--rows N")?.parse()?),
                "--hours" => plan.hours = Some(arguments.next().context("--hours N")?.parse()?),
                // Passed by cargo.
                "--bench" => {}
                other => {
                    let kind = Kind::ALL.into_iter().find(|kind| kind.argument() == other);
                    plan.databases.push(kind.with_context(|| {
                        format!(
                            "unknown argument {other}: expected --quick, --rows N, --hours N, {}",
                            Kind::arguments()
                        )
                    })?);
                }
            }
        }
        if plan.databases.is_empty() {
            plan.databases.extend(Kind::ALL);
        }
        Ok(plan)
    }

    fn rows(&self, kind: Kind) -> Rows {
        let (rows, hours, every) = kind.size();
        let rows = if self.quick { rows / 50 } else { rows };
        Rows::new(self.rows.unwrap_or(rows), self.hours.unwrap_or(hours), every)
    }
}

fn main() -> anyhow::Result<()> {
    let plan = Plan::parse(std::env::args().skip(1))?;
    let load_before = machine::load();
    let mut lines = Vec::new();
    for &kind in &plan.databases {
        let filled = database::fill(kind, plan.rows(kind))?;
        measurements::measure(&filled, &mut lines).with_context(|| format!("on {}", kind.name()))?;
    }
    println!("{}\n\nLoad before and after: {load_before}; {}.\n", machine::description(), machine::load());
    report::print(&lines);
    Ok(())
}
