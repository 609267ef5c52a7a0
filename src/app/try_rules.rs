use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use actors::domain::UnixTime;
use actors::enrichment::SharedFacts;
use anyhow::{Context, bail};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde::Serialize;

use super::pipeline::open_storage_read_only;
use super::shutdown::Signals;
use crate::cli::{ExitStatus, TestRulesArgs};
use crate::config::Settings;
use crate::enrichment::load_table;
use crate::rules::{RuleSources, RuleSummary, Trial};
use crate::storage::{HistoryQuery, HistoryReader};

/// The result in JSON.
#[derive(Serialize)]
struct TrialResult {
    from: UnixTime,
    to: UnixTime,
    /// The number of states that were read, those before `from` included.
    states: u64,
    rules: Vec<RuleSummary>,
}

/// Applies rules to the history, and writes the alerts or a summary to standard output.
pub(super) async fn run(args: &TestRulesArgs, settings: &Settings) -> anyhow::Result<ExitStatus> {
    let sources = if args.rules.is_empty() {
        settings.rule_sources()
    } else {
        RuleSources { files: args.rules.clone(), ..RuleSources::default() }
    };
    let rules = sources.load().rules?;
    let (from, to) = (args.from, args.to.unwrap_or_else(UnixTime::now));
    if from > to {
        bail!("--from {from} is after --to {to}");
    }
    let facts = SharedFacts::default();
    if let Some(file) = &settings.enrichment.aircraft_table {
        facts.replace_table(load_table(file.path())?.table);
    }
    let mut trial = Trial::new(rules, facts, from);
    let query = HistoryQuery {
        from: from.minus(trial.look_back()),
        to,
        bounding_box: None,
        icao24: Vec::new(),
        callsign: None,
    };
    let mut signals = Signals::new()?;
    let mut reader = open_storage_read_only(settings)?.history(&query).await?;
    let (mut out, started) = (io::stdout().lock(), Instant::now());
    let written = tokio::select! {
        written = apply(&mut trial, &mut reader, &query, args.alerts.then_some(&mut out)) => written,
        name = signals.next() => bail!("{name}: stopped before the end of the history"),
    };
    let (states, seconds) = (trial.states(), started.elapsed().as_secs_f64());
    let per_second = (states as f64 / seconds.max(1e-9)) as u64;
    let written = written.and_then(|()| {
        let rules = trial.summary();
        if args.json {
            let result = TrialResult { from, to, states, rules };
            serde_json::to_writer_pretty(&mut out, &result).map_err(io::Error::from)?;
            writeln!(out)?;
        } else if !args.alerts {
            write_table(&mut out, &rules)?;
        }
        Ok(())
    });
    match written {
        Ok(()) => log::info!(states, per_second; "tried the rules"),
        // The consumer of the output, such as `head`, has closed the pipe.
        Err(error) if is_broken_pipe(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(ExitStatus::Done)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}

/// Applies the rules to all rows. Writes each alert that begins or ends as a line of JSON, if that is wanted.
async fn apply(
    trial: &mut Trial,
    reader: &mut HistoryReader,
    query: &HistoryQuery,
    mut out: Option<&mut impl Write>,
) -> anyhow::Result<()> {
    let style = ProgressStyle::with_template("{bar:30} {percent} %  {msg}  {elapsed}, {eta} left")
        .context("invalid progress bar template")?;
    let bar = ProgressBar::new(query.to.seconds_since(query.from).unsigned_abs() + 1).with_style(style);
    let (mut alerts, mut more) = (0, true);
    while more {
        let mut changes = Vec::new();
        more = reader.read(|row| changes.extend(trial.apply(&Arc::new(row.clone().into_owned())))).await?;
        alerts += changes.iter().filter(|alert| alert.ended.is_none()).count() as u64;
        if let Some(out) = &mut out {
            for alert in &changes {
                serde_json::to_writer(&mut *out, alert).map_err(io::Error::from)?;
                writeln!(out)?;
            }
        }
        bar.set_position(reader.reached().seconds_since(query.from).unsigned_abs());
        bar.set_message(format!("{} states, {} alerts", HumanCount(trial.states()), HumanCount(alerts)));
        // SQLite does not wait for anything, so a signal would not be noticed.
        tokio::task::yield_now().await;
    }
    bar.finish_and_clear();
    Ok(())
}

fn write_table(out: &mut impl Write, rules: &[RuleSummary]) -> io::Result<()> {
    let width = rules.iter().map(|rule| rule.rule.len()).max().unwrap_or(0).max("rule".len());
    let duration = |seconds: Option<u64>| seconds.map_or_else(|| "-".to_owned(), show_seconds);
    let head = ["alerts", "aircraft", "active", "median", "longest"];
    writeln!(out, "{:width$}{}", "rule", head.map(|name| format!("{name:>12}")).concat())?;
    for rule in rules {
        let RuleSummary { alerts, aircraft, active, .. } = rule;
        let (median, longest) = (duration(rule.median_seconds), duration(rule.longest_seconds));
        writeln!(out, "{:width$}{alerts:>12}{aircraft:>12}{active:>12}{median:>12}{longest:>12}", rule.rule)?;
    }
    Ok(())
}

/// Shows a duration by its two largest units, such as `1h 5m`.
fn show_seconds(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m {rest}s"),
        _ => format!("{hours}h {minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_a_table() {
        let rule = |name: &str, alerts, median_seconds, longest_seconds| RuleSummary {
            rule: name.into(),
            alerts,
            aircraft: 2,
            active: 1,
            median_seconds,
            longest_seconds,
        };
        let mut out = Vec::new();
        write_table(&mut out, &[rule("noise", 12, Some(59), Some(3725)), rule("r", 0, None, None)]).unwrap();
        let expected = "\
rule       alerts    aircraft      active      median     longest
noise          12           2           1         59s       1h 2m
r               0           2           1           -           -
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
