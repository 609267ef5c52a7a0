//! Responses: bodies, encodings, media types, entity tags, problem documents, and the limits on them.

pub(crate) mod buffered_response;
pub(crate) mod content_negotiation;
pub(crate) mod encoding;
pub(crate) mod entity_tag;
pub(crate) mod geojson;
pub(crate) mod head_body;
pub(crate) mod limits;
pub(crate) mod problem;
pub(crate) mod sliced_body;
