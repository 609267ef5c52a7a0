use std::io::Write as _;

use actors::enrichment::{AircraftTable, TableEntry};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn load_bytes(bytes: &[u8]) -> Result<LoadedTable, String> {
    let folder = folder();
    let path = folder.path().join("table");
    std::fs::write(&path, bytes).unwrap();
    let text = |error: TableError| error.to_string().replace(folder.path().to_str().unwrap(), "");
    load_table(&path).map_err(text)
}

fn entry(table: &AircraftTable, address: &str) -> Vec<String> {
    let TableEntry { registration, type_code, description, operator, flags } =
        table.get(Icao24::parse(address).unwrap());
    let texts = [registration, type_code, description, operator].map(|text| text.unwrap_or("-").to_owned());
    texts.into_iter().chain([flags.0.to_string()]).collect()
}

const TAR1090: &str = "\
a00001;N1;C560;00;CESSNA 560 Citation V;;FEDERAL AVIATION ADMINISTRATION
ae1460;04-4128;C17;10;BOEING C-17A Globemaster 3;;United States Air Force;
4b1814;HB-JCA;BCS3;0001;;;
";

#[test]
fn tar1090_db_is_read_plain_and_compressed() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(TAR1090.as_bytes()).unwrap();
    let zstd = zstd::encode_all(TAR1090.as_bytes(), 1).unwrap();
    for bytes in [TAR1090.as_bytes(), &gzip.finish().unwrap(), &zstd] {
        let loaded = load_bytes(bytes).unwrap();
        assert_eq!((loaded.format, loaded.table.len(), loaded.bad_rows), ("tar1090-db", 3, 0));
        let owner = "FEDERAL AVIATION ADMINISTRATION";
        assert_eq!(entry(&loaded.table, "a00001"), ["N1", "C560", "CESSNA 560 Citation V", owner, "0"]);
        assert_eq!(entry(&loaded.table, "ae1460")[4], "1");
        assert_eq!(entry(&loaded.table, "4b1814"), ["HB-JCA", "BCS3", "-", "-", "8"]);
    }
}

#[test]
fn both_forms_of_openskys_database_are_read() {
    let older = "\"icao24\",\"registration\",\"manufacturericao\",\"manufacturername\",\"model\",\"typecode\",\"serialnumber\",\
                 \"linenumber\",\"icaoaircrafttype\",\"operator\",\"operatorcallsign\",\"operatoricao\",\"operatoriata\",\"owner\"\n\
                 \"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"\n\
                 \"aa3487\",\"N757F\",\"RAYTHEON\",\"Raytheon Aircraft Company\",\"A36\",\"BE36\",\"E-3251\",\"\",\"L1P\",\"\",\"\",\"\",\"\",\"Smith, \"\"Bob\"\"\"\n";
    let loaded = load_bytes(older.as_bytes()).unwrap();
    assert_eq!((loaded.table.len(), loaded.bad_rows, loaded.first_bad_row.unwrap().0), (1, 1, 2));
    let expected = ["N757F", "BE36", "Raytheon Aircraft Company A36", "Smith, \"Bob\"", "0"];
    assert_eq!(entry(&loaded.table, "aa3487"), expected);
    let newer = "'icao24','timestamp','acars','adsb','built','categoryDescription','country','icaoAircraftClass',\
                 'manufacturerIcao','manufacturerName','model','modes','operator','operatorIcao','owner','registration','typecode'\n\
                 '4b1814','2020-01-01 00:00:00',0,0,,'','Switzerland','L2J','AIRBUS','Airbus','A220-300','1','O'Leary','SWR','','hb-jca','bcs3'\n";
    let loaded = load_bytes(newer.as_bytes()).unwrap();
    assert_eq!(entry(&loaded.table, "4b1814"), ["HB-JCA", "BCS3", "Airbus A220-300", "O'Leary", "0"]);
}

#[test]
fn an_own_table_has_any_separator_and_order_of_columns() {
    for table in [
        "\u{feff}icao24,registration,type,operator,military\r\n4B1814,HB-JCA,BCS3,Swiss,yes\r\n",
        "Operator;Military;Hex;Type code;Reg\n\nSwiss;true;4b1814;BCS3;HB-JCA\n",
        "t\tr\thex\townOp\tmil\nBCS3\tHB-JCA\t4b1814\tSwiss\t1",
    ] {
        let loaded = load_bytes(table.as_bytes()).unwrap();
        assert_eq!(loaded.format, "CSV");
        assert_eq!(entry(&loaded.table, "4b1814"), ["HB-JCA", "BCS3", "-", "Swiss", "1"], "{table}");
    }
}

