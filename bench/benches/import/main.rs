//! Measures how fast a dump in OpenSky's form is imported into PostgreSQL: `flight-monitor import` as a process, with
//! the count and a checksum of the rows compared with the file.
//!
//! ```sh
//! make bench-import                          # 5 million states, as CSV and as an archive of gzipped CSV, three minutes
//! make bench-import ARGS='-- --quick'        # the same with few states, as a smoke test
//! make bench-import ARGS='-- csv --rounds 3' # some parts: csv, tar
//! ```
#![allow(clippy::print_stdout, reason = "the figures are the program's output")]
#![allow(clippy::print_stderr, reason = "progress goes to stderr")]

#[path = "../backlog/database.rs"]
#[allow(dead_code, reason = "shared with another benchmark, which needs more of it")]
mod database;
mod dump;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use bench::report::Line;
use bench::{machine, report, server};
use nix::sys::resource::{UsageWho, getrusage};

use database::Postgres;
use dump::{Checksum, Dump};

/// The parts that can be selected on the command line.
const PARTS: [&str; 2] = ["csv", "tar"];

/// Stored rows a second.
const GOAL: f64 = 150e3;

struct Plan {
    states: i64,
    rounds: usize,
    parts: Vec<String>,
}

impl Plan {
    fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut plan = Self { states: 5_000_000, rounds: 1, parts: Vec::new() };
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--quick" => plan.states = 300_000,
                "--states" => plan.states = arguments.next().context("--states N")?.parse()?,
                "--rounds" => plan.rounds = arguments.next().context("--rounds N")?.parse()?,
                // Passed by cargo.
                "--bench" => {}
                part if PARTS.contains(&part) => plan.parts.push(argument),
                other => anyhow::bail!(
                    "unknown argument {other}: expected --quick, --states N, --rounds N or {}",
                    PARTS.join(", ")
                ),
            }
        }
        Ok(plan)
    }
}

/// The CPU time of all processes that have ended, and their peak memory in KiB.
fn usage() -> anyhow::Result<(Duration, i64)> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let time = usage.user_time() + usage.system_time();
    let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
    Ok((Duration::from_micros(micros.try_into()?), usage.max_rss()))
}

fn import(file: &Path, postgres: &Postgres) -> anyhow::Result<Duration> {
    postgres.execute("TRUNCATE state_vectors_scaled, ingest_position; CHECKPOINT")?;
    let started = Instant::now();
    let status = Command::new(server::program()?)
        .arg("import")
        .arg(file)
        .env_clear()
        .env("DATABASE_URL", postgres.url.as_str())
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .status()?;
    anyhow::ensure!(status.success(), "the import ended with {status}");
    Ok(started.elapsed())
}

fn stored(postgres: &Postgres) -> anyhow::Result<Checksum> {
    let row = postgres.runtime.block_on(postgres.client.query_one(Checksum::SQL, &[]))?;
    Ok(Checksum { rows: row.try_get(0)?, keys: row.try_get(1)?, positions: row.try_get(2)?, numbers: row.try_get(3)? })
}

fn measure(part: &str, plan: &Plan, folder: &Path, postgres: &Postgres) -> anyhow::Result<Line> {
    let path = folder.join(format!("states.csv.{part}"));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let start = i64::try_from(now)? - 7_200;
    eprintln!("writing a dump of {} states …", plan.states);
    let Dump { file_rows, checksum } = match part {
        "tar" => dump::write_tar(&path, start, plan.states)?,
        _ => dump::write_csv(&path, start, plan.states)?,
    };
    let mut rates = Vec::new();
    let before = usage()?.0;
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {} of {part} …", plan.rounds);
        let took = import(&path, postgres)?;
        let found = stored(postgres)?;
        anyhow::ensure!(found == checksum, "the table has {found:?}, and the file {checksum:?}");
        rates.push(checksum.rows as f64 / took.as_secs_f64());
    }
    let (after, peak) = usage()?;
    let cpu = (after - before).as_secs_f64() / (file_rows * plan.rounds as u64) as f64;
    let length = std::fs::metadata(&path)?.len();
    std::fs::remove_file(&path)?;
    rates.sort_by(f64::total_cmp);
    let rate = rates[rates.len() / 2];
    let all: Vec<_> = rates.iter().map(|rate| format!("{:.0}", rate / 1e3)).collect();
    let figure = format!(
        "{:.0} k stored rows/s ({}), {:.0} k rows of the file/s, {:.2} µs CPU of the import a row, peak {} MiB; {} rows \
         ({} MB), {} stored, checksum equal",
        rate / 1e3,
        all.join(", "),
        rate / 1e3 * file_rows as f64 / checksum.rows as f64,
        cpu * 1e6,
        peak / 1024,
        file_rows,
        length / 1_000_000,
        checksum.rows,
    );
    let what = format!("OpenSky's dump as {part} → rows in PostgreSQL {}", postgres.version()?);
    Ok(Line::new(what, "≥ 150 k rows/s", figure, rate >= GOAL))
}

fn main() -> anyhow::Result<()> {
    let plan = Plan::parse(std::env::args().skip(1))?;
    let load_before = machine::load();
    let folder = tempfile::tempdir()?;
    let postgres = Postgres::create()?;
    let mut lines = Vec::new();
    for part in PARTS {
        if plan.parts.is_empty() || plan.parts.iter().any(|wanted| wanted == part) {
            lines.push(measure(part, &plan, folder.path(), &postgres)?);
        }
    }
    println!("{}\n\nLoad before and after: {load_before}; {}.\n", machine::description(), machine::load());
    report::print(&lines);
    Ok(())
}
