//! The routing table: every path that this server serves.

use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, Resource, Responder, Scope, web};
use pastey::paste;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

use super::admin::login_throttle::LoginThrottle;
use super::admin::{actions, actors, events, notify, rules};
use super::api::openapi::Description;
use super::api::{
    aircraft, alerts, coverage, flights, history, openapi, past_flights, stats, status, stream, track, tracks,
};
use super::compat::CompatApis;
use super::compat::opensky::reply::credits_left;
use super::compat::opensky::{flights as opensky_flights, states, token, tracks as opensky_tracks};
use super::compat::readsb::{files, v2};
use super::cors::{AllowedOrigins, cors, explain_rejections};
use super::methods::Methods;
use super::ops::{health, metrics, page};
use super::reply::encoding::compress;
use super::reply::problem::Problem;
use super::state::ServerState;

/// Generates two functions per group: one returns the resources of its handlers, and the other describes its operations.
/// The method and the path of each handler come from its `#[utoipa::path]`.
macro_rules! endpoints {
    ($($(#[$doc:meta])* fn $group:ident { $($module:ident::$handler:ident,)+ })+) => { paste! {$(
        $(#[$doc])*
        fn $group(scope: &str) -> Vec<Resource> {
            vec![$(endpoint::<$module::[<__path_ $handler>], _, _>(scope, $module::$handler),)+]
        }

        /// The OpenAPI description of this group.
        fn [<describe_ $group>]() -> Document {
            #[derive(OpenApi)]
            #[openapi(paths($($module::$handler,)+))]
            struct Operations;

            Operations::openapi()
        }
    )+}};
}

endpoints! {
    /// Endpoints for the operator of this server. Pages of other origins have no access.
    fn operations {
        health::live,
        health::ready,
        metrics::metrics,
        actors::actors,
        events::events,
        actions::restart,
        actions::pause_polling,
        actions::resume_polling,
        actions::drain,
        notify::test_endpoint,
        rules::edit_rules,
        rules::rules,
    }

    /// Event streams, which do their own content encoding.
    fn streams {
        stream::sse_flights,
        stream::stream,
    }

    /// Endpoints below [`API`].
    fn api {
        flights::flights,
        aircraft::known_aircraft,
        aircraft::one_aircraft,
        past_flights::past_flights,
        alerts::alerts,
        track::track,
        tracks::tracks,
        stats::stats,
        coverage::coverage,
        history::history,
        status::status,
        openapi::document,
    }

    /// readsb's files, and the `/v2` API of its aggregators.
    fn readsb {
        files::aircraft,
        files::receiver,
        v2::all,
        v2::point,
        v2::dist,
        v2::closest,
        v2::hex,
        v2::icao,
        v2::callsign,
        v2::sqk,
        v2::squawk,
        v2::reg,
        v2::registration,
        v2::type_code,
        v2::mil,
    }

    /// OpenSky's REST API below [`OPENSKY`].
    fn opensky {
        states::all_states,
        states::own_states,
        opensky_flights::all_flights,
        opensky_flights::flights_of_aircraft,
        opensky_flights::arrivals,
        opensky_flights::departures,
        opensky_tracks::track_of_flight,
        token::token,
    }
}

/// Returns the other addresses of OpenSky's tracks, of which clients use all.
fn other_paths_of_tracks() -> [Resource; 2] {
    ["/tracks", "/tracks/"].map(|path| Methods::Read.resource(path, opensky_tracks::track_of_flight))
}

/// The path of the token on OpenSky's authentication server, for clients of which only the host can be changed.
const OPENSKY_TOKEN: &str = "/auth/realms/opensky-network/protocol/openid-connect/token";

/// Returns the resources of the web page, which the OpenAPI description omits.
fn web_page() -> [Resource; 4] {
    [
        Methods::Read.resource("/", page::page),
        Methods::Read.resource("/admin", page::admin),
        Methods::Read.resource("/admin/", page::admin_with_slash),
        Methods::Read.resource("/assets/{name}", page::asset),
    ]
}

const API: &str = "/api/v1";
const OPENSKY: &str = "/api";

/// The routes and the state that their handlers share. Clones share the same state.
#[derive(Clone)]
pub(super) struct Routes {
    state: web::Data<ServerState>,
    origins: AllowedOrigins,
    compat: CompatApis,
    description: web::Data<Description>,
    login_throttle: web::Data<LoginThrottle>,
    watchers: web::Data<events::Watchers>,
}

impl Routes {
    pub(super) fn new(state: ServerState, origins: AllowedOrigins, compat: CompatApis) -> Self {
        Self {
            state: web::Data::new(state),
            origins,
            compat,
            description: web::Data::new(description(compat)),
            login_throttle: web::Data::default(),
            watchers: web::Data::default(),
        }
    }

    pub(super) fn configure(&self, app: &mut web::ServiceConfig) {
        app.app_data(self.state.clone())
            .app_data(self.description.clone())
            .app_data(self.login_throttle.clone())
            .app_data(self.watchers.clone());
        for resource in web_page() {
            app.service(resource);
        }
        for resource in operations("") {
            app.service(resource);
        }
        for resource in streams("") {
            app.service(resource.wrap(cors(&self.origins)).wrap(from_fn(explain_rejections)));
        }
        let api = api(API).into_iter().fold(web::scope(API), Scope::service);
        app.service(api.wrap(from_fn(compress)).wrap(cors(&self.origins)).wrap(from_fn(explain_rejections)));
        if self.compat.readsb {
            for resource in readsb("") {
                let resource = resource.wrap(from_fn(compress));
                app.service(resource.wrap(cors(&self.origins)).wrap(from_fn(explain_rejections)));
            }
        }
        if self.compat.opensky {
            let token = Methods::Post.resource(OPENSKY_TOKEN, token::token);
            app.service(token.wrap(cors(&self.origins)).wrap(from_fn(explain_rejections)));
            let resources = opensky(OPENSKY).into_iter().chain(other_paths_of_tracks());
            let opensky = resources.fold(web::scope(OPENSKY), Scope::service).wrap(credits_left());
            app.service(opensky.wrap(from_fn(compress)).wrap(cors(&self.origins)).wrap(from_fn(explain_rejections)));
        }
        #[cfg(feature = "fault-injection")]
        app.route("/admin/actors/{name}/panic", web::post().to(actors::panic));
        app.default_service(web::to(|| async { Err::<&str, _>(Problem::not_found("no resource at this path")) }));
    }
}

/// Describes the operations that are served.
fn description(compat: CompatApis) -> Description {
    let mut groups = vec![describe_operations(), describe_streams(), describe_api()];
    if compat.readsb {
        groups.push(describe_readsb());
    }
    if compat.opensky {
        groups.push(describe_opensky());
    }
    Description::new(groups)
}

/// The paths that support `PUT`, too. The handler of `PUT` is listed before that of `GET`.
const WITH_PUT: [&str; 1] = ["/admin/rules"];

/// Returns the resource of a handler. Its path is the one in the description, relative to `scope`.
fn endpoint<D, F, Args>(scope: &str, handler: F) -> Resource
where
    D: utoipa::Path,
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let path = D::path();
    let methods = match Methods::described_by::<D>() {
        Methods::Read if WITH_PUT.contains(&path.as_str()) => Methods::ReadBesidePut,
        methods => methods,
    };
    methods.resource(path.strip_prefix(scope).unwrap_or(&path), handler)
}

