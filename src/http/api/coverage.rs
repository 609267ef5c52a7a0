//! `/api/v1/coverage`: when the sources observed the sky, and where the gaps are.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use actors::coverage::{Observed, ObservedTime, SourcePolls, Span, SpanOutcome, Window, combine, simplify};
use actors::domain::{UnixMillis, UnixTime};
use serde::Serialize;
use utoipa::ToSchema;

use super::query::{Parameters, Period};
use crate::http::reply::content_negotiation::{JSON_ONLY, negotiate};
use crate::http::reply::entity_tag;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;
use crate::storage::{PollQuery, QueryError, Storage};

/// The default period, for requests without `from`.
const DEFAULT_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);
const DAY: i64 = 24 * 60 * 60;
const MAX_PERIOD: i64 = 31 * DAY;
const MAX_RESOLUTION: u32 = 86_400;
/// More spans than this are merged by a coarser resolution.
const MAX_SPANS: usize = 10_000;
/// The number of records that one query reads.
const PAGE: u32 = 10_000;

/// When the sources observed the sky.
#[derive(Serialize, ToSchema)]
pub(crate) struct Coverage {
    from: UnixTime,
    to: UnixTime,
    /// Spans shorter than this many seconds are merged with the one before. Coarser than requested if there would be
    /// more than 10,000 spans.
    resolution: u32,
    #[serde(flatten)]
    time: CoveredTime,
    /// Where no source covers the sky, in order.
    gaps: Vec<Gap>,
    /// Each source with records, by name.
    sources: Vec<SourceCoverage>,
}

/// How long the sky was observed, in seconds, before spans are merged.
#[derive(Serialize, ToSchema)]
struct CoveredTime {
    /// Seconds that are covered.
    covered: f64,
    /// Seconds in gaps.
    gap: f64,
    /// Seconds of which nothing is known.
    unknown: f64,
    /// `covered` of the time that is known; `null` if nothing is.
    fraction: Option<f64>,
}

/// A gap, from `from` inclusive to `to` exclusive.
#[derive(Serialize, ToSchema)]
struct Gap {
    from: UnixTime,
    to: UnixTime,
}

/// When one source observed the sky.
#[derive(Serialize, ToSchema)]
struct SourceCoverage {
    source: String,
    /// The kind of the source; `null` without a record in the period.
    kind: Option<String>,
    /// The bounding box that is polled (lamin,lomin,lamax,lomax); `null` for everything that the source reports.
    area: Option<String>,
    /// The start of its oldest record. Before it, the outcome is `unknown`.
    since: UnixTime,
    /// Its polls in the period.
    polls: u64,
    /// The polls that it answered.
    answered: u64,
    /// State vectors that were published.
    changed: u64,
    /// Rows that are not valid state vectors.
    bad_rows: u64,
    #[serde(flatten)]
    time: CoveredTime,
    /// Consecutive spans, from `from` to `to`.
    spans: Vec<CoverageSpan>,
}

/// A span with one outcome, from `from` inclusive to `to` exclusive.
#[derive(Serialize, ToSchema)]
struct CoverageSpan {
    from: UnixTime,
    to: UnixTime,
    /// `live` and `quiet` cover the sky. `stale`, `malformed`, `rate_limited`, `refused`, `unavailable`, `paused` and
    /// `no_record` (the source was not polled) are gaps. `unknown` is neither.
    #[schema(value_type = String, examples("live"))]
    outcome: SpanOutcome,
    /// Whether the span is covered, a gap, or unknown.
    observed: Observed,
}

impl From<ObservedTime> for CoveredTime {
    fn from(time: ObservedTime) -> Self {
        let seconds = |millis: i64| millis as f64 / 1_000.0;
        Self {
            covered: seconds(time.covered),
            gap: seconds(time.gap),
            unknown: seconds(time.unknown),
            fraction: time.fraction().map(|fraction| (fraction * 1e6).round() / 1e6),
        }
    }
}

/// The spans of a source, and what its records say in total.
struct FoundSource {
    source: String,
    since: UnixMillis,
    polls: SourcePolls,
}

/// Coverage
///
/// When the sources answered between `from` and `to` (at most 31 days, by default the last 24 hours), from the record of
/// each poll. An answered poll covers the time until the next one is planned, at most two intervals. A gap is where no
/// source covers the sky: each one failed, repeated an old picture, was paused, or was not polled. Before the first
/// record, in the last minute, and in the future, nothing is known. Compare `area` to see which part of the sky a source
/// covers.
#[utoipa::path(get, path = "/api/v1/coverage", tag = "flights",
    params(
        ("from" = Option<String>, Query, example = "2026-01-01T00:00:00Z",
            description = "The start: Unix seconds or RFC 3339; by default 24 hours before `to`."),
        ("to" = Option<String>, Query, example = "1767312000",
            description = "The end: Unix seconds or RFC 3339; by default now."),
        ("source" = Option<String>, Query, example = "opensky", description = "Only this source."),
        ("resolution" = Option<u32>, Query, example = "60",
            description = "Merge spans and gaps shorter than this many seconds, 1 (the default) to 86,400."),
        ("format", Query)),
    responses(
        (status = 200, description = "The coverage.", body = Coverage),
        (status = 304, description = "Unchanged since `If-None-Match`.")))]
