//! The parity of Mode S messages (Annex 10, volume IV, 3.1.2.3.3; Riddle, chapter 9).

/// The generator polynomial without its leading 1: x²⁴ + x²³ + … + x¹² + x¹⁰ + x³ + 1.
const GENERATOR: u32 = 0xff_f409;

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = (byte as u32) << 16;
        let mut bit = 0;
        while bit < 8 {
            let carry = remainder & 0x80_0000 != 0;
            remainder = (remainder << 1) & 0xff_ffff;
            if carry {
                remainder ^= GENERATOR;
            }
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
}

/// Returns the 24 parity bits of a message without its last three bytes.
pub(super) fn parity(message: &[u8]) -> u32 {
    message
        .iter()
        .fold(0, |remainder, &byte| ((remainder << 8) & 0xff_ffff) ^ TABLE[((remainder >> 16) as u8 ^ byte) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parity_is_that_of_published_messages() {
        // Messages of "The 1090 Megahertz Riddle": their last three bytes are the parity.
        for message in [
            0x8d48_40d6_202c_c371_c32c_e057_6098_u128,
            0x8d40_621d_58c3_82d6_90c8_ac28_63a7,
            0x8d48_5020_9944_0994_0838_175b_284f,
        ] {
            let bytes = message.to_be_bytes();
            let (data, expected) = bytes[2..].split_at(11);
            assert_eq!(parity(data), u32::from_be_bytes([0, expected[0], expected[1], expected[2]]));
        }
    }
}
