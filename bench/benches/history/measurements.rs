//! The requests, and how long they take.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bench::report::{Line, Sample};
use bench::server::{self, Server};
use serde::Deserialize;

use crate::client::{Received, count};
use crate::database::{Filled, Kind};
use crate::rows::Rows;

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
/// How many seconds of traffic a replay loads before and after the moment that it opens at.
const REPLAY: (i64, i64) = (300, 60);
/// The number of rows to export, if there are as many.
const EXPORT: i64 = 10_000_000;
/// How often each query is measured, for other aircraft, places or times.
const TIMES: i64 = 20;

/// Goals for PostgreSQL with 100 million rows, in milliseconds.
mod goals {
    pub(super) const TRACK: u128 = 20;
    pub(super) const BOX: u128 = 300;
    pub(super) const REPLAY: u128 = 500;
}

/// What the answers with pages have in common.
#[derive(Deserialize)]
struct Document {
    count: i64,
    next_cursor: Option<String>,
}

/// Measures everything with the release server in the role `live`, which only reads, as far as the database allows.
pub(crate) fn measure(filled: &Filled, lines: &mut Vec<Line>) -> anyhow::Result<()> {
    let Filled { kind, rows, size, version, took, .. } = filled;
    let took = took.map_or("filled by an earlier run".to_owned(), |took| format!("filled in {took:.0?}"));
    let days = (rows.polls * rows.every) as f64 / DAY as f64;
    let what = format!(
        "{} of {} aircraft, every {} s for {days:.1} days, {version}; {took}",
        rows.count(),
        rows.aircraft,
        rows.every
    );
    let title = |what: &str| format!("{}: {what}", kind.name());
    lines.push(Line::without_goal(title("rows"), what));
    lines.push(Line::without_goal(title("bytes a row"), size.clone()));
    let server = start(filled)?;
    for (what, line) in tracks(&server, filled)?.into_iter().chain(queries(&server, filled)?) {
        lines.push(Line { what: title(&what), ..line });
    }
    let memory = server.memory()?.resident;
    for (format, accept) in [("NDJSON", "application/x-ndjson"), ("CSV", "text/csv")] {
        let line = export(&server, filled, accept, memory)?;
        lines.push(Line { what: title(&format!("export by HTTP, {format}")), ..line });
    }
    server.stop()?;
    lines.push(Line { what: title("flight-monitor export, NDJSON to /dev/null"), ..export_by_command(filled)? });
    Ok(())
}

fn start(filled: &Filled) -> anyhow::Result<Server> {
    let kafka = std::env::var("TEST_KAFKA").context("TEST_KAFKA is not set: use `make bench-history`")?;
    let settings = [("DATABASE_URL", filled.url.clone()), ("KAFKA_BOOTSTRAP_SERVERS", kafka)];
    // With SQLite, one process has both.
    let roles = if filled.kind == Kind::Sqlite { "store,live" } else { "live" };
    let server = Server::start(&["--roles", roles], &settings)?;
    let deadline = Instant::now() + Duration::from_secs(60);
    let warm_up = format!("/api/v1/history?from={}&to={}", filled.rows.start, filled.rows.start + 60);
    // Also the warm-up: from here on, everything that the first response allocates is in place.
    while let Err(error) = count(server.address, &warm_up, "application/x-ndjson") {
        ensure!(Instant::now() < deadline, "{error}: {}", server.log());
        thread::yield_now();
    }
    Ok(server)
}

/// Requests a JSON document, and returns it with the time until it was received.
fn request(server: &Server, path: &str) -> anyhow::Result<(Document, Duration)> {
    let mut body = Vec::new();
    let began = Instant::now();
    ureq::get(&format!("http://{}{path}", server.address)).call()?.into_body().into_reader().read_to_end(&mut body)?;
    let took = began.elapsed();
    Ok((serde_json::from_slice(&body)?, took))
}

/// Reads the whole track of an aircraft, page by page. Returns the number of positions, and the time of the requests.
fn track(server: &Server, aircraft: i64, from: i64, to: i64) -> anyhow::Result<(i64, Duration)> {
    let path = format!("/api/v1/flights/{}/track?from={from}&to={to}", Rows::icao24(aircraft));
    let (mut page, mut took) = request(server, &path)?;
    let mut positions = page.count;
    while let Some(cursor) = page.next_cursor {
        let (next, time) = request(server, &format!("{path}&cursor={cursor}"))?;
        positions += next.count;
        (page, took) = (next, took + time);
    }
    Ok((positions, took))
}

fn tracks(server: &Server, filled: &Filled) -> anyhow::Result<Vec<(String, Line)>> {
    let rows = filled.rows;
    let mut lines = Vec::new();
    let whole = rows.end() - rows.start;
    let spans = if whole > DAY { vec![DAY, whole] } else { vec![whole] };
    for span in spans {
        let (mut times, mut positions) = (Vec::new(), 0);
        for time in 0..TIMES {
            let aircraft = 1 + time * (rows.aircraft - 1) / TIMES;
            // Somewhere in the middle, a different day each time.
            let from = rows.start + (whole - span) * time / TIMES;
            let (found, took) = track(server, aircraft, from, from + span - 10)?;
            positions = found;
            times.push(took);
        }
        ensure!((positions - span / rows.every).abs() <= 1, "{positions} positions in {span} s");
        let what = format!("a track of {} hours, {positions} positions", span / HOUR);
        let goal = (span == DAY && filled.kind == Kind::Postgres).then_some(goals::TRACK);
        lines.push((what, timed(times, goal)));
    }
    Ok(lines)
}

