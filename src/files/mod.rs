//! File formats shared by import, export and archive.

pub(crate) mod column;
mod output;
pub mod parquet;
pub(crate) mod units;

pub use output::OutputColumn;
