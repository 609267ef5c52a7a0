use crate::config::section::section;
use crate::config::values::TableFile;

section! {
    /// What is known about aircraft in addition to their state vectors.
    pub struct EnrichmentSettings in "enrichment" {
        /// A table of aircraft, for registrations, types and operators: aircraft.csv.gz of tar1090-db, BaseStation.sqb,
        /// OpenSky's aircraft database, or a CSV file of one's own. It is loaded again when it changes. Empty: none.
        aircraft_table: Option<TableFile> = "";
    }
}
