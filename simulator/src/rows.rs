//! Encodes state vectors and response bodies in OpenSky's JSON format.

/// One state vector.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row<'a> {
    pub(crate) address: u32,
    pub(crate) callsign: &'a str,
    pub(crate) origin_country: &'a str,
    pub(crate) time_position: Option<i64>,
    pub(crate) last_contact: i64,
    /// Degrees north and east.
    pub(crate) position: Option<(f64, f64)>,
    pub(crate) baro_altitude: Option<f64>,
    pub(crate) on_ground: bool,
    pub(crate) velocity: f64,
    pub(crate) true_track: f64,
    pub(crate) vertical_rate: Option<f64>,
    pub(crate) geo_altitude: Option<f64>,
    pub(crate) squawk: Option<u16>,
    pub(crate) spi: bool,
    pub(crate) position_source: u8,
    pub(crate) category: u8,
}

impl Row<'_> {
    /// Appends the row: 17 columns, or 18 with the category.
    pub(crate) fn write(&self, out: &mut Vec<u8>, extended: bool) {
        out.extend_from_slice(b"[\"");
        push_hex(out, self.address);
        out.extend_from_slice(b"\",\"");
        // Neither callsigns nor country names contain characters that JSON escapes.
        out.extend_from_slice(self.callsign.as_bytes());
        out.extend_from_slice(b"\",\"");
        out.extend_from_slice(self.origin_country.as_bytes());
        out.extend_from_slice(b"\",");
        push_or_null(out, self.time_position, push_integer);
        push_integer(out, self.last_contact);
        out.push(b',');
        push_or_null(out, self.position.map(|(_, lon)| lon), push_decimal::<4>);
        push_or_null(out, self.position.map(|(lat, _)| lat), push_decimal::<4>);
        push_or_null(out, self.baro_altitude, push_decimal::<2>);
        push_bool(out, self.on_ground);
        push_decimal::<2>(out, self.velocity);
        out.push(b',');
        push_decimal::<2>(out, self.true_track);
        out.push(b',');
        push_or_null(out, self.vertical_rate, push_decimal::<2>);
        out.extend_from_slice(b"null,");
        push_or_null(out, self.geo_altitude, push_decimal::<2>);
        push_or_null(out, self.squawk, push_squawk);
        push_bool(out, self.spi);
        push_integer(out, self.position_source.into());
        if extended {
            out.push(b',');
            push_integer(out, self.category.into());
        }
        out.push(b']');
    }
}

/// A response body under construction.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Vec<u8>,
    rows: usize,
}

impl Body {
    /// Starts a body with the response's time.
    pub(crate) fn new(time: i64, expected_rows: usize) -> Self {
        let mut bytes = Vec::with_capacity(64 + 144 * expected_rows);
        bytes.extend_from_slice(b"{\"time\":");
        push_integer(&mut bytes, time);
        bytes.extend_from_slice(b",\"states\":");
        Self { bytes, rows: 0 }
    }

    /// Returns the number of rows so far.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Starts the next row, which the caller appends to the returned buffer.
    pub(crate) fn next_row(&mut self) -> &mut Vec<u8> {
        self.bytes.push(if self.rows == 0 { b'[' } else { b',' });
        self.rows += 1;
        &mut self.bytes
    }

    /// Returns the complete body. Without rows, `states` is `null`, as with OpenSky.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(if self.rows == 0 { b"null}" } else { b"]}" });
        self.bytes
    }
}

/// The body of a response to `/states/all`, with its contents.
#[derive(Debug)]
pub(crate) struct StatesResponse {
    pub(crate) body: Vec<u8>,
    /// Address and last contact of every good row.
    pub(crate) states: Vec<(u32, i64)>,
    /// The number of bad rows; `None` unless they were requested.
    pub(crate) bad_rows: Option<usize>,
}

/// Appends the value or `null`, and a comma.
fn push_or_null<T>(out: &mut Vec<u8>, value: Option<T>, push: fn(&mut Vec<u8>, T)) {
    match value {
        Some(value) => push(out, value),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b',');
}

