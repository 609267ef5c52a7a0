//! Detection on the stream: which aircraft squawk an emergency.

mod alerts;

pub use alerts::{Alert, AlertWatch, Emergency};
