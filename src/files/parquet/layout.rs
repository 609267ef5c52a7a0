use std::sync::Arc;

use actors::domain::fields::{icao24, last_contact};
use actors::domain::{Field, FieldKind};
use clap::ValueEnum;
use parquet::basic::{Compression, Encoding, LogicalType, Repetition, TimeUnit, Type as PhysicalType, ZstdLevel};
use parquet::errors::Result;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterPropertiesPtr};
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use crate::files::OutputColumn;

/// The key of the layout's version in a file's metadata.
pub const SCHEMA_KEY: &str = "flight-monitor.schema";

/// The version of the layout. It increases when a column changes its meaning or type, not when a column is added.
pub const SCHEMA_VERSION: u32 = 1;

/// The precision of decimal columns: the most digits that `INT32` may have in Parquet. The numbers of a valid state
/// vector have no more.
const DECIMAL_DIGITS: i32 = 9;

/// The level of zstd. Level 9 makes files 5 % smaller than level 3, for 0.3 µs a row.
const ZSTD_LEVEL: i32 = 9;

/// The maximum number of rows in a page, the smallest unit that a reader can skip. The numbers of a row take 5.6 B with
/// pages of 20,000 rows, and 5.3 B with pages of 100,000.
const ROWS_PER_PAGE: usize = 50_000;

/// The type of the columns for numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum NumberType {
    /// Decimals with the digits that the source sent
    #[default]
    Decimal,
    /// Doubles, for programs that do not support decimals; the file is larger
    Double,
}

/// Returns the schema of a file: columns of fields, and then of other texts.
pub(super) fn schema(columns: &[OutputColumn], texts: &[&'static str], numbers: NumberType) -> Result<TypePtr> {
    let texts = texts.iter().map(|name| {
        let column = Type::primitive_type_builder(name, PhysicalType::BYTE_ARRAY);
        column.with_repetition(Repetition::OPTIONAL).with_logical_type(Some(LogicalType::String)).build()
    });
    let columns = columns.iter().map(|it| column(it, numbers)).chain(texts).map(|it| it.map(Arc::new));
    let schema = Type::group_type_builder("state_vectors").with_fields(columns.collect::<Result<_>>()?);
    Ok(Arc::new(schema.build()?))
}

fn column(column: &OutputColumn, numbers: NumberType) -> Result<Type> {
    let OutputColumn { name, field, .. } = column;
    let repetition = if field.is_required() { Repetition::REQUIRED } else { Repetition::OPTIONAL };
    let column = |physical| Type::primitive_type_builder(name, physical).with_repetition(repetition);
    let logical = |physical, logical| column(physical).with_logical_type(Some(logical));
    match field.kind {
        FieldKind::Address(_) | FieldKind::Text(_) => logical(PhysicalType::BYTE_ARRAY, LogicalType::String),
        FieldKind::Number(_) => match numbers {
            NumberType::Double => column(PhysicalType::DOUBLE),
            NumberType::Decimal => {
                let scale = i32::from(field.decimals);
                logical(PhysicalType::INT32, LogicalType::decimal(scale, DECIMAL_DIGITS))
                    .with_precision(DECIMAL_DIGITS)
                    .with_scale(scale)
            }
        },
        FieldKind::Code(_) => logical(PhysicalType::INT32, LogicalType::integer(16, true)),
        FieldKind::Flag(_) => column(PhysicalType::BOOLEAN),
        FieldKind::Time(_) | FieldKind::KeyTime(_) => {
            logical(PhysicalType::INT64, LogicalType::timestamp(true, TimeUnit::MILLIS))
        }
    }
    .build()
}

/// Returns how the columns are encoded, and the file's metadata, with the version of the layout if it is our own.
pub(super) fn properties(
    columns: &[OutputColumn],
    numbers: NumberType,
    version: Option<u32>,
) -> Result<WriterPropertiesPtr> {
    let version = version.map(|version| vec![KeyValue::new(SCHEMA_KEY.to_owned(), version.to_string())]);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_data_page_row_count_limit(ROWS_PER_PAGE)
        // Readers built on parquet-mr ignore statistics of texts unless they can parse the program's version.
        .set_created_by(concat!("flight-monitor version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(version)
        .set_sorting_columns(sorting_columns(columns));
    let properties = columns.iter().fold(properties, |properties, column| encode(properties, column, numbers));
    Ok(Arc::new(properties.build()))
}

/// Returns the sort order of a row group as far as the file has the columns.
fn sorting_columns(columns: &[OutputColumn]) -> Option<Vec<SortingColumn>> {
    let index = |field: &Field| columns.iter().position(|other| other.field.name == field.name);
    let present = [&icao24, &last_contact].into_iter().map_while(index);
    let columns: Vec<_> = present
        .filter_map(|index| i32::try_from(index).ok())
        .map(|column_idx| SortingColumn { column_idx, descending: false, nulls_first: false })
        .collect();
    (!columns.is_empty()).then_some(columns)
}

fn encode(properties: WriterPropertiesBuilder, column: &OutputColumn, numbers: NumberType) -> WriterPropertiesBuilder {
    let encoding = match column.field.kind {
        // These have a dictionary, and plain values once there are too many distinct ones. The doubles of a row take 11 B,
        // against 19 B with BYTE_STREAM_SPLIT, which fewer readers support.
        FieldKind::Address(_) | FieldKind::Text(_) | FieldKind::Code(_) => return properties,
        FieldKind::Number(_) if numbers == NumberType::Double => return properties,
        FieldKind::Number(_) | FieldKind::Time(_) | FieldKind::KeyTime(_) => Encoding::DELTA_BINARY_PACKED,
        FieldKind::Flag(_) => Encoding::RLE,
    };
    let column = ColumnPath::from(column.name);
    properties.set_column_dictionary_enabled(column.clone(), false).set_column_encoding(column, encoding)
}
