//! Measures the size of a row in a Parquet file, and how fast files are written.

use std::time::{Duration, Instant};

use actors::domain::FIELDS;
use flight_monitor::files::parquet::{NumberType, RowBuffer, write_file};

use crate::sky::Sky;
use bench::report::Line;

/// As many as over Switzerland and its neighbours at noon. What matters is the number of rows per aircraft.
const AIRCRAFT: usize = 3_000;

/// The minimum rate at which files are written, sorting included, on one core.
const ROWS_PER_SECOND: f64 = 300_000.0;

/// Measures one hour in one file, polled as often as OpenSky has new data, with and without an account.
pub(crate) fn measure() -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for every in [Duration::from_secs(5), Duration::from_secs(10)] {
        lines.extend(measure_hour(every)?);
    }
    Ok(lines)
}

fn measure_hour(every: Duration) -> anyhow::Result<Vec<Line>> {
    let mut buffer = RowBuffer::new(FIELDS);
    let mut buffering = Duration::ZERO;
    let polls = 3600 / every.as_secs();
    for states in Sky::start(AIRCRAFT, every)?.polls().take(usize::try_from(polls)?) {
        let states = states?;
        let start = Instant::now();
        states.iter().for_each(|state| buffer.push(&state.borrowed()));
        buffering += start.elapsed();
    }
    let mut lines = Vec::new();
    for (numbers, name, goal) in [(NumberType::Decimal, "decimals", 8.0), (NumberType::Double, "doubles", 14.0)] {
        let start = Instant::now();
        let file = write_file(&buffer, numbers, Vec::new())?;
        let duration = buffering + start.elapsed();
        let rows = buffer.len() as f64;
        let (bytes, rate, memory) =
            (file.len() as f64 / rows, rows / duration.as_secs_f64(), buffer.bytes() as f64 / rows);
        let what = format!("bytes a row in Parquet with {name}, polled every {} s", every.as_secs());
        let figure = format!("{bytes:.1} B ({rows} rows of {AIRCRAFT} aircraft, one hour; {memory:.0} B in memory)");
        lines.push(Line::new(what, format!("≤ {goal:.0} B"), figure, bytes <= goal));
        let what = format!("rows a second into that file, with {name}");
        let figure = format!("{:.0} k", rate / 1_000.0);
        lines.push(Line::new(what, format!("≥ {:.0} k", ROWS_PER_SECOND / 1_000.0), figure, rate >= ROWS_PER_SECOND));
    }
    Ok(lines)
}
