//! `/data/aircraft.json` and `/data/receiver.json`: the files that readsb writes for tar1090 and others.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::Point;
use serde::Serialize;
use utoipa::ToSchema;

use super::aircraft::{Millis, rounded};
use super::aircraft_list::{AircraftJson, aircraft_json};
use crate::http::pictures::PictureFormat;
use crate::http::reply::entity_tag;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;

/// How often readers should request `aircraft.json`, and how long it is used while the picture does not change: `now`
/// and the ages of the aircraft advance.
const REFRESH: Duration = Duration::from_secs(1);

const AIRCRAFT_JSON: PictureFormat =
    PictureFormat { name: "readsb", media_type: "application/json", lifetime: Some(REFRESH) };

/// What a reader of `aircraft.json` needs to know about the server.
#[derive(Serialize, ToSchema)]
#[schema(as = ReadsbReceiverJson)]
pub(crate) struct ReceiverJson {
    /// The name and the version of this server.
    version: &'static str,
    /// How often to request `aircraft.json`, in milliseconds.
    refresh: u64,
    /// The number of files with past pictures: none.
    history: u32,
    /// Where the first receiver with a configured location is, in degrees with two decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    lat: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    lon: Option<f64>,
}

/// All aircraft, as readsb's `aircraft.json`
///
/// The whole live picture in feet, knots and feet per minute. Unknown members are left out.
#[utoipa::path(get, path = "/data/aircraft.json", tag = "readsb", responses(
    (status = 200, description = "All aircraft of the live picture.", body = AircraftJson<'_>),
    (status = 304, description = "Unchanged since `If-None-Match`.")))]
pub(crate) async fn aircraft(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let facts = state.facts.current();
    state.whole_picture(&request, AIRCRAFT_JSON, move |view| aircraft_json(view, &facts, Millis::now())).await
}

/// This server, as readsb's `receiver.json`
///
/// How often to request `aircraft.json`, and about where the receiver is.
#[utoipa::path(get, path = "/data/receiver.json", tag = "readsb", responses(
    (status = 200, description = "How to read from this server.", body = ReceiverJson),
    (status = 304, description = "Unchanged since `If-None-Match`.")))]
pub(crate) async fn receiver(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let version = concat!("flight-monitor ", env!("CARGO_PKG_VERSION"));
    // About a kilometre, because anyone can read where the receiver is.
    let [lat, lon] = [|at: Point| at.lat, |at: Point| at.lon].map(|axis| Some(rounded(axis(state.location?), 100.0)));
    let receiver = ReceiverJson { version, refresh: REFRESH.as_millis() as u64, history: 0, lat, lon };
    let body = serde_json::to_vec(&receiver).map_err(Problem::unavailable)?;
    entity_tag::respond(&request, state.client(&request), "application/json", body, |_| {}).await
}
