//! Beast binary messages (wiki.jetvision.de/wiki/Mode-S_Beast:Data_Output_Formats): an escape byte, the type, six bytes
//! of timestamp, one of signal strength and the Mode S message. Escape bytes in the data are doubled.

use crate::modes;
use crate::receiver::Message;

const ESCAPE: u8 = 0x1a;
/// Types of messages: 56 and 112 bits.
const SHORT: u8 = b'2';
const LONG: u8 = b'3';
/// Ticks of the receiver's counter in a millisecond.
const TICKS: i64 = 12_000;

/// Appends the frame of a message.
pub(super) fn write(out: &mut Vec<u8>, message: &Message<'_>, gps_clock: bool) {
    let frame = modes::encode(message);
    let amplitude = 10f64.powf(message.strength / 20.0) * 255.0;
    write_frame(out, timestamp(message.millis, gps_clock), amplitude.round() as u8, frame.bytes());
}

/// Appends frames that are invalid: wrong parity, an unknown type, and one that ends too early.
pub(super) fn write_bad(out: &mut Vec<u8>, millis: i64, gps_clock: bool) {
    let time = timestamp(millis, gps_clock);
    write_frame(out, time, 100, &0x8d48_40d6_202c_c371_c32c_e057_6099_u128.to_be_bytes()[2..]);
    write_frame(out, time, 100, &[0xff; 14]);
    write_frame(out, time, 100, &[0; 7]);
    out.extend_from_slice(&[ESCAPE, b'9', 0, 0, 0]);
    out.extend_from_slice(&[ESCAPE, LONG, 0, 0, 0, 0, 0, 1, 100, 0x8d, 0x48]);
}

fn write_frame(out: &mut Vec<u8>, time: u64, amplitude: u8, message: &[u8]) {
    out.push(ESCAPE);
    out.push(if message.len() == 14 { LONG } else { SHORT });
    for &byte in time.to_be_bytes()[2..].iter().chain([&amplitude]).chain(message) {
        out.push(byte);
        if byte == ESCAPE {
            out.push(ESCAPE);
        }
    }
}

/// Returns the 48 bits of a timestamp: ticks of a 12-MHz counter or, with GPS, the second of the UTC day in 18 bits and
/// nanoseconds in 30.
fn timestamp(millis: i64, gps_clock: bool) -> u64 {
    if gps_clock {
        let of_day = millis.rem_euclid(86_400_000).cast_unsigned();
        return ((of_day / 1_000) << 30) | ((of_day % 1_000) * 1_000_000);
    }
    millis.wrapping_mul(TICKS).cast_unsigned() & ((1 << 48) - 1)
}
