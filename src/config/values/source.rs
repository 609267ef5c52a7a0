use actors::domain::Point;

use crate::config::value::{InvalidValue, SettingValue, Shape};
use crate::sources::{KINDS, SourceAddress, SourceKind};

impl SettingValue for &'static SourceKind {
    type Limits = ();

    const SHAPE: Shape = Shape::Text;
    const PLACEHOLDER: &'static str = "KIND";
    const EXPECTED: &'static str = "a kind of source";

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        let kind = KINDS.iter().copied().find(|kind| kind.name == text);
        kind.ok_or_else(|| InvalidValue::because("there is no such kind of source"))
    }

    fn expected((): &()) -> String {
        let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        format!("one of {}", names.join(", "))
    }

    fn display(&self) -> String {
        self.name.to_owned()
    }
}

impl SettingValue for SourceAddress {
    type Limits = ();

    const SHAPE: Shape = Shape::Text;
    const PLACEHOLDER: &'static str = "URL|HOST:PORT|PATH";
    const EXPECTED: &'static str = "an http or https URL, host:port, or a path that starts with / or .";

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        text.parse().map_err(InvalidValue::because)
    }

    fn display(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for Point {
    type Limits = ();

    const SHAPE: Shape = Shape::Numbers;
    const PLACEHOLDER: &'static str = "LAT,LON";
    const EXPECTED: &'static str = "lat,lon in degrees, such as 47.45,8.56";

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        let (lat, lon) = text.split_once(',').ok_or_else(|| InvalidValue::because("there is no comma"))?;
        let degrees = |text: &str, limit: f64| {
            let degrees = text.trim().parse::<f64>().ok().filter(|degrees| degrees.abs() <= limit);
            degrees.ok_or_else(|| InvalidValue::because(format_args!("not a number from -{limit} to {limit}")))
        };
        Ok(Self { lat: degrees(lat, 90.0)?, lon: degrees(lon, 180.0)? })
    }

    fn display(&self) -> String {
        format!("{},{}", self.lat, self.lon)
    }
}
