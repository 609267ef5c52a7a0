use crate::config::value::{InvalidValue, SettingValue, Shape};

impl SettingValue for bool {
    type Limits = ();

    const SHAPE: Shape = Shape::Switch;
    const PLACEHOLDER: &'static str = "true|false";
    const EXPECTED: &'static str = "true or false";

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(InvalidValue::because("it is neither true nor false")),
        }
    }

    fn display(&self) -> String {
        self.to_string()
    }
}
