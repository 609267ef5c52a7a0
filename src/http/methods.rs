use actix_web::{FromRequest, Handler, Resource, Responder, guard, web};
use utoipa::openapi::HttpMethod;

use super::reply::problem::Problem;

/// The methods that a path supports; all others get 405.
#[derive(Clone, Copy)]
pub(super) enum Methods {
    Read,
    Post,
    /// `PUT`, next to another resource at the same path, which answers all other methods.
    Put,
    /// Like `Read`, next to a resource for `PUT`.
    ReadBesidePut,
}

impl Methods {
    pub(super) fn described_by<D: utoipa::Path>() -> Self {
        match D::methods().first() {
            Some(HttpMethod::Post) => Self::Post,
            Some(HttpMethod::Put) => Self::Put,
            _ => Self::Read,
        }
    }

    /// Returns the value of the `Allow` header.
    pub(super) fn allow(self) -> &'static str {
        match self {
            Self::Read => "GET, HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::ReadBesidePut => "GET, HEAD, PUT",
        }
    }

    pub(super) fn resource<F, Args>(self, path: &str, handler: F) -> Resource
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = match self {
            Self::Put => return web::resource(path).guard(guard::Put()).route(web::put().to(handler)),
            Self::Read | Self::ReadBesidePut => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
            Self::Post => web::post(),
        };
        let not_allowed = move || async move { Err::<&str, _>(Problem::method_not_allowed(self.allow())) };
        web::resource(path).route(route.to(handler)).default_service(web::to(not_allowed))
    }
}
