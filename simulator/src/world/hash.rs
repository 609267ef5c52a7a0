//! Stateless pseudo-random numbers: equal inputs give equal results.

/// Hashes two numbers into one, with the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(b).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Maps a hash to a fraction from 0 to below 1, using the upper bits.
pub(super) fn chance(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1u64 << 53) as f64
}
