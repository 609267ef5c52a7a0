use crate::archive::{ArchiveUrl, S3Endpoint};
use crate::config::value::{InvalidValue, SettingValue, Shape};

impl SettingValue for ArchiveUrl {
    type Limits = ();

    const SHAPE: Shape = Shape::Text;
    const PLACEHOLDER: &'static str = "FOLDER|s3://BUCKET";
    const EXPECTED: &'static str = "a folder, file:///FOLDER or s3://BUCKET/PREFIX";

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        text.parse().map_err(InvalidValue::because)
    }

    fn display(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for S3Endpoint {
    type Limits = ();

    const SHAPE: Shape = Shape::Text;
    const PLACEHOLDER: &'static str = "ENDPOINT";
    const EXPECTED: &'static str = "an http:// or https:// address";

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        text.parse().map_err(InvalidValue::because)
    }

    fn display(&self) -> String {
        self.to_string()
    }
}