fn queries(server: &Server, filled: &Filled) -> anyhow::Result<Vec<(String, Line)>> {
    let rows = filled.rows;
    let goal = |goal| (filled.kind == Kind::Postgres).then_some(goal);
    let hours = (rows.end() - rows.start) / HOUR;
    let hour = |time: i64| rows.start + time * hours / TIMES % hours * HOUR;
    let history = |query: String| count(server.address, &format!("/api/v1/history?{query}"), "application/x-ndjson");

    let mut boxes = Vec::new();
    for time in 0..TIMES {
        let (south, west, from) = (35 + time, time, hour(time));
        let (north, east, to) = (south + 10, west + 10, from + HOUR - 1);
        boxes.push(history(format!("from={from}&to={to}&bbox={south},{west},{north},{east}"))?);
    }
    let mut replays = Vec::new();
    for time in 0..TIMES {
        let at = hour(time) + HOUR / 2;
        let (from, to) = (at - REPLAY.0, at + REPLAY.1);
        replays.push(history(format!("from={from}&to={to}&alerts=true"))?);
    }
    let mut lines = vec![
        (
            format!("a box of 10 by 10 degrees over an hour, {} rows", median_lines(&boxes)),
            timed(boxes.iter().map(|received| received.took), goal(goals::BOX)),
        ),
        (
            "the opening of a replay of the whole map: first row".to_owned(),
            timed(replays.iter().map(|received| received.first), goal(goals::REPLAY)),
        ),
        (
            format!("the same: six minutes, {} rows", median_lines(&replays)),
            timed(replays.iter().map(|received| received.took), None),
        ),
    ];
    for by in ["country", "cell"] {
        let mut times = Vec::new();
        for time in 0..TIMES {
            let (hour, path) = (hour(time), format!("/api/v1/stats?by={by}"));
            let (stats, took) = request(server, &format!("{path}&from={hour}&to={hour}"))?;
            times.push(took);
            ensure!(stats.count > 0, "no traffic by {by}");
        }
        lines.push((format!("an hour's traffic by {by}"), timed(times, None)));
    }
    Ok(lines)
}

fn median_lines(received: &[Received]) -> usize {
    let mut lines: Vec<_> = received.iter().map(|received| received.lines).collect();
    lines.sort_unstable();
    lines.get(lines.len() / 2).copied().unwrap_or(0)
}

/// Describes durations; the goal, in milliseconds, is one for the median.
fn timed(times: impl IntoIterator<Item = Duration>, goal: Option<u128>) -> Line {
    let sample = Sample::of(times);
    let (median, slowest) = (sample.quantile(0.5), sample.quantile(1.0));
    let figure = format!("median {median:.1?}, slowest {slowest:.1?} (n = {})", sample.count());
    match goal {
        Some(goal) => Line::new("", format!("≤ {goal} ms"), figure, median.as_millis() <= goal),
        None => Line::without_goal("", figure),
    }
}

/// Returns the latest time of an export, so that it has about as many rows as it should.
fn export_end(rows: Rows) -> i64 {
    rows.start + (EXPORT / rows.aircraft).min(rows.polls) * rows.every - 1
}

fn export(server: &Server, filled: &Filled, accept: &str, before: u64) -> anyhow::Result<Line> {
    let path = format!("/api/v1/history?from={}&to={}", filled.rows.start - 60, export_end(filled.rows));
    let (ended, cpu) = (AtomicBool::new(false), server.cpu()?);
    let (received, highest) = thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut highest = before;
            while !ended.load(Ordering::Relaxed) {
                highest = highest.max(server.memory().map_or(0, |memory| memory.resident));
                thread::park_timeout(Duration::from_millis(100));
            }
            highest
        });
        let received = count(server.address, &path, accept);
        ended.store(true, Ordering::Relaxed);
        (received, watching.join().unwrap_or(u64::MAX))
    });
    let (received, cpu) = (received?, server.cpu()?.saturating_sub(cpu));
    let rate = received.lines as f64 / received.took.as_secs_f64() / 1e3;
    let figure = format!(
        "{rate:.0} k rows/s ({} rows, {} MB), first row after {:.0?}; the server's memory grew by {:.1} MiB from {:.1}; \
         {:.1} s of its CPU time in {:.1?}",
        received.lines,
        received.bytes / 1_000_000,
        received.first,
        highest.saturating_sub(before) as f64 / 1024.0,
        before as f64 / 1024.0,
        cpu.as_secs_f64(),
        received.took,
    );
    Ok(rate_line(filled.kind, rate, figure))
}

fn export_by_command(filled: &Filled) -> anyhow::Result<Line> {
    let began = Instant::now();
    let mut command = Command::new(server::program()?);
    command
        .args(["export", "--format", "ndjson", "--from", &(filled.rows.start - 60).to_string()])
        .args(["--to", &export_end(filled.rows).to_string(), "-"])
        .env_clear()
        .env("DATABASE_URL", &filled.url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let output = command.output()?;
    ensure!(output.status.success(), "export failed: {}", String::from_utf8_lossy(&output.stderr));
    let rows = EXPORT.min(filled.rows.count());
    let rate = rows as f64 / began.elapsed().as_secs_f64() / 1e3;
    Ok(rate_line(filled.kind, rate, format!("{rate:.0} k rows/s")))
}

fn rate_line(kind: Kind, rate: f64, figure: String) -> Line {
    match kind {
        Kind::Postgres => Line::new("", "≥ 885 k rows/s", figure, rate >= 885.0),
        Kind::Timescale => Line::new("", "≥ 400 k rows/s", figure, rate >= 400.0),
        Kind::Sqlite => Line::without_goal("", figure),
    }
}
