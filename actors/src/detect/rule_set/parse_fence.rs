use serde_json::Value;

use super::RuleError;
use super::quantity::Quantity;
use super::reader::Node;
use crate::detect::fence::{Fence, InvalidFence, parse_geojson};

/// Reads a GeoJSON file that a fence names.
pub(super) type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Value, String>;

/// Parses a fence: a mapping with one of `box`, `circle`, `geojson` and `file`.
pub(super) fn fence(node: &Node<'_>, files: ReadFile<'_>) -> Result<Fence, RuleError> {
    let mut members = node.members()?;
    let [rectangle, circle, geojson, file] = ["box", "circle", "geojson", "file"].map(|name| members.take(name));
    members.finish()?;
    let shapes = [&rectangle, &circle, &geojson, &file].into_iter().filter(|shape| shape.is_some()).count();
    if shapes != 1 {
        return Err(node.error("expected exactly one of box, circle, geojson and file"));
    }
    if let Some(node) = rectangle {
        let mut members = node.members()?;
        let mut side = |name| members.require(name).and_then(|node| node.number());
        let (west, south, east, north) = (side("west")?, side("south")?, side("east")?, side("north")?);
        members.finish()?;
        return Fence::rectangle(west, south, east, north).map_err(|error| at(&node, &error));
    }
    if let Some(node) = circle {
        let mut members = node.members()?;
        let center = members.require("center")?;
        let radius = members.require("radius")?.parse(|text| Quantity::Distance.parse(text))?;
        members.finish()?;
        let degrees = |index| center.value.get(index).and_then(Value::as_f64);
        let (Some(lat), Some(lon), None) = (degrees(0), degrees(1), center.value.get(2)) else {
            return Err(center.error("expected [latitude, longitude]"));
        };
        return Fence::circle(lat, lon, radius).map_err(|error| at(&node, &error));
    }
    if let Some(node) = geojson {
        return parse_geojson(node.value).map_err(|error| at(&node, &error));
    }
    let Some(node) = file else { return Err(node.error("expected a fence")) };
    let name = node.text()?;
    let json = files(name).map_err(|reason| node.error(format!("{name}: {reason}")))?;
    parse_geojson(&json).map_err(|error| node.error(format!("{name}: {error}")))
}

fn at(node: &Node<'_>, error: &InvalidFence) -> RuleError {
    let separator = if error.place.is_empty() || error.place.starts_with('[') { "" } else { "." };
    RuleError::new(format!("{}{separator}{}", node.place, error.place), error.reason.clone())
}
