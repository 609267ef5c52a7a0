//! Stores batches, and maintains the database between them.

mod actor;
mod store_jobs;
mod stored_watermark;

pub use actor::DbWriter;
