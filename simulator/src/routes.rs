//! Routes, and the endpoints that control the simulator.

use actix_web::middleware::Compress;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use crate::faults::{Fault, Target};
use crate::state::State;
use crate::{community, receiver_endpoints, states, token_endpoint};

pub(crate) const TOKEN_PATH: &str = "/auth/realms/opensky-network/protocol/openid-connect/token";

/// Registers every endpoint.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/api/states/all").wrap(Compress::default()).route(web::get().to(states::states)))
        .service(web::resource(TOKEN_PATH).route(web::post().to(token_endpoint::token)))
        .service(
            web::resource("/_faults")
                .route(web::get().to(pending_faults))
                .route(web::post().to(add_fault))
                .route(web::delete().to(clear_faults)),
        )
        .service(
            web::resource("/data/aircraft.json")
                .wrap(Compress::default())
                .route(web::get().to(receiver_endpoints::aircraft_json)),
        )
        .service(web::resource("/data/receiver.json").route(web::get().to(receiver_endpoints::receiver_json)))
        .configure(community::routes)
        .service(web::resource("/_served").route(web::get().to(all_served)));
}

async fn pending_faults(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "waiting": state.faults.pending(), "struck": state.faults.injected() }))
}

async fn add_fault(state: web::Data<State>, body: web::Bytes) -> HttpResponse {
    let added = serde_json::from_slice::<Fault>(&body)
        .map_err(|error| error.to_string())
        .and_then(|fault| state.faults.add(fault).map_err(|error| error.to_string()));
    match added {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(error) => HttpResponse::BadRequest().json(json!({ "error": error })),
    }
}

async fn clear_faults(state: web::Data<State>) -> HttpResponse {
    state.faults.clear();
    HttpResponse::NoContent().finish()
}

#[derive(Deserialize)]
struct ServedQuery {
    target: Option<Target>,
}

async fn all_served(state: web::Data<State>, query: web::Query<ServedQuery>) -> HttpResponse {
    let Some(served) = state.served(query.target.unwrap_or(Target::States)) else {
        return HttpResponse::NotFound()
            .json(json!({ "error": "served states are not recorded: set remember_served" }));
    };
    let served = served.all();
    let lines: String = served
        .states
        .iter()
        .map(|(address, contact)| format!("{{\"icao24\":\"{address:06x}\",\"last_contact\":{contact}}}\n"))
        .collect();
    HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header(("X-Simulator-Forgotten", served.forgotten))
        .body(lines)
}
