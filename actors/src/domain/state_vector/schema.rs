//! The OpenAPI schema of a state vector, generated from the table of fields.

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::StateVector;
use super::fields::{DEFAULT_RANGE, FIELDS, Field, FieldKind};
use crate::domain::{Icao24, UnixTime};

impl<Text> PartialSchema for StateVector<Text> {
    fn schema() -> RefOr<Schema> {
        let description = "The state of one aircraft at one time, as reported by a source. Unknown values are `null`, \
                           never 0. SI units, WGS-84 degrees, Unix seconds.";
        FIELDS
            .iter()
            .fold(ObjectBuilder::new().description(Some(description)), |object, field| {
                let object = if field.is_required() { object.required(field.name) } else { object };
                object.property(field.name, field.schema())
            })
            .into()
    }
}

impl<Text> ToSchema for StateVector<Text> {
    fn name() -> std::borrow::Cow<'static, str> {
        "StateVector".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Icao24::name().into(), Icao24::schema()));
        schemas.push((UnixTime::name().into(), UnixTime::schema()));
    }
}

impl Field {
    fn schema(&self) -> RefOr<Schema> {
        let reference =
            |name: &str| Ref::builder().ref_location_from_schema_name(name).description(Some(self.description()));
        match self.kind {
            FieldKind::Address(_) => RefOr::Ref(reference(&Icao24::name()).build()),
            FieldKind::KeyTime(_) => RefOr::Ref(reference(&UnixTime::name()).build()),
            FieldKind::Time(_) => {
                let time = RefOr::Ref(reference(&UnixTime::name()).build());
                let null = ObjectBuilder::new().schema_type(Type::Null);
                OneOfBuilder::new().item(time).item(null).into()
            }
            FieldKind::Text(_) => self.optional(Type::String).into(),
            FieldKind::Flag(_) => self.optional(Type::Boolean).into(),
            FieldKind::Code(_) => {
                self.optional(Type::Integer).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32))).into()
            }
            FieldKind::Number(_) => {
                let number = self.optional(Type::Number).format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)));
                if self.range == DEFAULT_RANGE {
                    return number.into();
                }
                number.minimum(Some(*self.range.start())).maximum(Some(*self.range.end())).into()
            }
        }
    }

    fn optional(&self, of: Type) -> ObjectBuilder {
        ObjectBuilder::new().schema_type(SchemaType::from_iter([of, Type::Null])).description(Some(self.description()))
    }

    /// Returns the field's docs followed by its unit.
    fn description(&self) -> String {
        let docs = self.docs.trim();
        if self.unit.is_empty() { docs.to_owned() } else { format!("{docs} Unit: {}.", self.unit) }
    }
}
