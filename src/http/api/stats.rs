//! `/api/v1/stats`: how much flew in each hour.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::UnixTime;
use actors::history::HOUR;
use serde::Serialize;
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::query::{Parameters, Period};
use crate::http::reply::content_negotiation::{Offer, choose};
use crate::http::reply::entity_tag;
use crate::http::reply::problem::Problem;
use crate::http::server::ServerState;
use crate::storage::{CellTraffic, CountryTraffic, HourTraffic, QueryError, Storage};

/// How far back it looks where nobody says.
const USUAL_LENGTH: Duration = Duration::from_secs(24 * 60 * 60);
const DAY: i64 = 24 * HOUR;
/// More than the longest spans can hold, but for a world of many more countries.
const MOST_ROWS: u32 = 250_000;

const FORMS: &[Offer<()>] = &[Offer { form: (), name: "json", media_type: "application/json" }];

/// What the traffic is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum By {
    Hour,
    Country,
    Cell,
}

impl By {
    fn parse(text: Option<&str>) -> Result<Self, Problem> {
        match text {
            None | Some("hour") => Ok(Self::Hour),
            Some("country") => Ok(Self::Country),
            Some("cell") => Ok(Self::Cell),
            Some(other) => {
                let other: String = other.chars().take(40).collect();
                Err(Problem::bad_parameter("by", format!("hour, country or cell, not {other:?}")))
            }
        }
    }

    /// The longest time that may be asked for at once, in seconds.
    fn longest(self) -> i64 {
        match self {
            Self::Hour => 366 * DAY,
            Self::Country => 31 * DAY,
            Self::Cell => 2 * DAY,
        }
    }
}

/// The traffic of some hours.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stats {
    from: UnixTime,
    to: UnixTime,
    by: By,
    /// How many rows follow.
    count: usize,
    /// By hour, and then by country or by cell.
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
    async fn of(storage: &Storage, by: By, Period { from, to }: Period) -> Result<Self, QueryError> {
        Ok(match by {
            By::Hour => Self::Hours(storage.traffic_by_hour(from, to, MOST_ROWS).await?),
            By::Country => Self::Countries(storage.traffic_by_country(from, to, MOST_ROWS).await?),
            By::Cell => Self::Cells(storage.traffic_by_cell(from, to, MOST_ROWS).await?),
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

/// Any of the three, since each row of a country is one of an hour with more to tell.
fn rows() -> Schema {
    let row =
        AnyOfBuilder::new().item(HourTraffic::schema()).item(CountryTraffic::schema()).item(CellTraffic::schema());
    ArrayBuilder::new().items(row).build().into()
}

/// How much flew in each hour
///
/// State vectors and different aircraft of each hour that `from` and `to` touch, the last 24 where nothing is said: as a
/// whole (366 days at most), by country of registration (31 days) or by cell of 5 by 5 degrees (2 days). Hours in which
/// nothing was seen are left out. The present hour is some minutes behind.
#[utoipa::path(get, path = "/api/v1/stats", tag = "flights",
    params(("from", Query), ("to", Query),
        ("by" = Option<String>, Query, description = "`hour` (where nothing is said), `country` or `cell`.", example = "country"),
        ("format", Query)),
    responses(
        (status = 200, description = "The traffic.", body = Stats),
        (status = 304, description = "It is that of `If-None-Match`.")))]
pub(crate) async fn stats(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::of(&request, &["from", "to", "by", "format"])?;
    let form = choose(FORMS, &parameters, &request)?;
    let by = By::parse(parameters.text("by"))?;
    let period = parameters.period(USUAL_LENGTH)?;
    if period.to.seconds_since(period.from) > by.longest() {
        let longest = by.longest() / DAY;
        return Err(Problem::bad_parameter("from", format!("it lies more than {longest} days before `to`")));
    }
    let rows = Rows::of(state.storage()?, by, period).await.map_err(|error| Problem::of_query(&error))?;
    if rows.len() == MOST_ROWS as usize {
        return Err(Problem::bad_parameter("from", format!("there are more than {MOST_ROWS} rows before `to`")));
    }
    let body = Stats { from: period.from, to: period.to, by, count: rows.len(), rows };
    let body = serde_json::to_vec(&body).map_err(Problem::unavailable)?;
    entity_tag::answer(&request, &state, form.media_type, body, |_| {}).await
}
