use actors::enrichment::AircraftTable;

/// A table, and how it was read.
#[derive(Debug)]
pub struct LoadedTable {
    /// The aircraft.
    pub table: AircraftTable,
    /// The form of the file.
    pub format: &'static str,
    /// The number of rows that were left out because they are invalid.
    pub bad_rows: u64,
    /// The first of them: its line, and what is invalid.
    pub first_bad_row: Option<(u64, String)>,
}
