//! File formats shared by import, export and archive.

pub(crate) mod column;
mod output;
pub mod parquet;

pub use output::OutputColumn;
