/// The generator polynomial of Mode S parity without its highest bit (ICAO Annex 10 volume IV, 3.1.2.3.3).
const POLYNOMIAL: u32 = 0x00ff_f409;

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = (byte as u32) << 16;
        let mut bit = 0;
        while bit < 8 {
            remainder = if remainder & 0x0080_0000 == 0 { remainder << 1 } else { (remainder << 1) ^ POLYNOMIAL };
            bit += 1;
        }
        table[byte] = remainder & 0x00ff_ffff;
        byte += 1;
    }
    table
};

/// The length of the parity at the end of a message.
const PARITY: usize = 3;

/// Returns the difference between the parity of a message and its last 24 bits: 0 for an intact squitter, and the
/// address for a reply.
pub(super) fn remainder(message: &[u8]) -> u32 {
    let (data, parity) = message.split_at(message.len().saturating_sub(PARITY));
    let computed = data.iter().fold(0_u32, |remainder, byte| {
        ((remainder << 8) & 0x00ff_ffff) ^ TABLE[((remainder >> 16) as u8 ^ byte) as usize]
    });
    computed ^ parity.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::beast::downlink::tests::bytes;

    /// From the tests of rs1090 (MIT), decode/crc.rs.
    #[test]
    fn remainders_match_another_decoder() {
        let check = |message: &str, expected: u32| assert_eq!(remainder(&bytes(message)), expected, "{message}");
        check("8d406b902015a678d4d220aa4bda", 0);
        check("8d8960ed58bf053cf11bc5932b7d", 0);
        check("8d45cab390c39509496ca9a32912", 0);
        check("8d74802958c904e6ef4ba0184d5c", 0);
        check("c80b2dca34aa21dd821a04cb64d4", 10_719_924);
        check("a800089d8094e33a6004e4b8a522", 4_805_588);
        check("a8000614a50b6d32bed000bbe0ed", 5_659_991);
        check("a0000410bc900010a40000f5f477", 11_727_682);
        check("8d4ca251204994b1c36e60a5343d", 16);
        check("b0001718c65632b0a82040715b65", 353_333);
    }
}
