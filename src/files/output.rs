use actors::domain::Field;

/// A column of a file: a field under a name and in a unit of its own.
#[derive(Clone, Copy, Debug)]
pub struct OutputColumn {
    /// The name of the column.
    pub name: &'static str,
    /// The field that it shows.
    pub field: &'static Field,
    /// The unit of a number, in that of the field.
    pub unit: f64,
}

impl OutputColumn {
    /// Returns a number in the unit of the column, rounded to two decimals if that is another one.
    pub(crate) fn number(&self, number: f64) -> f64 {
        if self.unit == 1.0 { number } else { (number / self.unit * 100.0).round() / 100.0 }
    }
}

impl From<&'static Field> for OutputColumn {
    fn from(field: &'static Field) -> Self {
        Self { name: field.name, field, unit: 1.0 }
    }
}
