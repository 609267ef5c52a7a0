//! Measures how fast many clients that poll the whole picture get it, as those of readsb and of OpenSky do, from the
//! release server: a simulated sky in Kafka, of which every aircraft changes each second.
//!
//! ```sh
//! make bench-compat                                              # one minute, 1,000 clients of two paths
//! make bench-compat ARGS='-- --quick'                            # ten seconds
//! make bench-compat ARGS='-- --clients 100 /data/aircraft.json'  # other clients, other paths
//! make bench-compat ARGS='-- --conditional'                      # with If-None-Match, as browsers do
//! ```
#![allow(clippy::print_stdout, reason = "the figures are the program's output")]
#![allow(clippy::print_stderr, reason = "progress goes to stderr")]

mod clients;
mod connection;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::Context;
use bench::feed::{Sky, World};
use bench::report::{Line, Sample, milliseconds};
use bench::server::Server;
use bench::{machine, report};

use clients::{Measured, PathResult};

/// The goal for the 99th percentile.
const GOAL: Duration = Duration::from_millis(50);

/// The interval of the changes, and of the requests of each client.
const EVERY: Duration = Duration::from_secs(1);

/// The parsed command line.
struct Plan {
    clients: usize,
    aircraft: usize,
    length: Duration,
    /// Whether clients send the entity tag of their last response.
    is_conditional: bool,
    paths: Vec<String>,
}

impl Plan {
    fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let (length, paths) = (Duration::from_secs(60), Vec::new());
        let mut plan = Self { clients: 1_000, aircraft: 10_000, length, is_conditional: false, paths };
        while let Some(argument) = arguments.next() {
            let mut number = |name| arguments.next().context(format!("{name} N"))?.parse().context(name);
            match &*argument {
                "--quick" => plan.length = Duration::from_secs(10),
                "--clients" => plan.clients = number("--clients")?,
                "--aircraft" => plan.aircraft = number("--aircraft")?,
                "--conditional" => plan.is_conditional = true,
                // Passed by cargo.
                "--bench" => {}
                path if path.starts_with('/') => plan.paths.push(argument),
                other => anyhow::bail!(
                    "unknown argument {other}: expected --quick, --clients N, --aircraft N, --conditional, or paths"
                ),
            }
        }
        if plan.paths.is_empty() {
            plan.paths.extend(["/data/aircraft.json", "/api/states/all"].map(str::to_owned));
        }
        Ok(plan)
    }
}

fn main() -> anyhow::Result<()> {
    let plan = Plan::parse(std::env::args().skip(1))?;
    let kafka = std::env::var("TEST_KAFKA").context("TEST_KAFKA is not set: run `make bench-compat`")?;
    let load_before = machine::load();
    let topic = format!("bench-compat-{}", std::process::id());
    let world = World::start_every(EVERY, &kafka, &topic, Sky::of(plan.aircraft)?)?;
    let settings = [
        ("KAFKA_BOOTSTRAP_SERVERS", kafka),
        ("KAFKA_TOPIC_RAW", topic.clone()),
        ("KAFKA_TOPIC_DEAD_LETTER", format!("{topic}.dead-letter")),
    ];
    let server = Server::start(&["--roles", "live"], &settings)?;
    wait_for_picture(&server, plan.aircraft)?;
    let (before, cpu) = (Counters::read(&server)?, server.cpu()?);
    eprintln!("{} clients for {:?}", plan.clients, plan.length);
    let measured = clients::run(&plan, server.address)?;
    let (after, cpu) = (Counters::read(&server)?, server.cpu()?.saturating_sub(cpu));
    let mut lines: Vec<_> = measured.paths.iter().flat_map(|path| about_path(path, &measured)).collect();
    lines.push(about_encodings("renderings", after.renderings - before.renderings, &measured));
    lines.push(about_encodings("compressions", after.compressions - before.compressions, &measured));
    let cores = cpu.as_secs_f64() / measured.length.as_secs_f64();
    lines.push(Line::without_goal("CPU of the server", format!("{cores:.2} cores")));
    lines.push(Line::without_goal("its peak memory", format!("{} MiB", server.peak_memory()? >> 10)));
    server.stop()?;
    world.stop()?;
    println!("{}\n\nLoad before and after: {load_before}; {}.\n", machine::description(), machine::load());
    report::print(&lines);
    Ok(())
}

fn about_path(path: &PathResult, measured: &Measured) -> Vec<Line> {
    let sample = Sample::of(path.latencies.iter().copied());
    let reached = sample.quantile(0.99) <= GOAL;
    let what = format!("`{}`: from the time a request is due to the last byte", path.path);
    let seconds = measured.length.as_secs_f64();
    let rate = format!(
        "{:.0} responses/s, {:.0} MB/s, {} with 304, {} failed",
        sample.count() as f64 / seconds,
        path.bytes as f64 / seconds / 1e6,
        path.unchanged,
        path.failed
    );
    vec![
        Line::new(what, format!("p99 ≤ {}", milliseconds(GOAL)), sample.summary(), reached),
        Line::new(format!("`{}`: responses", path.path), "none failed", rate, path.failed == 0),
    ]
}

/// Compares how often pictures were rendered or compressed with how many different ones the clients received, and with
/// how often the picture changed, which its version in the entity tags counts. One may have been rendered before the
/// first request or after the last one.
fn about_encodings(what: &str, count: f64, measured: &Measured) -> Line {
    let received: usize = measured.paths.iter().map(|path| path.tags.len()).sum();
    let changes: u64 = measured.paths.iter().map(|path| changes(&path.tags)).sum();
    let figure = format!("{count} for {changes} changes, of which clients received {received}");
    Line::new(what, "at most one for each change of the picture", figure, count <= changes as f64)
}

/// Returns the number of versions from the first to the last of these entity tags (`W/"epoch-version-format"`), and the
/// one that may have followed.
fn changes(tags: &HashSet<String>) -> u64 {
    let versions = tags.iter().filter_map(|tag| tag.split('-').nth(1)?.parse::<u64>().ok());
    let (first, last) = versions.fold((u64::MAX, 0), |(first, last), version| (first.min(version), last.max(version)));
    last.saturating_sub(first) + 2
}

/// The server's counters, summed over all formats and content encodings.
struct Counters {
    renderings: f64,
    compressions: f64,
}

impl Counters {
    fn read(server: &Server) -> anyhow::Result<Self> {
        let text = get(server, "/metrics")?;
        let sum = |name: &str| {
            let values = text.lines().filter(|line| line.starts_with(name) && line.contains('{'));
            values.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
        };
        Ok(Self {
            renderings: sum("flight_monitor_picture_renderings_total"),
            compressions: sum("flight_monitor_picture_compressions_total"),
        })
    }
}

fn wait_for_picture(server: &Server, aircraft: usize) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(120);
    let wanted = format!("flight_monitor_aircraft {aircraft}\n");
    while !get(server, "/metrics").is_ok_and(|metrics| metrics.contains(&wanted)) {
        anyhow::ensure!(Instant::now() < deadline, "the picture is not complete; the log ends with:\n{}", server.log());
        #[expect(clippy::disallowed_methods, reason = "there is no arbiter on this thread")]
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

fn get(server: &Server, path: &str) -> anyhow::Result<String> {
    let mut answer = ureq::get(format!("http://{}{path}", server.address)).call()?;
    answer.body_mut().read_to_string().context("no text")
}
