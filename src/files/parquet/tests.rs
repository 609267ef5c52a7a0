use std::fs;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;

use actors::domain::{FIELDS, Field, Icao24, StateVector, UnixTime};
use bytes::Bytes;
use parquet::basic::{Encoding, LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::file::metadata::{KeyValue, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};
use proptest::prelude::*;

use super::*;
use crate::samples::any_state;
use crate::sources::opensky::wire::parse_states;

const NUMBER_TYPES: [NumberType; 2] = [NumberType::Decimal, NumberType::Double];

fn written(states: &[StateVector], numbers: NumberType) -> Bytes {
    let mut file = ParquetFile::new(FIELDS, numbers, Vec::new()).unwrap();
    for state in states {
        file.row(&state.borrowed());
        file.write().unwrap();
    }
    file.finish().unwrap().into()
}

fn read(file: Bytes) -> Result<Vec<Result<StateVector, String>>, String> {
    let mut rows = ParquetRows::new(file, Arc::default())?;
    std::iter::from_fn(|| rows.next_row().transpose()).collect()
}

fn valid(file: Bytes) -> Vec<StateVector> {
    read(file).unwrap().into_iter().map(Result::unwrap).collect()
}

fn metadata(file: &Bytes) -> ParquetMetaData {
    ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required).parse_and_finish(file).unwrap()
}

fn sorted(mut states: Vec<StateVector>) -> Vec<StateVector> {
    states.sort_by_key(|state| (state.icao24, state.last_contact));
    states
}

fn state(icao24: u32, last_contact: i64) -> StateVector {
    StateVector::new(Icao24::from_u32(icao24), UnixTime(last_contact))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_valid_state_vector_round_trips(
        states in prop::collection::vec(any_state(), 1..100),
        rows in 0_usize..2_500,
    ) {
        let states: Vec<_> = states.into_iter().cycle().take(rows).collect();
        let expected = sorted(states.clone());
        for numbers in NUMBER_TYPES {
            prop_assert_eq!(&valid(written(&states, numbers)), &expected);
        }
    }
}

#[test]
fn every_recorded_answer_round_trips_to_the_last_decimal() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut answers = 0;
    for folder in ["tests/data/opensky", "simulator/tests/data"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let states = sorted(parse_states(&fs::read(&path).unwrap()).unwrap().states);
            for numbers in NUMBER_TYPES {
                let file = written(&states, numbers);
                let again = valid(file.clone());
                assert_eq!(again, states, "{}", path.display());
                assert_eq!(written(&again, numbers), file, "{}", path.display());
                answers += 1;
            }
        }
    }
    assert!(answers > 4, "{answers}");
}

#[test]
fn words_that_mean_unknown_elsewhere_are_texts_in_our_own_files() {
    for text in ["NULL", "NaN", "None", "\\N", "077"] {
        let row = StateVector { callsign: Some(text.into()), squawk: Some(text.into()), ..state(1, 1) };
        assert_eq!(valid(written(std::slice::from_ref(&row), NumberType::Decimal)), [row]);
    }
}

#[test]
fn rows_are_sorted_within_a_row_group_and_equal_keys_keep_their_order() {
    let with = |icao24, time, velocity| StateVector { velocity: Some(velocity), ..state(icao24, time) };
    let rows = [with(2, 1, 0.0), with(1, 3, 1.0), with(1, -2, 2.0), with(2, 1, 3.0), with(1, 3, 4.0)];
    let velocities = |states: &[StateVector]| states.iter().filter_map(|state| state.velocity).collect::<Vec<_>>();
    let mut buffer = RowBuffer::new(FIELDS);
    rows.iter().for_each(|row| buffer.push(&row.borrowed()));
    assert_eq!(buffer.len(), rows.len());
    let file = write_file(&buffer, NumberType::Decimal, Vec::new()).unwrap();
    assert_eq!(velocities(&valid(file.into())), [2.0, 1.0, 4.0, 0.0, 3.0]);

    let mut file = ParquetFile::new(FIELDS, NumberType::Double, Vec::new()).unwrap();
    file.row(&rows[0].borrowed());
    file.write_buffer(&buffer).unwrap();
    file.row(&rows[2].borrowed());
    let file = Bytes::from(file.finish().unwrap());
    assert_eq!(metadata(&file).num_row_groups(), 3);
    assert_eq!(velocities(&valid(file)), [0.0, 2.0, 1.0, 4.0, 0.0, 3.0, 2.0]);
}

