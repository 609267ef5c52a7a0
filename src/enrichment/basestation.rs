//! BaseStation's database of aircraft, which Virtual Radar Server and others use, too.

use std::path::Path;

use actors::domain::Icao24;
use actors::enrichment::{AircraftFlags, TableBuilder, TableEntry};
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel::sqlite::SqliteConnection;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::columns::description;
use super::loaded::LoadedTable;

/// The first bytes of a SQLite database.
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";

const SELECT: &str = "SELECT CAST(ModeS AS TEXT) AS address, CAST(Registration AS TEXT) AS registration, \
                      CAST(ICAOTypeCode AS TEXT) AS type_code, CAST(Manufacturer AS TEXT) AS manufacturer, \
                      CAST(Type AS TEXT) AS model, CAST(RegisteredOwners AS TEXT) AS operator FROM Aircraft";

#[derive(QueryableByName)]
struct Aircraft {
    #[diesel(sql_type = Nullable<Text>)]
    address: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    registration: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    type_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    manufacturer: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    model: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    operator: Option<String>,
}

/// Reads the table `Aircraft`. Creates no file, even next to the database.
pub(super) fn load(path: &Path) -> Result<LoadedTable, String> {
    let path = std::path::absolute(path).map_err(|error| error.to_string())?;
    let text = path.to_str().ok_or("the path is not UTF-8")?;
    // A log contains the newest writes of a process that has the database open.
    let has_log = ["-wal", "-journal"].iter().any(|suffix| Path::new(&format!("{text}{suffix}")).exists());
    let immutable = if has_log { "" } else { "&immutable=1" };
    let location = format!("file:{}?mode=ro{immutable}", utf8_percent_encode(text, NON_ALPHANUMERIC));
    let mut connection = SqliteConnection::establish(&location).map_err(|error| error.to_string())?;
    let rows = diesel::sql_query(SELECT).load_iter::<Aircraft, DefaultLoadingMode>(&mut connection);
    let rows = rows.map_err(|error| format!("not a BaseStation database: {error}"))?;
    let mut builder = TableBuilder::default();
    let (mut bad_rows, mut first_bad_row) = (0, None);
    for (number, row) in (1..).zip(rows) {
        let row = row.map_err(|error| format!("row {number} of Aircraft: {error}"))?;
        match Icao24::parse(row.address.as_deref().unwrap_or_default()) {
            Ok(icao24) => row.add(icao24, &mut builder).map_err(|error| error.to_string())?,
            Err(error) => {
                bad_rows += 1;
                first_bad_row.get_or_insert((number, error.to_string()));
            }
        }
    }
    Ok(LoadedTable { table: builder.build(), format: "BaseStation", bad_rows, first_bad_row })
}

impl Aircraft {
    fn add(&self, icao24: Icao24, builder: &mut TableBuilder) -> Result<(), actors::enrichment::TableTooLarge> {
        let [registration, type_code] =
            [&self.registration, &self.type_code].map(|text| text.as_deref().unwrap_or_default().to_ascii_uppercase());
        let [manufacturer, model] = [&self.manufacturer, &self.model].map(|text| text.as_deref().unwrap_or_default());
        let entry = TableEntry {
            registration: Some(&registration),
            type_code: Some(&type_code),
            description: Some(&description(manufacturer, model)),
            operator: self.operator.as_deref(),
            flags: AircraftFlags::default(),
        };
        builder.add(icao24, &entry)
    }
}
