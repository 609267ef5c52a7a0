//! `loadgen http://127.0.0.1:8081/api/v1/stream --connections 1000 --encoding gzip --seconds 30`
#![allow(clippy::print_stdout, reason = "the report is the program's output")]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use loadgen::{Encoding, Load, LoadError, Plan, Report, Slow, Target, Visit};

/// Runs thousands of readers of Server-Sent Events on this machine and reports what they received and when.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Streams to read, assigned to the connections in turn
    #[arg(required = true)]
    targets: Vec<Target>,
    #[arg(long, short = 'n', default_value_t = 1000)]
    connections: usize,
    /// Duration of the run
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// identity, gzip or zstd
    #[arg(long, default_value = "identity")]
    encoding: Encoding,
    /// Maximum number of connections waiting for their first byte
    #[arg(long, default_value_t = 200)]
    at_once: usize,
    /// One in this many connections reads slowly; 0 for none
    #[arg(long, default_value_t = 0)]
    slow_every: usize,
    /// Bytes per second of a slow reader
    #[arg(long, default_value_t = 0)]
    slow_rate: usize,
    /// Number of addresses from 127.0.0.2 to spread the connections over; 0 for one per 250 connections
    #[arg(long, default_value_t = 0)]
    source_addresses: u8,
    /// Disconnect every reader after half the time and reconnect immediately
    #[arg(long)]
    storm: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(report) if arguments.json => match serde_json::to_string_pretty(&report) {
            Ok(json) => println!("{json}"),
            Err(error) => return failed(&error),
        },
        Ok(report) => print!("{report}"),
        Err(error) => return failed(&error),
    }
    ExitCode::SUCCESS
}

#[allow(clippy::print_stderr, reason = "it is the program's last word")]
fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("loadgen: {error}");
    ExitCode::FAILURE
}

fn run(arguments: &Arguments) -> Result<Report, LoadError> {
    let slow = Slow { every: arguments.slow_every, bytes_per_second: arguments.slow_rate };
    let load = Load::start(Plan {
        targets: arguments.targets.clone(),
        connections: arguments.connections,
        encoding: arguments.encoding,
        max_connecting: arguments.at_once,
        slow,
        source_addresses: arguments.source_addresses,
    })?;
    let time = Duration::from_secs(arguments.seconds);
    if arguments.storm {
        load.wait(time / 2, |_| false);
        load.reconnect_all(true)?;
        load.wait(time / 2, |_| false);
    } else {
        load.wait(time, |_| false);
    }
    let outcome = load.finish()?;
    Ok(Report::of(&outcome, |visit: &Visit| !slow.includes(visit.reader)))
}