pub(crate) async fn coverage(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::parse(&request, &["from", "to", "source", "resolution", "format"])?;
    let format = negotiate(JSON_ONLY, parameters.format.as_deref(), &request)?;
    let now = UnixMillis::now();
    let period = parameters.period_until(seconds(now), DEFAULT_PERIOD)?;
    if period.to.seconds_since(period.from) > MAX_PERIOD {
        return Err(Problem::bad_parameter("from", format!("more than {} days before `to`", MAX_PERIOD / DAY)));
    }
    let resolution = parameters.integer("resolution", 1..=MAX_RESOLUTION)?.unwrap_or(1);
    let window = Window { from: period.from.into(), to: period.to.into(), now };
    let found = read(state.storage()?, window, parameters.text("source")).await?;
    let body = web::block(move || serde_json::to_vec(&evaluate(found, period, window, resolution)))
        .await
        .map_err(Problem::unavailable)?
        .map_err(Problem::unavailable)?;
    entity_tag::respond(&request, state.client(&request), format.media_type, body, |_| {}).await
}

/// Reads the records of each source, or of one.
async fn read(storage: &Storage, window: Window, only: Option<&str>) -> Result<Vec<FoundSource>, QueryError> {
    let mut sources = storage.polled_sources().await?;
    sources.retain(|source| only.is_none_or(|only| source.source == only));
    let mut found = Vec::with_capacity(sources.len());
    for source in sources {
        let since = source.since();
        let mut polls = SourcePolls::new(window, since);
        let mut query = PollQuery { source: source.source, from: window.from, to: window.to, after: None, limit: PAGE };
        loop {
            let page = storage.polls(&query).await?;
            page.iter().for_each(|record| polls.add(record));
            match page.into_iter().nth(PAGE as usize - 1) {
                Some(last) => query.after = Some((last.started, last.process)),
                None => break,
            }
        }
        found.push(FoundSource { source: query.source, since, polls });
    }
    Ok(found)
}

/// Computes the spans and the gaps.
fn evaluate(found: Vec<FoundSource>, Period { from, to }: Period, window: Window, resolution: u32) -> Coverage {
    let mut sources = Vec::with_capacity(found.len());
    let mut spans = Vec::with_capacity(found.len());
    for FoundSource { source, since, polls } in found {
        let totals = polls.totals();
        let (kind, area) = (polls.kind().map(str::to_owned), polls.area().map(str::to_owned));
        let exact = polls.spans();
        sources.push(SourceCoverage {
            source,
            kind,
            area,
            since: UnixTime(since.0.div_euclid(1_000)),
            polls: totals.polls,
            answered: totals.answered,
            changed: totals.changed,
            bad_rows: totals.bad_rows,
            time: ObservedTime::of(&exact, SpanOutcome::observed).into(),
            spans: Vec::new(),
        });
        spans.push(exact);
    }
    let combined = combine(&spans, window);
    let (resolution, gaps) = simplified(&mut spans, &combined, resolution);
    for (source, spans) in sources.iter_mut().zip(spans) {
        source.spans = spans.iter().map(CoverageSpan::from).collect();
    }
    let time = ObservedTime::of(&combined, |observed| observed).into();
    Coverage { from, to, resolution, time, gaps, sources }
}

/// Merges short spans, so that there are not too many of them. Returns the resolution that is needed, and the gaps.
fn simplified(
    spans: &mut [Vec<Span<SpanOutcome>>],
    combined: &[Span<Observed>],
    mut resolution: u32,
) -> (u32, Vec<Gap>) {
    loop {
        let millis = 1_000 * i64::from(resolution);
        for spans in &mut *spans {
            *spans = simplify(spans, millis);
        }
        let gaps = simplify(combined, millis);
        if spans.iter().map(Vec::len).sum::<usize>() + gaps.len() <= MAX_SPANS || resolution >= MAX_RESOLUTION {
            let gaps = gaps.into_iter().filter(|span| span.outcome == Observed::Gap);
            let gap = |span: Span<Observed>| Gap { from: seconds(span.from), to: seconds(span.to) };
            return (resolution, gaps.map(gap).collect());
        }
        resolution = (2 * resolution).min(MAX_RESOLUTION);
    }
}

impl From<&Span<SpanOutcome>> for CoverageSpan {
    fn from(span: &Span<SpanOutcome>) -> Self {
        Self {
            from: seconds(span.from),
            to: seconds(span.to),
            outcome: span.outcome,
            observed: span.outcome.observed(),
        }
    }
}

/// Rounds a time down to the second. Spans are not shorter than a second, so each keeps a length.
fn seconds(time: UnixMillis) -> UnixTime {
    UnixTime(time.0.div_euclid(1_000))
}
