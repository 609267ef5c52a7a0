//! The types of the settings. Types that belong to an adapter are defined there and used directly.

mod address;
mod admin_token;
mod amount;
mod archive;
mod brokers;
mod database_url;
mod endpoint;
mod networks;
mod origins;
mod paths;
mod properties;
mod roles;
mod rules_files;
mod secret;
mod source;
mod switch;
mod topic;

use std::path::PathBuf;

use actors::domain::BoundingBox;

use super::value::{InvalidValue, SettingValue, Shape};

pub use address::Host;
pub use admin_token::{ADMIN_TOKEN_FILE, AdminToken, AdminTokenError, LoadedToken};
pub use amount::{ByteSize, parse_duration, show_duration};
pub use brokers::Brokers;
pub use database_url::DatabaseAddress;
pub use endpoint::RuleNames;
pub use paths::{Directory, EditedRulesFile, TableFile};
pub use properties::KafkaProperties;
pub use roles::{Role, Roles};
pub use rules_files::RulesFiles;
pub use secret::Secret;
pub use topic::Topic;

pub(super) use amount::{days, hours, millis, mins, secs};
pub(super) use properties::split_properties;

impl SettingValue for String {
    type Limits = ();

    const SHAPE: Shape = Shape::Text;
    const PLACEHOLDER: &'static str = "TEXT";
    const EXPECTED: &'static str = "text on one line";

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        if text.is_empty() {
            return Err(InvalidValue::because("it is empty"));
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidValue::because("it contains a line break or another control character"));
        }
        Ok(text.to_owned())
    }

    fn display(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for PathBuf {
    type Limits = ();

    const SHAPE: Shape = Shape::Text;
    const PLACEHOLDER: &'static str = "FILE";
    const EXPECTED: &'static str = "a path";

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        if text.is_empty() { Err(InvalidValue::because("it is empty")) } else { Ok(Self::from(text)) }
    }

    fn display(&self) -> String {
        self.as_path().display().to_string()
    }
}

impl SettingValue for BoundingBox {
    type Limits = ();

    const SHAPE: Shape = Shape::Numbers;
    const PLACEHOLDER: &'static str = "LAMIN,LOMIN,LAMAX,LOMAX";
    const EXPECTED: &'static str = "lamin,lomin,lamax,lomax in degrees with lomin < lomax, such as 45.8,5.9,47.9,10.6";

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        let bounding_box: Self = text.parse().map_err(InvalidValue::because)?;
        if bounding_box.crosses_antimeridian() {
            return Err(InvalidValue::because("it crosses the antimeridian, which OpenSky does not support"));
        }
        Ok(bounding_box)
    }

    fn display(&self) -> String {
        self.to_string()
    }
}
