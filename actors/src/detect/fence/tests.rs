use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn polygon(rings: Value) -> Result<Fence, InvalidFence> {
    parse_geojson(&json!({ "type": "Polygon", "coordinates": rings }))
}

/// Asserts which positions, as latitude and longitude, are inside a fence, by itself and in an index.
fn check(fence: &Fence, inside: &[(f64, f64)], outside: &[(f64, f64)]) {
    let (index, mut found) = (FenceIndex::new([fence]), Vec::new());
    for (positions, expected) in [(inside, true), (outside, false)] {
        for &(lat, lon) in positions {
            assert_eq!(fence.contains(lat, lon), expected, "{lat}, {lon}");
            index.find(lat, lon, &mut found);
            assert_eq!(!found.is_empty(), expected, "{lat}, {lon} in the index");
        }
    }
}

#[test]
fn a_polygon_around_fiji_crosses_the_antimeridian() {
    let fiji = polygon(json!([[[176, -20], [-178, -20], [-178, -15], [176, -15], [176, -20]]])).unwrap();
    let outside = [(-18.0, 175.0), (-18.0, -177.0), (-18.0, 0.0), (-21.0, 180.0), (18.0, 180.0)];
    check(&fiji, &[(-18.0, 179.5), (-18.0, 180.0), (-18.0, -180.0), (-18.0, -178.5)], &outside);
    // The same, cut at the antimeridian as RFC 7946 recommends.
    let cut = parse_geojson(&json!({ "type": "MultiPolygon", "coordinates": [
        [[[176, -20], [180, -20], [180, -15], [176, -15], [176, -20]]],
        [[[-180, -20], [-178, -20], [-178, -15], [-180, -15], [-180, -20]]],
    ]}));
    check(&cut.unwrap(), &[(-18.0, 179.5), (-18.0, 180.0), (-18.0, -180.0), (-18.0, -178.5)], &outside);
}

#[test]
fn a_box_over_chukotka_crosses_the_antimeridian() {
    let chukotka = Fence::rectangle(160.0, 62.0, -169.0, 71.0).unwrap();
    let outside = [(66.0, 159.0), (66.0, -168.0), (61.0, 180.0), (66.0, 0.0)];
    check(&chukotka, &[(66.0, 160.0), (66.0, 180.0), (66.0, -180.0), (66.0, -169.0)], &outside);
}

#[test]
fn a_ring_around_a_pole_contains_it() {
    let north = polygon(json!([[[0, 80], [90, 75], [180, 80], [-90, 75], [0, 80]]])).unwrap();
    check(
        &north,
        &[(90.0, 0.0), (90.0, 180.0), (85.0, 12.0), (85.0, -180.0), (76.0, 90.0)],
        &[(74.0, 90.0), (-85.0, 0.0)],
    );
    let south = polygon(json!([[[0, -70], [-120, -70], [120, -70], [0, -70]]])).unwrap();
    check(&south, &[(-90.0, 0.0), (-71.0, -179.0)], &[(-69.0, 0.0), (80.0, 0.0)]);
    let cap = polygon(json!([[[-180, 60], [180, 60], [180, 90], [-180, 90], [-180, 60]]])).unwrap();
    check(&cap, &[(61.0, 0.0), (61.0, 180.0), (89.0, -180.0), (90.0, 0.0)], &[(59.0, 0.0)]);
}

#[test]
fn circles_are_round_on_the_sphere() {
    let pole = Fence::circle(89.5, 0.0, 111_200.0).unwrap();
    check(&pole, &[(90.0, 0.0), (89.6, 180.0), (88.6, 0.0)], &[(89.4, 180.0), (88.4, 0.0)]);
    let fiji = Fence::circle(-18.0, 179.9, 50_000.0).unwrap();
    check(
        &fiji,
        &[(-18.0, 179.9), (-18.0, -179.7), (-18.4, 179.9)],
        &[(-18.0, -179.5), (-18.5, 179.9), (-18.0, 179.4)],
    );
    // At 60° north a degree of longitude is half as long as one of latitude.
    let oslo = Fence::circle(60.0, 10.0, 60_000.0).unwrap();
    check(&oslo, &[(60.5, 10.0), (60.0, 11.0)], &[(60.6, 10.0), (60.0, 11.2)]);
}

