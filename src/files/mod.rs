//! File formats shared by import, export and archive.

pub(crate) mod column;
pub mod parquet;
pub(crate) mod units;
