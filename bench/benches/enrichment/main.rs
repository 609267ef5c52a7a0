//! Measures the aircraft table: how long 600,000 rows take to load, the memory they occupy, and a lookup.
//!
//! ```sh
//! make bench-enrichment                      # a generated table in the form of tar1090-db, some seconds
//! make bench-enrichment ARGS='-- FILE'       # a table of your own
//! make bench-enrichment ARGS='-- --quick'    # few rows, as a smoke test
//! ```
#![allow(clippy::print_stdout, reason = "the figures are the program's output")]

use std::hint::black_box;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use actors::domain::Icao24;
use actors::enrichment::FactBook;
use anyhow::Context;
use bench::report::{Line, Sample};
use bench::{machine, report};
use flate2::Compression;
use flate2::write::GzEncoder;
use flight_monitor::enrichment::{LoadedTable, load_table};

const ROWS: u32 = 600_000;
const ROUNDS: usize = 5;

const LOAD_GOAL: Duration = Duration::from_secs(2);
const SIZE_GOAL: usize = 40 << 20;

/// Distinct types, descriptions and owners of the generated table: about as many as tar1090-db has.
const TYPES: u32 = 2_800;
const DESCRIPTIONS: u32 = 45_000;
const OWNERS: u32 = 200_000;

/// Writes a table in the form of tar1090-db.
fn write_table(path: &Path, rows: u32) -> io::Result<()> {
    let file = std::fs::File::create(path)?;
    let mut table = BufWriter::new(GzEncoder::new(file, Compression::default()));
    for row in 0..rows {
        // Scattered over the addresses, in their order.
        let address = row * 27 + row % 7;
        // Numbers without a pattern.
        let mixed = row.wrapping_mul(0x9e37_79b1).rotate_left(15).wrapping_mul(0x85eb_ca6b);
        let (kind, model, owner) = (mixed % TYPES, mixed % DESCRIPTIONS, mixed % OWNERS);
        writeln!(
            table,
            "{address:06X};N{row:05};T{kind:03X};{:02};MANUFACTURER {} MODEL {model};{};OWNER {owner:06} AVIATION LLC",
            u32::from(mixed % 25 == 0) * 10,
            model % 300,
            1950 + mixed % 76,
        )?;
    }
    table.into_inner()?.finish()?;
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let mut rows = ROWS;
    let mut file = None;
    for argument in std::env::args().skip(1) {
        match &*argument {
            "--quick" => rows = 20_000,
            // Passed by cargo.
            "--bench" => {}
            path => file = Some(PathBuf::from(path)),
        }
    }
    let load_before = machine::load();
    let folder = tempfile::tempdir()?;
    let path = match file {
        Some(path) => path,
        None => {
            let path = folder.path().join("aircraft.csv.gz");
            write_table(&path, rows)?;
            path
        }
    };
    let mut times = Vec::new();
    let mut last = None;
    for _ in 0..ROUNDS {
        drop(last.take());
        let began = Instant::now();
        last = Some(load_table(&path)?);
        times.push(began.elapsed());
    }
    let LoadedTable { table, bad_rows, .. } = last.context("no round")?;
    let (aircraft, size) = (table.len(), table.size());
    let slowest = Sample::of(times).quantile(1.0);
    let facts = FactBook { table, version: 1 };
    let lookups = 2_000_000_u32;
    let began = Instant::now();
    for lookup in 0..lookups {
        let icao24 = Icao24::from_u32(lookup.wrapping_mul(0x9e37_79b1));
        black_box(facts.facts(icao24, Some("SWR123")));
    }
    let lookup = began.elapsed() / lookups;
    let lines = [
        Line::new(
            format!("aircraft table of {aircraft} rows: load, slowest of {ROUNDS}"),
            "≤ 2 s",
            format!("{:.2} s; {bad_rows} bad rows", slowest.as_secs_f64()),
            slowest <= LOAD_GOAL,
        ),
        Line::new(
            "the same in memory",
            "≤ 40 MiB",
            format!("{:.1} MiB", size as f64 / f64::from(1 << 20)),
            size <= SIZE_GOAL,
        ),
        Line::without_goal("all facts about an aircraft", format!("{} ns", lookup.as_nanos())),
    ];
    println!("{}\n\nLoad before and after: {load_before}; {}.\n", machine::description(), machine::load());
    report::print(&lines);
    Ok(())
}
