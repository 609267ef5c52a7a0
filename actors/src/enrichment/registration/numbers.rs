//! Schemes in which the last digits of a registration are the offset of the address.

use compact_str::{CompactString, format_compact};

pub(super) fn registration(address: u32) -> Option<CompactString> {
    match address {
        // Russia: 100,000 registrations from RA-00000.
        0x14_0000..0x15_86a0 => Some(format_compact!("RA-{:05}", address - 0x14_0000)),
        // Cuba: from CU-T1000 to CU-T1999.
        0x0b_03e8..0x0b_07d0 => Some(format_compact!("CU-T{}", address - 0x0b_0000)),
        _ => None,
    }
}