#[cfg(test)]
mod tests {
    use ::actors::domain::FIELDS;

    use super::*;

    const ALL: CompatApis = CompatApis { opensky: true, readsb: true };

    /// Paths and query parameters that OpenSky requires.
    const REQUIRED_BY_OPENSKY: &[(&str, &str)] = &[
        ("/api/flights/all", "begin"),
        ("/api/flights/all", "end"),
        ("/api/flights/aircraft", "icao24"),
        ("/api/flights/aircraft", "begin"),
        ("/api/flights/aircraft", "end"),
        ("/api/flights/arrival", "airport"),
        ("/api/flights/arrival", "begin"),
        ("/api/flights/arrival", "end"),
        ("/api/flights/departure", "airport"),
        ("/api/flights/departure", "begin"),
        ("/api/flights/departure", "end"),
        ("/api/tracks/all", "icao24"),
    ];

    #[test]
    fn every_operation_is_documented() {
        let description = description(ALL);
        for (path, item) in description.json()["paths"].as_object().unwrap() {
            let (method, operation) = item.as_object().unwrap().iter().next().unwrap();
            assert!(operation["summary"].is_string() && operation["tags"][0] != "crate", "{path}: {operation}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(parameter["description"].as_str().is_some_and(|text| !text.is_empty()), "{path}: {parameter}");
                assert!(parameter["schema"].is_object(), "{path}: {parameter}");
                let is_required = parameter["in"] == "path"
                    || REQUIRED_BY_OPENSKY.iter().any(|(of, name)| of == path && parameter["name"] == *name);
                assert_eq!(parameter["required"] == true, is_required, "{path}: {parameter}");
            }
            let success = if method == "get" || operation["tags"][0] == "opensky" { "200" } else { "202" };
            assert!(operation["responses"][success]["content"].is_object(), "{path}");
            assert!(operation["responses"]["default"].is_object(), "{path}");
        }
        let state = &description.json()["components"]["schemas"]["StateVector"];
        assert_eq!(state["required"].as_array().unwrap().len(), FIELDS.len(), "{state}");
        assert_eq!(state["properties"].as_object().unwrap().len(), FIELDS.len());
    }

    #[test]
    fn paths_with_put_are_listed() {
        let description = description(ALL);
        let paths = description.json()["paths"].as_object().unwrap().iter();
        let with_put: Vec<_> = paths.filter(|(_, item)| item["put"].is_object()).map(|(path, _)| path).collect();
        assert_eq!(with_put, WITH_PUT);
    }

    #[test]
    fn operation_ids_are_unique() {
        let description = description(ALL);
        let operations = description.json()["paths"].as_object().unwrap().values().flat_map(|item| item.as_object());
        let ids: Vec<_> =
            operations.flat_map(|item| item.values()).map(|operation| &operation["operationId"]).collect();
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    }
}