#[test]
fn a_file_has_its_version_its_order_and_an_index_of_its_pages() {
    let rows: Vec<_> = (0..60_000).map(|row| state(row / 100, i64::from(row % 100))).collect();
    let mut file = ParquetFile::new(FIELDS, NumberType::Decimal, Vec::new()).unwrap();
    file.add_metadata("topic", "telemetry.raw");
    rows.iter().for_each(|row| file.row(&row.borrowed()));
    let metadata = metadata(&file.finish().unwrap().into());
    let entries = metadata.file_metadata().key_value_metadata().unwrap();
    let value = |key: &str| entries.iter().find(|entry| entry.key == key).and_then(|entry| entry.value.as_deref());
    assert_eq!((value("flight-monitor.schema"), value("topic")), (Some("1"), Some("telemetry.raw")));
    let program = metadata.file_metadata().created_by().unwrap();
    assert!(program.starts_with("flight-monitor version "), "{program}");
    let group = metadata.row_group(0);
    let order: Vec<_> = group.sorting_columns().unwrap().iter().map(|column| column.column_idx as usize).collect();
    assert_eq!(order, ["icao24", "last_contact"].map(|name| FIELDS.iter().position(|it| it.name == name).unwrap()));
    assert_eq!(group.column(0).statistics().unwrap().max_bytes_opt(), Some(&b"000257"[..]));
    let index = metadata.page_index_for_row_group(0);
    let pages = index.offset_index(0).unwrap().page_locations();
    assert!(pages.len() > 1 && index.column_index(0).is_some(), "{pages:?}");
    for (field, column) in FIELDS.iter().zip(group.columns()) {
        let plain = column.encodings().any(|encoding| encoding == Encoding::PLAIN);
        assert!(!plain || column.dictionary_page_offset().is_some(), "{}", field.name);
    }
}

#[test]
fn an_empty_buffer_is_a_file_without_rows() {
    let file = write_file(&RowBuffer::new(FIELDS), NumberType::Decimal, Vec::new()).unwrap();
    assert_eq!(valid(file.into()), []);
}

#[test]
fn only_the_selected_fields_are_written_in_their_order() {
    let fields: Vec<_> = ["lat", "last_contact", "icao24"].iter().filter_map(|name| Field::named(name)).collect();
    let mut buffer = RowBuffer::new(&fields);
    let rows = [StateVector { lat: Some(-89.999_999), velocity: Some(1.0), ..state(2, 5) }, state(1, 7)];
    rows.iter().for_each(|row| buffer.push(&row.borrowed()));
    let file = Bytes::from(write_file(&buffer, NumberType::Decimal, Vec::new()).unwrap());
    let schema = metadata(&file).file_metadata().schema_descr_ptr();
    assert_eq!(
        schema.columns().iter().map(|column| column.name()).collect::<Vec<_>>(),
        ["lat", "last_contact", "icao24"]
    );
    assert_eq!(valid(file), [state(1, 7), StateVector { lat: Some(-89.999_999), ..state(2, 5) }]);
    let mut file = ParquetFile::new(FIELDS, NumberType::Decimal, Vec::new()).unwrap();
    assert!(file.write_buffer(&buffer).unwrap_err().to_string().contains("other fields"));
}

#[test]
fn values_that_no_valid_state_vector_has_are_written_as_unknown() {
    for invalid in [
        StateVector { velocity: Some(f64::NAN), ..state(1, 0) },
        StateVector { velocity: Some(1e7), ..state(1, 0) },
        StateVector { lat: Some(90.000_001), ..state(1, 0) },
        StateVector { time_position: Some(UnixTime(i64::from(i32::MIN))), ..state(1, 0) },
        StateVector { observed_at: Some(UnixTime(i64::MAX)), ..state(1, 0) },
    ] {
        assert_eq!(valid(written(&[invalid], NumberType::Decimal)), [state(1, 0)]);
    }
}

#[test]
fn a_buffered_row_takes_about_seventy_bytes() {
    let mut buffer = RowBuffer::new(FIELDS);
    for row in 0..100_000 {
        let callsign = format!("SWR{}", row % 5_000);
        buffer.push(&StateVector { callsign: Some(&*callsign), ..state(row, i64::from(row)).borrowed() });
    }
    let bytes = buffer.bytes() / buffer.len();
    assert!((64..90).contains(&bytes), "{bytes}");
    buffer.clear();
    assert!(buffer.is_empty());
}

/// Writes a file of another program, with the three required columns `icao24`, `last_contact` and `lat`.
fn foreign<T: DataType>(lat: Type, values: &[T::T], version: Option<&str>) -> Bytes {
    let text = Type::primitive_type_builder("icao24", PhysicalType::BYTE_ARRAY).with_repetition(Repetition::REQUIRED);
    let time = Type::primitive_type_builder("last_contact", PhysicalType::INT64).with_repetition(Repetition::REQUIRED);
    let columns: Vec<TypePtr> = [text.build().unwrap(), time.build().unwrap(), lat].map(Arc::new).into();
    let schema = Type::group_type_builder("schema").with_fields(columns).build().unwrap();
    let version = version.map(|version| vec![KeyValue::new("flight-monitor.schema".to_owned(), version.to_owned())]);
    let properties = WriterProperties::builder().set_key_value_metadata(version).build();
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties)).unwrap();
    let mut group = file.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&vec!["4b1814".into(); values.len()], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&vec![1; values.len()], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    file.into_inner().unwrap().into()
}