#[test]
fn holes_and_collections_are_understood() {
    let hole = json!([
        [[178, 0], [-178, 0], [-178, 4], [178, 4], [178, 0]],
        [[-179.5, 1], [-179, 1], [-179, 2], [-179.5, 2], [-179.5, 1]]
    ]);
    check(&polygon(hole.clone()).unwrap(), &[(3.0, -179.2), (1.5, 179.0)], &[(1.5, -179.2)]);
    let geometry = json!({ "type": "Polygon", "coordinates": hole });
    let feature = json!({ "type": "Feature", "properties": null, "geometry": geometry });
    let collection = json!({ "type": "FeatureCollection", "features": [feature] });
    check(&parse_geojson(&collection).unwrap(), &[(3.0, -179.2)], &[(1.5, -179.2)]);
}

#[test]
fn errors_name_the_place() {
    let error = |rings: Value| polygon(rings).unwrap_err().to_string();
    assert_eq!(
        error(json!([[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]])),
        "coordinates[0][0]: the edge from here meets the edge from [0][2] at longitude 1, latitude 1"
    );
    assert!(error(json!([[[0, 0], [1, 0], [1, 1], [0, 1]]])).starts_with("coordinates[0]: the ring is not closed"));
    assert_eq!(
        error(json!([[[0, 0], [1, 0], [1, 91], [0, 0]]])),
        "coordinates[0][2]: latitude 91 is out of range (-90..=90)"
    );
    assert!(error(json!([[[0, 0], [1, 1], [0, 0]]])).starts_with("coordinates[0]: the ring needs at least three"));
    assert_eq!(error(json!([[[0, 0], ["a", 0]]])), "coordinates[0][1]: expected a position: [longitude, latitude]");
    let hole = json!([[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]], [[5, 5], [6, 5], [6, 6], [5, 5]]]);
    assert_eq!(error(hole), "coordinates[1]: the hole is not inside its polygon");
    let line = json!({ "type": "Feature", "geometry": { "type": "LineString", "coordinates": [] } });
    assert!(parse_geojson(&line).unwrap_err().to_string().starts_with("geometry.type: \"LineString\" is not an area"));
    assert!(Fence::rectangle(0.0, 5.0, 1.0, 5.0).is_err() && Fence::rectangle(0.0, f64::NAN, 1.0, 5.0).is_err());
    assert!(Fence::circle(0.0, 0.0, 0.5).is_err() && Fence::circle(0.0, 200.0, 10.0).is_err());
}

fn fence() -> impl Strategy<Value = Fence> {
    let sizes = (0.1..350.0, 0.1..10.0);
    let rectangle =
        (-180.0..180.0, -90.0..80.0, sizes).prop_filter_map("degenerate", |(west, south, (width, height))| {
            let east: f64 = west + width;
            Fence::rectangle(west, south, if east > 180.0 { east - 360.0 } else { east }, south + height).ok()
        });
    let center = (-90.0..=90.0, -180.0..=180.0, 1.0..5_000_000.0);
    let circle = center.prop_filter_map("invalid", |(lat, lon, radius)| Fence::circle(lat, lon, radius).ok());
    let triangle = prop::array::uniform3((-180..=180, -90..=90)).prop_filter_map("degenerate", |corners| {
        let mut ring: Vec<_> = corners.iter().map(|(lon, lat)| json!([lon, lat])).collect();
        ring.push(ring[0].clone());
        polygon(json!([ring])).ok()
    });
    prop_oneof![rectangle, circle, triangle]
}

proptest! {
    #[test]
    fn the_index_finds_what_a_scan_finds(
        fences in prop::collection::vec(fence(), 1..20),
        positions in prop::collection::vec((-90.0..=90.0, -180.0..=180.0), 1..50),
    ) {
        let (index, mut found) = (FenceIndex::new(&fences), Vec::new());
        for (lat, lon) in positions {
            index.find(lat, lon, &mut found);
            let scanned: Vec<_> = (0_u32..).zip(&fences).filter(|(_, f)| f.contains(lat, lon)).map(|(n, _)| n).collect();
            prop_assert_eq!(&found, &scanned, "{}, {}", lat, lon);
        }
    }
}
