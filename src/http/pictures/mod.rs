//! The whole live picture as a response, rendered and compressed once for all clients.

mod cache;
mod newest;

pub use cache::PictureCache;
pub(crate) use cache::{PictureFormat, entity_tag};
