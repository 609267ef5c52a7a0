//! `/api/v1/alerts`: the stored alerts.

use std::time::Duration;

use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse, web};
use actors::detect::Alert;
use actors::domain::{Icao24, UnixTime};
use serde::Serialize;
use utoipa::ToSchema;

use super::paging::link_to_next;
use super::query::Parameters;
use crate::http::reply::content_negotiation::{JSON_ONLY, negotiate};
use crate::http::reply::entity_tag;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;
use crate::storage::AlertQuery;

/// The default period, for requests without `from`.
const DEFAULT_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1_000;
const KNOWN: [&str; 9] = ["rule", "icao24", "active", "bbox", "from", "to", "limit", "cursor", "format"];

/// Stored alerts.
#[derive(Serialize, ToSchema)]
pub(crate) struct Alerts {
    from: UnixTime,
    to: UnixTime,
    /// The number of alerts.
    count: usize,
    /// The `cursor` of the next page; `null` on the last page.
    next_cursor: Option<String>,
    /// The newest first: in descending order of `since`, `rule` and `icao24`.
    alerts: Vec<Alert>,
}

/// Stored alerts
///
/// Alerts that began between `from` and `to`, by default in the last 24 hours, the newest first. They are stored within
/// seconds of their detection. At most `limit` alerts (by default 100, at most 1,000); the next page is at `next_cursor`
/// or the `Link` header.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "flights",
    params(("rule" = Option<String>, Query, example = "emergency-squawk",
            description = "Only alerts of the rule with this name."),
        ("icao24", Query),
        ("active" = Option<bool>, Query, example = "true",
            description = "true: only alerts that are active; false: only those that have ended. By default both."),
        ("bbox", Query), ("from", Query), ("to", Query), ("limit", Query), ("cursor", Query), ("format", Query)),
    responses(
        (status = 200, description = "The alerts. With `bbox`, those that began at a position in the box.",
            body = Alerts),
        (status = 304, description = "Unchanged since `If-None-Match`.")))]
pub(crate) async fn alerts(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::parse(&request, &KNOWN)?;
    let format = negotiate(JSON_ONLY, parameters.format.as_deref(), &request)?;
    let period = parameters.period(DEFAULT_PERIOD)?;
    let limit = parameters.integer("limit", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
    let query = AlertQuery {
        from: period.from,
        to: period.to,
        rule: parameters.text("rule").map(rule).transpose()?,
        active: parameters.text("active").map(|_| parameters.flag("active")).transpose()?,
        after: parameters.text("cursor").map(parse_cursor).transpose()?,
        bounding_box: parameters.scope.bounding_box,
        icao24: parameters.scope.icao24.into_iter().collect(),
        // One more than the page holds, to detect whether there is a next page.
        limit: limit + 1,
    };
    let mut alerts = state.storage()?.alerts(&query).await?;
    let more = alerts.len() > limit as usize;
    alerts.truncate(limit as usize);
    let next_cursor = alerts.last().filter(|_| more).map(cursor);
    let link = next_cursor.as_ref().map(|cursor| link_to_next(&request, period, cursor));
    let body = Alerts { from: period.from, to: period.to, count: alerts.len(), next_cursor, alerts };
    let body = serde_json::to_vec(&body).map_err(Problem::unavailable)?;
    entity_tag::respond(&request, state.client(&request), format.media_type, body, |response| {
        if let Some(link) = link {
            response.insert_header((LINK, link));
        }
    })
    .await
}

fn rule(text: &str) -> Result<String, Problem> {
    match text {
        "" => Err(Problem::bad_parameter("rule", "must not be empty")),
        rule if rule.contains('\0') => Err(Problem::bad_parameter("rule", "must not contain NUL")),
        rule => Ok(rule.to_owned()),
    }
}

/// Returns the cursor of an alert, which consists of its `since`, its aircraft and its rule.
fn cursor(alert: &Alert) -> String {
    format!("{}/{}/{}", alert.since, alert.icao24, alert.rule)
}

fn parse_cursor(text: &str) -> Result<(UnixTime, String, Icao24), Problem> {
    let parse = || {
        let mut parts = text.splitn(3, '/');
        let since = UnixTime(parts.next()?.parse().ok()?);
        let icao24 = Icao24::parse(parts.next()?).ok()?;
        let rule = parts.next().filter(|rule| !rule.contains('\0'))?;
        Some((since, rule.to_owned(), icao24))
    };
    parse().ok_or_else(|| Problem::bad_parameter("cursor", "not a next_cursor of an earlier response"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_round_trips(since in any::<i64>(), icao24 in 0u32..1 << 24, rule in "[a-z/-]{1,20}") {
            let icao24 = Icao24::from_u32(icao24);
            let written = format!("{}/{icao24}/{rule}", UnixTime(since));
            prop_assert_eq!(parse_cursor(&written).unwrap(), (UnixTime(since), rule, icao24));
        }

        #[test]
        fn parsing_a_cursor_never_panics(text in "\\PC{0,30}") {
            let _ = parse_cursor(&text);
        }
    }
}