fn push_bool(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true," } else { b"false," });
}

pub(crate) fn push_hex(out: &mut Vec<u8>, address: u32) {
    out.extend((0..6).map(|i| b"0123456789abcdef"[(address >> (20 - 4 * i)) as usize & 0xf]));
}

fn push_squawk(out: &mut Vec<u8>, code: u16) {
    out.push(b'"');
    push_octal(out, code);
    out.push(b'"');
}

pub(crate) fn push_octal(out: &mut Vec<u8>, code: u16) {
    out.extend((0..4).map(|i| b'0' + ((code >> (9 - 3 * i)) & 7) as u8));
}

pub(crate) fn push_integer(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    let mut digits = [0u8; 20];
    let mut first = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

/// Appends at most `DECIMALS` decimals without trailing zeros: OpenSky writes whole numbers as integers.
pub(crate) fn push_decimal<const DECIMALS: u32>(out: &mut Vec<u8>, value: f64) {
    let one = 10i64.pow(DECIMALS);
    let scaled = (value * one as f64).round() as i64;
    if scaled < 0 && scaled > -one {
        out.push(b'-');
    }
    push_integer(out, scaled / one);
    let mut part = scaled.unsigned_abs() % one.unsigned_abs();
    if part == 0 {
        return;
    }
    out.push(b'.');
    let mut unit = one.unsigned_abs() / 10;
    while part > 0 {
        out.push(b'0' + (part / unit) as u8);
        part %= unit;
        unit /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal<const DECIMALS: u32>(value: f64) -> String {
        let mut out = Vec::new();
        push_decimal::<DECIMALS>(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_formatted_like_openskys() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (270.0, "270"),
            (-0.33, "-0.33"),
            (-0.001, "0"),
            (10546.08, "10546.08"),
            (-4.9, "-4.9"),
            (359.999, "360"),
            (1.05, "1.05"),
        ] {
            assert_eq!(decimal::<2>(value), text);
        }
        assert_eq!(decimal::<4>(-96.1886), "-96.1886");
        assert_eq!(decimal::<4>(5.009), "5.009");
        assert_eq!(decimal::<4>(0.0001), "0.0001");
    }

    #[test]
    fn a_row_has_17_columns_or_18() {
        let row = Row {
            address: 0x00_80a1,
            callsign: "VRE12   ",
            origin_country: "Côte d'Ivoire",
            time_position: None,
            last_contact: 1_634_471_390,
            position: None,
            baro_altitude: Some(7620.0),
            on_ground: false,
            velocity: 203.82,
            true_track: 60.85,
            vertical_rate: Some(-0.325),
            geo_altitude: None,
            squawk: Some(0o0123),
            spi: false,
            position_source: 0,
            category: 4,
        };
        let mut body = Body::new(1_634_471_391, 2);
        row.write(body.next_row(), false);
        row.write(body.next_row(), true);
        let columns = r#""0080a1","VRE12   ","Côte d'Ivoire",null,1634471390,null,null,7620,false,203.82,60.85,-0.33,null,null,"0123",false,0"#;
        assert_eq!(
            String::from_utf8(body.finish()).unwrap(),
            format!(r#"{{"time":1634471391,"states":[[{columns}],[{columns},4]]}}"#)
        );
    }

    #[test]
    fn a_body_without_rows_has_null_states() {
        assert_eq!(Body::new(-5, 0).finish(), br#"{"time":-5,"states":null}"#);
    }

    proptest! {
        #[test]
        fn a_decimal_round_trips_to_the_nearest_number(value in -1e6..1e6) {
            let text = decimal::<4>(value);
            let back: f64 = text.parse().unwrap();
            prop_assert!((back - value).abs() <= 0.000_05 + 1e-9, "{value} as {text}");
            prop_assert!(!text.ends_with('.') && (!text.contains('.') || !text.ends_with('0')), "{text}");
        }

        #[test]
        fn an_integer_is_formatted_exactly(value: i64) {
            let mut out = Vec::new();
            push_integer(&mut out, value);
            prop_assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }
}
