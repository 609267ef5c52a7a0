//! SBS-1 (BaseStation) messages: 22 fields separated by commas (woodair.net/sbs/article/barebones42_socket_data.htm).
//! Each message has only the fields of the radio message from which it was made.

use std::io::Write;

use crate::receiver::{Kind, Message, feet, feet_per_minute, is_emergency, knots};
use crate::rows::{Row, push_decimal, push_octal};

/// Lines that are no messages: text, too few fields, no address, values of wrong types or out of range, no time.
const BAD_LINES: [&str; 7] = [
    "hello, world",
    "MSG,3,1,1,F00001",
    "MSG,3,1,1,,1,{t},{t},,35000,,,47.5,8.5,,,0,0,0,0",
    "MSG,3,1,1,ZZ00ZZ,1,{t},{t},,35000,,,47.5,8.5,,,0,0,0,0",
    "MSG,3,1,1,F00002,1,{t},{t},,high,,,north,east,,,0,0,0,0",
    "MSG,3,1,1,F00003,1,{t},{t},,35000,,,95.0,8.5,,,0,0,0,0",
    "MSG,3,1,1,F00004,1,yesterday,noon,yesterday,noon,,35000,,,47.5,8.5,,,0,0,0,0",
];

/// Appends the line of a message, whose times are `utc_offset` seconds ahead of UTC.
pub(super) fn write(out: &mut Vec<u8>, message: &Message<'_>, utc_offset: i32) {
    let row = &message.row;
    let number = match message.kind {
        Kind::Identification => '1',
        Kind::Position if row.on_ground => '2',
        Kind::Position => '3',
        Kind::Velocity => '4',
        Kind::Altitude | Kind::AltitudeAndCallsign => '5',
        Kind::Identity | Kind::IdentityAndCallsign => '6',
        Kind::AllCall => '8',
    };
    // Writing to a vector never fails.
    let _ = write!(out, "MSG,{number},1,1,{:06X},1,", row.address);
    let time = message.millis + i64::from(utc_offset) * 1_000;
    push_time(out, time);
    out.push(b',');
    push_time(out, time);
    out.push(b',');
    fields(out, message.kind, row);
    out.extend_from_slice(b"\r\n");
}

/// Appends the fields from callsign to on-ground.
fn fields(out: &mut Vec<u8>, kind: Kind, row: &Row<'_>) {
    let surface = kind == Kind::Position && row.on_ground;
    if kind == Kind::Identification {
        out.extend_from_slice(row.callsign.as_bytes());
    }
    out.push(b',');
    let has_altitude = kind == Kind::Position || matches!(kind, Kind::Altitude | Kind::AltitudeAndCallsign);
    if let Some(altitude) = row.baro_altitude.filter(|_| has_altitude) {
        let _ = write!(out, "{}", feet(altitude));
    }
    out.push(b',');
    if surface || kind == Kind::Velocity {
        push_decimal::<0>(out, knots(row.velocity));
    }
    out.push(b',');
    if surface || kind == Kind::Velocity {
        push_decimal::<0>(out, row.true_track);
    }
    let position = row.position.filter(|_| kind == Kind::Position);
    for degrees in [position.map(|(lat, _)| lat), position.map(|(_, lon)| lon)] {
        out.push(b',');
        if let Some(degrees) = degrees {
            push_decimal::<5>(out, degrees);
        }
    }
    out.push(b',');
    if let Some(rate) = row.vertical_rate.filter(|_| kind == Kind::Velocity) {
        let _ = write!(out, "{}", feet_per_minute(rate));
    }
    out.push(b',');
    let has_squawk = matches!(kind, Kind::Identity | Kind::IdentityAndCallsign);
    if let Some(squawk) = row.squawk.filter(|_| has_squawk) {
        push_octal(out, squawk);
    }
    let is_emergency = is_emergency(row.squawk);
    let flag = |known: bool, value: bool| match (known, value) {
        (false, _) => "",
        (true, true) => "-1",
        (true, false) => "0",
    };
    let has_status = !matches!(kind, Kind::Identification | Kind::Velocity | Kind::AllCall) && !surface;
    let _ = write!(
        out,
        ",{},{},{},{}",
        flag(has_status, is_emergency),
        flag(has_squawk, is_emergency),
        flag(has_status, row.spi),
        flag(!matches!(kind, Kind::Identification | Kind::Velocity), row.on_ground),
    );
}

/// Appends lines that are no messages.
pub(super) fn write_bad(out: &mut Vec<u8>, millis: i64, utc_offset: i32) {
    let mut time = Vec::new();
    push_time(&mut time, millis + i64::from(utc_offset) * 1_000);
    let time = String::from_utf8_lossy(&time);
    for line in BAD_LINES {
        out.extend_from_slice(line.replace("{t}", &time).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends date and time of day, two fields, of a time in milliseconds since 1970.
fn push_time(out: &mut Vec<u8>, millis: i64) {
    let (year, month, day) = date(millis.div_euclid(86_400_000));
    let of_day = millis.rem_euclid(86_400_000);
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
    let _ = write!(out, "{year:04}/{month:02}/{day:02},{hour:02}:{minute:02}:{second:02}.{:03}", of_day % 1_000);
}

/// Returns year, month and day of a number of days since 1970, in the Gregorian calendar ("chrono-Compatible Low-Level
/// Date Algorithms", Hinnant).
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_of_the_gregorian_calendar() {
        for (millis, text) in [
            (0, "1970/01/01,00:00:00.000"),
            (951_782_400_123, "2000/02/29,00:00:00.123"),
            (1_754_308_807_009, "2025/08/04,12:00:07.009"),
            (4_107_542_399_999, "2100/02/28,23:59:59.999"),
            (4_107_542_400_000, "2100/03/01,00:00:00.000"),
            (-1, "1969/12/31,23:59:59.999"),
        ] {
            let mut out = Vec::new();
            push_time(&mut out, millis);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
