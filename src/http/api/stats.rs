//! `/api/v1/stats`: traffic per hour.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::UnixTime;
use actors::history::HOUR;
use serde::Serialize;
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::query::{Parameters, Period};
use crate::http::reply::content_negotiation::{JSON_ONLY, negotiate};
use crate::http::reply::entity_tag;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;
use crate::storage::{CellTraffic, CountryTraffic, HourTraffic, QueryError, Storage};

/// The default period, for requests without `from`.
const DEFAULT_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);
const DAY: i64 = 24 * HOUR;
/// More rows than the longest periods contain, unless there are many more countries than today.
const MAX_ROWS: u32 = 250_000;

/// What the traffic is grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum GroupBy {
    Hour,
    Country,
    Cell,
}

impl GroupBy {
    fn parse(text: Option<&str>) -> Result<Self, Problem> {
        match text {
            None | Some("hour") => Ok(Self::Hour),
            Some("country") => Ok(Self::Country),
            Some("cell") => Ok(Self::Cell),
            Some(other) => {
                let other: String = other.chars().take(40).collect();
                Err(Problem::bad_parameter("by", format!("expected hour, country or cell, not {other:?}")))
            }
        }
    }

    /// Returns the maximum length of the requested period, in seconds.
    fn max_period(self) -> i64 {
        match self {
            Self::Hour => 366 * DAY,
            Self::Country => 31 * DAY,
            Self::Cell => 2 * DAY,
        }
    }
}

/// Traffic per hour.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stats {
    from: UnixTime,
    to: UnixTime,
    by: GroupBy,
    /// The number of rows.
    count: usize,
    /// Ordered by hour, then by country or cell.
    #[schema(schema_with = rows)]
    rows: Rows,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Rows {
    Hours(Vec<HourTraffic>),
    Countries(Vec<CountryTraffic>),
    Cells(Vec<CellTraffic>),
}

impl Rows {
    async fn of(storage: &Storage, by: GroupBy, Period { from, to }: Period) -> Result<Self, QueryError> {
        Ok(match by {
            GroupBy::Hour => Self::Hours(storage.traffic_by_hour(from, to, MAX_ROWS).await?),
            GroupBy::Country => Self::Countries(storage.traffic_by_country(from, to, MAX_ROWS).await?),
            GroupBy::Cell => Self::Cells(storage.traffic_by_cell(from, to, MAX_ROWS).await?),
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Hours(rows) => rows.len(),
            Self::Countries(rows) => rows.len(),
            Self::Cells(rows) => rows.len(),
        }
    }
}

/// Returns the schema of the rows. It is an `anyOf`, because the row of a country also matches the schema of an hour.
fn rows() -> Schema {
    let row =
        AnyOfBuilder::new().item(HourTraffic::schema()).item(CountryTraffic::schema()).item(CellTraffic::schema());
    ArrayBuilder::new().items(row).build().into()
}

/// Traffic per hour
///
/// State vectors and distinct aircraft for each hour that overlaps `from` to `to`, by default the last 24 hours: in
/// total (at most 366 days), by country of registration (31 days) or by cell of 5 by 5 degrees (2 days). Hours without
/// traffic are left out. The current hour lags a few minutes behind.
#[utoipa::path(get, path = "/api/v1/stats", tag = "flights",
    params(("from", Query), ("to", Query),
        ("by" = Option<String>, Query, example = "country", description = "`hour` (the default), `country` or `cell`."),
        ("format", Query)),
    responses(
        (status = 200, description = "The traffic.", body = Stats),
        (status = 304, description = "Unchanged since `If-None-Match`.")))]
pub(crate) async fn stats(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::parse(&request, &["from", "to", "by", "format"])?;
    let format = negotiate(JSON_ONLY, parameters.format.as_deref(), &request)?;
    let by = GroupBy::parse(parameters.text("by"))?;
    let period = parameters.period(DEFAULT_PERIOD)?;
    if period.to.seconds_since(period.from) > by.max_period() {
        let days = by.max_period() / DAY;
        return Err(Problem::bad_parameter("from", format!("more than {days} days before `to`")));
    }
    let rows = Rows::of(state.storage()?, by, period).await?;
    if rows.len() == MAX_ROWS as usize {
        return Err(Problem::bad_parameter("from", format!("more than {MAX_ROWS} rows up to `to`")));
    }
    let body = Stats { from: period.from, to: period.to, by, count: rows.len(), rows };
    let body = serde_json::to_vec(&body).map_err(Problem::unavailable)?;
    entity_tag::respond(&request, state.client(&request), format.media_type, body, |_| {}).await
}
