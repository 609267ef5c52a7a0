use actix_web::{FromRequest, Handler, Resource, Responder, guard, web};
use utoipa::openapi::HttpMethod;

use super::reply::problem::Problem;

/// The methods that a path supports; all others get 405.
#[derive(Clone, Copy)]
pub(super) enum Methods {
    Read,
    Post,
}

impl Methods {
    pub(super) fn described_by<D: utoipa::Path>() -> Self {
        if D::methods().contains(&HttpMethod::Post) { Self::Post } else { Self::Read }
    }

    /// Returns the value of the `Allow` header.
    pub(super) fn allow(self) -> &'static str {
        match self {
            Self::Read => "GET, HEAD",
            Self::Post => "POST",
        }
    }

    pub(super) fn resource<F, Args>(self, path: &str, handler: F) -> Resource
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = match self {
            Self::Read => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
            Self::Post => web::post(),
        };
        let not_allowed = move || async move { Err::<&str, _>(Problem::method_not_allowed(self.allow())) };
        web::resource(path).route(route.to(handler)).default_service(web::to(not_allowed))
    }
}
