//! `check-config --probe`: asks each source once, and says what it would give; loads the aircraft table; and connects to
//! each endpoint of notifications.

use std::io::Write;
use std::time::Duration;

use actors::domain::UnixTime;
use actors::ports::{Fetched, SourceError, StateSource};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::{notify, source};
use crate::cli::ExitStatus;
use crate::config::Settings;
use crate::enrichment::{LoadedTable, load_table};
use crate::sources::{Source, SourceFlags};

/// How long to wait for the first aircraft of a source that is polled every few seconds or more often: a receiver reports
/// aircraft one by one.
const PATIENCE: Duration = Duration::from_secs(10);

/// A source with longer intervals than this is polled only once.
const SELDOM: Duration = Duration::from_secs(5);

/// Asks all configured sources at once, loads the aircraft table, then connects to all endpoints of notifications at once,
/// and writes a line about each.
///
/// # Errors
/// A source cannot be opened, or the output is closed.
pub(super) async fn run(settings: &Settings, mut out: impl Write) -> anyhow::Result<ExitStatus> {
    let sources = probe_sources(settings, &mut out).await?;
    let table = probe_table(settings, &mut out)?;
    let endpoints = probe_endpoints(settings, &mut out).await?;
    Ok(if sources && table && endpoints { ExitStatus::Done } else { ExitStatus::Failed })
}

/// Returns whether the aircraft table can be used, if there is one.
fn probe_table(settings: &Settings, out: &mut impl Write) -> anyhow::Result<bool> {
    let Some(file) = &settings.enrichment.aircraft_table else { return Ok(true) };
    let loaded = load_table(file.path());
    let found = match &loaded {
        Ok(LoadedTable { table, format, bad_rows: 0, .. }) => format!("{format}: {} aircraft", table.len()),
        Ok(LoadedTable { table, format, bad_rows, .. }) => {
            format!("{format}: {} aircraft, {bad_rows} invalid rows", table.len())
        }
        Err(error) => error.to_string(),
    };
    writeln!(out, "# aircraft table: {found}")?;
    Ok(loaded.is_ok())
}

/// Returns whether all endpoints can be reached.
async fn probe_endpoints(settings: &Settings, out: &mut impl Write) -> anyhow::Result<bool> {
    let network = notify::network(settings)?;
    let probes = settings.notify.iter().map(|entry| {
        let (endpoint, started) = (entry.endpoint(network.clone()), Instant::now());
        async move { (entry, (entry.kind.probe)(&endpoint).await, started.elapsed()) }
    });
    let mut are_reachable = true;
    for (entry, found, duration) in join_all(probes).await {
        are_reachable &= found.is_ok();
        let found = found.unwrap_or_else(|error| error.to_string());
        let (name, kind) = (&entry.name, entry.kind.name);
        writeln!(out, "# endpoint {name} ({kind}): {found}, after {:.1} s", duration.as_secs_f64())?;
    }
    Ok(are_reachable)
}

/// Returns whether all sources respond.
async fn probe_sources(settings: &Settings, out: &mut impl Write) -> anyhow::Result<bool> {
    let sources = source::open(settings, &SourceFlags::default())?;
    let probes = join_all(sources.into_iter().map(|Source { info, connect }| async move {
        let (source, started) = (connect(), Instant::now());
        let answer = first_answer(&*source).await;
        (info, answer, started.elapsed())
    }));
    let mut do_respond = true;
    for (info, answer, duration) in probes.await {
        let said = match answer {
            Ok(fetched) => describe(&fetched),
            Err(error) => {
                do_respond = false;
                error.to_string()
            }
        };
        writeln!(out, "# source {} ({}): {said}, after {:.1} s", info.name, info.kind, duration.as_secs_f64())?;
    }
    Ok(do_respond)
}

/// Asks a source until it reports aircraft, or for [`PATIENCE`].
async fn first_answer(source: &dyn StateSource) -> Result<Fetched, SourceError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = source.fetch().await;
        let cadence = source.cadence();
        let is_final = cadence.resolution >= SELDOM || answer.as_ref().is_ok_and(|fetched| aircraft(fetched) > 0);
        let next = Instant::now() + cadence.pause;
        if is_final || next > deadline {
            return answer;
        }
        tokio::time::sleep_until(next).await;
    }
}

fn aircraft(fetched: &Fetched) -> usize {
    fetched.aircraft.unwrap_or(fetched.snapshot.states.len())
}

fn describe(fetched: &Fetched) -> String {
    let Fetched { snapshot, credits_left, .. } = fetched;
    let newest = snapshot.states.iter().map(|state| state.last_contact).max();
    let mut parts = vec![match aircraft(fetched) {
        0 => "quiet: no aircraft".to_owned(),
        1 => "live: 1 aircraft".to_owned(),
        count => format!("live: {count} aircraft"),
    }];
    parts.extend(newest.map(|newest| match UnixTime::now().seconds_since(newest) {
        age if age < 0 => format!("the newest {} s ahead of this machine's clock", -age),
        age => format!("the newest {age} s old"),
    }));
    let bad_rows = snapshot.bad_rows.count();
    if bad_rows > 0 {
        parts.push(format!("{bad_rows} bad rows"));
    }
    parts.extend(credits_left.map(|credits| format!("{credits} credits left")));
    parts.join(", ")
}
