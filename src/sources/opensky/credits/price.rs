use actors::domain::BoundingBox;

/// Returns the cost of one `/states/all` request in credits: 1 for up to 25 square degrees, 2 for up to 100, 3 for up
/// to 400, and 4 for more.
pub(in crate::sources::opensky) fn price(bounding_box: Option<BoundingBox>) -> u32 {
    match bounding_box.map_or(f64::INFINITY, |bounding_box| bounding_box.area()) {
        area if area <= 25.0 => 1,
        area if area <= 100.0 => 2,
        area if area <= 400.0 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_depends_on_the_area() {
        let check = |text: &str, credits: u32| assert_eq!(price(Some(text.parse().unwrap())), credits, "{text}");
        check("45,5,50,10", 1); // 25 square degrees
        check("45,5,50,10.1", 2);
        check("40,0,50,10", 2); // 100
        check("40,0,50,10.1", 3);
        check("30,0,50,20", 3); // 400
        check("30,0,50,20.1", 4);
        check("-90,-180,90,180", 4);
        check("-2,178,2,-178", 1); // 16, across the antimeridian
    }
}
