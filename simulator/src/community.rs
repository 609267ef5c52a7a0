//! The API of a community of receivers, as adsb.lol, adsb.fi and airplanes.live have it: readsb's aircraft in circles, or
//! by address.

use std::collections::HashSet;

use actix_web::middleware::Compress;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::faults::Target;
use crate::json_door::{immediate_fault, respond};
use crate::readsb::{Away, NAUTICAL_MILE};
use crate::receiver::Heard;
use crate::rows::push_integer;
use crate::state::{State, count};
use crate::world::{bearing, distance};

/// Maximum radius of a query, in nautical miles.
const MAX_RADIUS: f64 = 250.0;

const WRONG_TYPES: &str =
    r#"{"ac":{"0":{"hex":12}},"ctime":"now","msg":7,"now":"just now","ptime":null,"total":"many"}"#;

/// What a request asks for.
enum Wanted {
    Circle { centre: (f64, f64), radius: f64 },
    Addresses(HashSet<u32>),
}

/// Registers the endpoints.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    let get = |path: &str| web::resource(path).wrap(Compress::default());
    config
        .service(get("/v2/point/{lat}/{lon}/{radius}").route(web::get().to(circle)))
        .service(get("/v2/lat/{lat}/lon/{lon}/dist/{radius}").route(web::get().to(circle)))
        .service(get("/v2/hex/{addresses}").route(web::get().to(addresses)))
        .service(get("/v2/icao/{addresses}").route(web::get().to(addresses)));
}

async fn circle(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let number = |name: &str, limit: f64| {
        let value: f64 = request.match_info().query(name).parse().ok()?;
        (value.abs() <= limit).then_some(value)
    };
    let (lat, lon) = (number("lat", 90.0), number("lon", 180.0));
    let radius = number("radius", MAX_RADIUS).filter(|radius| *radius >= 0.0);
    let wanted = match (lat, lon, radius) {
        (Some(lat), Some(lon), Some(radius)) => Ok(Wanted::Circle { centre: (lat, lon), radius }),
        _ => Err(format!("latitude, longitude or radius (at most {MAX_RADIUS} nautical miles) is out of range")),
    };
    answer(&state, &request, wanted).await
}

async fn addresses(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let addresses = request.match_info().query("addresses").split(',');
    let addresses = addresses.filter_map(|text| u32::from_str_radix(text.trim(), 16).ok()).collect();
    answer(&state, &request, Ok(Wanted::Addresses(addresses))).await
}

async fn answer(state: &State, request: &HttpRequest, wanted: Result<Wanted, String>) -> HttpResponse {
    count(&state.counts.v2);
    if let Some(response) = immediate_fault(state, request, Target::V2).await {
        return response;
    }
    if let Some(response) = state.community.refuse(request, state.clock.now_millis()) {
        return response;
    }
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(reason) => return HttpResponse::UnprocessableEntity().json(json!({ "detail": reason })),
    };
    respond(state, Target::V2, WRONG_TYPES, |content| {
        let now = content.now;
        let mut array = content.array();
        let mut total = 0;
        if !content.is_quiet {
            for (heard, away) in content.known.all(now).filter_map(|heard| wanted.select(heard)) {
                content.maybe_spoil(&mut array);
                array.push(&heard, away);
                total += 1;
            }
            content.complete(&mut array);
        }
        let (aircraft, told) = array.finish();
        let mut body = Vec::with_capacity(aircraft.len() + 120);
        body.extend_from_slice(b"{\"ac\":");
        body.extend_from_slice(&aircraft);
        body.extend_from_slice(b",\"msg\":\"No error\",\"now\":");
        push_integer(&mut body, now);
        body.extend_from_slice(b",\"total\":");
        push_integer(&mut body, total);
        body.extend_from_slice(b",\"ctime\":");
        push_integer(&mut body, now);
        body.extend_from_slice(b",\"ptime\":0}\n");
        (body, told)
    })
}

impl Wanted {
    fn select<'a>(&self, heard: Heard<'a>) -> Option<(Heard<'a>, Option<Away>)> {
        match self {
            Self::Addresses(addresses) => addresses.contains(&heard.address).then_some((heard, None)),
            Self::Circle { centre, radius } => {
                let position = heard.position.as_ref().and_then(|(_, row)| row.position)?;
                let distance = distance(*centre, position) / NAUTICAL_MILE;
                let away = Away { distance, bearing: bearing(*centre, position) };
                (distance <= *radius).then_some((heard, Some(away)))
            }
        }
    }
}
