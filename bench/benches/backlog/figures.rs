//! The figures of all rounds.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use crate::trial::Stored;
use bench::report::Line;

/// A way to get rows into a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// The server, with every row new.
    Backlog,
    /// The server, with every row already stored.
    Duplicates,
    /// Plain COPY.
    Copy,
    /// INSERT of 100 rows per statement, each in its own transaction.
    Insert,
    /// The server, with SQLite.
    Sqlite,
    /// The server, with Parquet files.
    Archive,
}

/// Rows per second for each way and round, and further figures for those that use the server.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// The database server's version.
    pub(crate) server: Option<String>,
    rates: BTreeMap<Way, Vec<f64>>,
    stored: BTreeMap<Way, Vec<Stored>>,
}

impl Figures {
    pub(crate) fn add(&mut self, way: Way, stored: Stored) {
        eprintln!("  {way:?}: {stored:?}");
        self.rates.entry(way).or_default().push(stored.messages as f64 / stored.elapsed.as_secs_f64());
        self.stored.entry(way).or_default().push(stored);
    }

    pub(crate) fn add_other(&mut self, way: Way, rows: usize, elapsed: Duration) {
        eprintln!("  {way:?}: {rows} rows in {elapsed:?}");
        self.rates.entry(way).or_default().push(rows as f64 / elapsed.as_secs_f64());
    }

    /// Returns the report lines for what was measured.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(server) = &self.server {
            lines.push(Line::without_goal("database server", server.clone()));
        }
        let what = "Kafka backlog → rows in PostgreSQL";
        lines.extend(self.rate(Way::Backlog, what, Some(100_000.0)));
        lines.extend(self.rate(Way::Copy, "raw COPY BINARY of the same rows, sorted and encoded beforehand", None));
        lines.extend(self.rate(Way::Insert, "INSERT of 100 rows, each a transaction", None));
        lines.extend(self.rate(Way::Duplicates, "backlog again, every row a duplicate", None));
        lines.extend(self.ratio("the backlog against raw COPY", Way::Backlog, Way::Copy, 0.7));
        lines.extend(self.ratio("the backlog against INSERT of 100 rows", Way::Backlog, Way::Insert, 3.0));
        lines.extend(self.ratio("duplicates against raw COPY", Way::Duplicates, Way::Copy, 0.3));
        lines.extend(self.cost(Way::Backlog, "the backlog", 150.0));
        lines.extend(self.cost(Way::Duplicates, "duplicates", 150.0));
        lines.extend(self.rate(Way::Sqlite, "Kafka backlog → rows in SQLite", Some(100_000.0)));
        lines.extend(self.cost(Way::Sqlite, "SQLite", 150.0));
        lines.extend(self.rate(Way::Archive, "Kafka backlog → Parquet files of the archive, on disk", Some(300_000.0)));
        lines.extend(self.cost(Way::Archive, "the archive", 200.0));
        lines
    }

    fn rate(&self, way: Way, what: &str, goal: Option<f64>) -> Option<Line> {
        let rates = self.rates.get(&way)?;
        let each: Vec<_> = rates.iter().map(|rate| format!("{:.0}", rate / 1e3)).collect();
        let figure = format!("{:.0} k rows/s (rounds: {})", median(rates) / 1e3, each.join(", "));
        Some(match goal {
            Some(goal) => Line::new(what, format!("≥ {:.0} k rows/s", goal / 1e3), figure, median(rates) >= goal),
            None => Line::without_goal(what, figure),
        })
    }

    /// Computes the median of the ratios within each round, since other load on the machine slows down both sides of a
    /// round.
    fn ratio(&self, what: &str, way: Way, other: Way, goal: f64) -> Option<Line> {
        let ratios: Vec<_> =
            self.rates.get(&way)?.iter().zip(self.rates.get(&other)?).map(|(one, other)| one / other).collect();
        let each: Vec<_> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
        let figure = format!("{:.2} × (rounds: {})", median(&ratios), each.join(", "));
        Some(Line::new(what, format!("≥ {goal} ×"), figure, median(&ratios) >= goal))
    }

    fn cost(&self, way: Way, what: &str, limit: f64) -> Option<Line> {
        let stored = self.stored.get(&way)?;
        let of = |value: fn(&Stored) -> f64| median(&stored.iter().map(value).collect::<Vec<_>>());
        let peak = stored.iter().map(|stored| stored.peak).max()? as f64 / 1024.0;
        let figure = format!(
            "{:.2} s of CPU a million rows; memory at most {peak:.0} MiB, {:.0} MiB halfway; {:.1} s from the start of the process",
            of(|stored| stored.cpu.as_secs_f64() * 1e6 / stored.messages as f64),
            of(|stored| stored.halfway as f64 / 1024.0),
            of(|stored| stored.since_start.as_secs_f64()),
        );
        Some(Line::new(format!("the server: {what}"), format!("≤ {limit:.0} MiB"), figure, peak <= limit))
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Blocks the current thread, which must not run an async runtime.
pub(crate) fn pause(duration: Duration) {
    #[expect(clippy::disallowed_methods, reason = "there is no arbiter on this thread")]
    thread::sleep(duration);
}