fn lat(physical: PhysicalType, scale: i32, precision: i32, length: i32) -> Type {
    Type::primitive_type_builder("lat", physical)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::decimal(scale, precision)))
        .with_scale(scale)
        .with_precision(precision)
        .with_length(length)
        .build()
        .unwrap()
}

#[test]
fn decimals_are_read_from_each_type_that_other_programs_use() {
    let lats = |file| valid(file).iter().filter_map(|state| state.lat).collect::<Vec<_>>();
    let int32 = foreign::<Int32Type>(lat(PhysicalType::INT32, 4, 9, 0), &[474_502, -900_000], None);
    assert_eq!(lats(int32), [47.4502, -90.0]);
    let whole = foreign::<Int32Type>(lat(PhysicalType::INT32, 0, 9, 0), &[47, -90], None);
    assert_eq!(lats(whole), [47.0, -90.0]);
    let int64 = foreign::<Int64Type>(lat(PhysicalType::INT64, 16, 18, 0), &[474_502_000_000_000_000, -1], None);
    assert_eq!(lats(int64), [47.4502, 0.0]);
    let bytes = [47_450_200_i128, -1].map(|number| FixedLenByteArray::from(number.to_be_bytes().to_vec()));
    let fixed = foreign::<FixedLenByteArrayType>(lat(PhysicalType::FIXED_LEN_BYTE_ARRAY, 6, 38, 16), &bytes, None);
    assert_eq!(lats(fixed), [47.4502, -0.000_001]);
    let bytes = [&[0x02, 0xd4, 0x08, 0x58][..], &[0xff]].map(|bytes| ByteArray::from(bytes.to_vec()));
    let variable = foreign::<ByteArrayType>(lat(PhysicalType::BYTE_ARRAY, 6, 38, 0), &bytes, None);
    assert_eq!(lats(variable), [47.4502, -0.000_001]);
}

#[test]
fn an_invalid_decimal_is_a_bad_row() {
    let rows = [vec![], vec![0x7f; 17], vec![0x7f; 16], vec![1]].map(ByteArray::from);
    let file = foreign::<ByteArrayType>(lat(PhysicalType::BYTE_ARRAY, 0, 38, 0), &rows, None);
    let rows = read(file).unwrap();
    let reasons = ["lat: a decimal without digits", "lat: a decimal with too many digits", "lat 169473963", "4b1814"];
    assert_eq!(rows.len(), reasons.len());
    for (row, reason) in rows.iter().zip(reasons) {
        assert!(format!("{row:?}").contains(reason), "{row:?}");
    }
}

#[test]
fn a_file_of_a_later_layout_is_an_error() {
    let file = |version| foreign::<Int32Type>(lat(PhysicalType::INT32, 4, 9, 0), &[1], Some(version));
    assert!(read(file("1")).is_ok());
    let later = read(file("2")).unwrap_err();
    assert!(later.contains("version 2 of the layout") && later.contains("update the program"), "{later}");
    let invalid = read(file("one")).unwrap_err();
    assert!(invalid.contains("flight-monitor.schema") && invalid.contains("\"one\""), "{invalid}");
}

#[test]
fn a_file_without_a_required_column_is_an_error_that_names_it() {
    let fields: Vec<_> = ["lat", "icao24"].iter().filter_map(|name| Field::named(name)).collect();
    let mut buffer = RowBuffer::new(&fields);
    buffer.push(&state(1, 1).borrowed());
    let file = write_file(&buffer, NumberType::Decimal, Vec::new()).unwrap();
    assert_eq!(read(file.into()), Err("Parquet columns: no column last_contact; found: lat, icao24".to_owned()));
}

#[test]
fn a_damaged_file_is_an_error() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"PAR1 and nothing more").unwrap();
    file.rewind().unwrap();
    let error = ParquetRows::new(file, Arc::default()).err().unwrap();
    assert!(error.contains("invalid Parquet"), "{error}");

    // Damage to the pages shows when they are read.
    let rows: Vec<_> = (0..1_000).map(|row| state(row, 1)).collect();
    let mut bytes = written(&rows, NumberType::Decimal).to_vec();
    let half = bytes.len() / 4;
    bytes[4..half].fill(0xff);
    let error = read(bytes.into()).unwrap_err();
    assert!(error.contains("invalid Parquet"), "{error}");
}
