//! Figures, and the table that reports them.

#![allow(clippy::print_stdout, reason = "the table of figures is the output")]

use std::time::Duration;

/// One row of the table.
pub struct Line {
    pub what: String,
    pub goal: String,
    pub figure: String,
    /// Whether the goal was reached; `None` without a goal.
    pub reached: Option<bool>,
}

impl Line {
    pub fn new(what: impl Into<String>, goal: impl Into<String>, figure: String, reached: bool) -> Self {
        Self { what: what.into(), goal: goal.into(), figure, reached: Some(reached) }
    }

    pub fn without_goal(what: impl Into<String>, figure: String) -> Self {
        Self { what: what.into(), goal: String::new(), figure, reached: None }
    }
}

/// Prints the table as Markdown.
pub fn print(lines: &[Line]) {
    println!("| what | goal | measured | |\n|---|---|---|---|");
    for Line { what, goal, figure, reached } in lines {
        let verdict = match reached {
            Some(true) => "reached",
            Some(false) => "**missed**",
            None => "",
        };
        println!("| {what} | {goal} | {figure} | {verdict} |");
    }
}

/// Durations in ascending order.
pub struct Sample(Vec<Duration>);

impl Sample {
    pub fn of(durations: impl IntoIterator<Item = Duration>) -> Self {
        let mut durations: Vec<_> = durations.into_iter().collect();
        durations.sort_unstable();
        Self(durations)
    }

    /// Returns the number of durations.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the smallest value that at least this fraction of the sample does not exceed (nearest rank), or
    /// `Duration::MAX` for an empty sample, which reaches no goal.
    pub fn quantile(&self, fraction: f64) -> Duration {
        let rank = (fraction * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or(Duration::MAX)
    }

    /// Formats the sample as `p50 12 ms, p99 34 ms, max 56 ms (n = 1000)`.
    pub fn summary(&self) -> String {
        if self.0.is_empty() {
            return "no samples".to_owned();
        }
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|fraction| milliseconds(self.quantile(fraction)));
        format!("p50 {p50}, p99 {p99}, max {max} (n = {})", self.count())
    }
}

pub fn milliseconds(duration: Duration) -> String {
    format!("{:.0} ms", duration.as_secs_f64() * 1000.0)
}
