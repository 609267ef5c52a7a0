//! File formats shared by import, export, archive and enrichment.

pub(crate) mod column;
pub(crate) mod content;
pub(crate) mod lines;
mod output;
pub mod parquet;
pub(crate) mod stream;

pub use output::OutputColumn;
