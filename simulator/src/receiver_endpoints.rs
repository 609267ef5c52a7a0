//! A receiver's `/data/aircraft.json` and `/data/receiver.json`, as readsb writes them.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::faults::Target;
use crate::json_door::{immediate_fault, respond};
use crate::rows::{push_decimal, push_integer};
use crate::state::{State, count};

const WRONG_TYPES: &str = r#"{"now":"just now","messages":"many","aircraft":{"0":{"hex":12}}}"#;

/// `GET /data/aircraft.json`.
pub(crate) async fn aircraft_json(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    count(&state.counts.aircraft_json);
    if let Some(response) = immediate_fault(&state, &request, Target::AircraftJson).await {
        return response;
    }
    respond(&state, Target::AircraftJson, WRONG_TYPES, |content| {
        let now = content.now;
        let mut array = content.array();
        if !content.is_quiet {
            for heard in content.known.all(now).filter(|heard| heard.is_listed(now)) {
                content.maybe_spoil(&mut array);
                array.push(&heard, None);
            }
            content.complete(&mut array);
        }
        let (aircraft, told) = array.finish();
        let mut body = Vec::with_capacity(aircraft.len() + 100);
        body.extend_from_slice(b"{ \"now\" : ");
        push_decimal::<3>(&mut body, now as f64 / 1_000.0);
        body.extend_from_slice(b",\n  \"messages\" : ");
        push_integer(&mut body, content.sky.total_messages(told.len(), now));
        body.extend_from_slice(b",\n  \"aircraft\" : ");
        body.extend_from_slice(&aircraft);
        body.extend_from_slice(b"\n}\n");
        (body, told)
    })
}

/// `GET /data/receiver.json`.
pub(crate) async fn receiver_json(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "version": concat!("simulator ", env!("CARGO_PKG_VERSION")),
        "refresh": 1_000,
        "history": 0,
        "lat": state.receiver.lat,
        "lon": state.receiver.lon,
    }))
}