#[test]
fn a_basestation_database_is_read_without_creating_a_file() {
    let folder = folder();
    let path = folder.path().join("Base Station?.sqb");
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection
        .batch_execute(
            "CREATE TABLE Aircraft (AircraftID INTEGER PRIMARY KEY, ModeS VARCHAR(6) NOT NULL UNIQUE, Registration \
             VARCHAR(20), Manufacturer VARCHAR(60), ICAOTypeCode VARCHAR(10), Type VARCHAR(40), RegisteredOwners \
             VARCHAR(100));
             INSERT INTO Aircraft VALUES (1, '4B1814', 'HB-JCA', 'Airbus', 'BCS3', 'A220-300', 'Swiss'),
             (2, 400001, NULL, NULL, NULL, NULL, NULL), (3, '?', 'X', '', '', '', '')",
        )
        .unwrap();
    drop(connection);
    let loaded = load_table(&path).unwrap();
    assert_eq!((loaded.format, loaded.table.len(), loaded.bad_rows), ("BaseStation", 2, 1));
    assert_eq!(entry(&loaded.table, "4b1814"), ["HB-JCA", "BCS3", "Airbus A220-300", "Swiss", "0"]);
    assert_eq!(entry(&loaded.table, "400001"), ["-", "-", "-", "-", "0"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    // Another SQLite database.
    let other = folder.path().join("other.db");
    SqliteConnection::establish(other.to_str().unwrap()).unwrap().batch_execute("CREATE TABLE t (x)").unwrap();
    let error = load_table(&other).unwrap_err().to_string();
    assert!(error.contains("other.db: not a BaseStation database: no such table"), "{error}");
}

#[test]
fn invalid_rows_are_counted_one_by_one() {
    let long = "x".repeat(MAX_LINE);
    let table =
        format!("icao24,registration\n4b1814,A\nzzz,B\n4b1815,\"C\n4b1816,{long}\n4b1817,D\n4b1818,E\n4b1819,F\n");
    let loaded = load_bytes(table.as_bytes()).unwrap();
    assert_eq!((loaded.table.len(), loaded.bad_rows), (4, 3));
    let (line, reason) = loaded.first_bad_row.unwrap();
    assert_eq!((line, &*reason), (3, "\"zzz\" is not an ICAO 24-bit address (six hex digits)"));
}

#[test]
fn the_error_for_a_wrong_file_names_the_file_and_the_line() {
    let check = |bytes: &[u8], expected: &str| {
        let error = load_bytes(bytes).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    };
    check(b"", "/table: the file is empty");
    check(b"\n\n", "/table: the file is empty");
    check(b"name,age\nBob,3\n", "/table:1: no column icao24 or hex in the header line, which has: name, age");
    check(b"icao24\n4b1814\n", "/table:1: no column in addition to the address");
    check(b"icao24,reg\n", "/table: no aircraft in it");
    check(
        b"icao24,reg\n4b1814,A\nx,B\ny,C\n",
        "/table:3: \"x\" is not an ICAO 24-bit address (six hex digits); 2 rows",
    );
    check(b"<html>", "/table:1: the file is HTML or XML");
    check(b"[{\"hex\":", "/table:1: the file is JSON");
    check(b"PK\x03\x04\0\0", "/table:1: the file is a ZIP archive");
    check(b"\x7fELF\0\0\x01", "/table:1: the file is binary");
    check(&[b'x'; MAX_LINE + 1], "/table:1: the line has more than");
    let zstd = zstd::encode_all(TAR1090.repeat(5000).as_bytes(), 1).unwrap();
    check(&zstd[..zstd.len() / 2], "/table: the zstd data ends too early");
    check(b"SQLite format 3\0 and nothing else", "/table: not a BaseStation database");
    assert!(
        load_table(Path::new("/nonexistent/x")).unwrap_err().to_string().starts_with("/nonexistent/x: No such file")
    );
    assert_eq!(load_table(Path::new("/")).unwrap_err().to_string(), "/: not a file");
}
