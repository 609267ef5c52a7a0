//! The operator's aircraft table: reads it in all common forms, and reloads it when it changes.

mod basestation;
mod columns;
mod fields;
#[cfg(test)]
mod fuzz;
mod loaded;
mod loader;
mod watch;

pub use loaded::LoadedTable;
pub use loader::{TableError, load_table};
pub use watch::{TableStatus, TableWatch};
