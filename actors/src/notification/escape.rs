use std::fmt::Write as _;

/// Replaces every byte that is not an ASCII letter, a digit or a hyphen by `_` and its two hex digits, so that
/// different names stay different. The result is valid in headers, ids and topics.
pub fn escape_name(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            escaped.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(escaped, "_{byte:02x}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn different_names_stay_different_and_are_valid_in_headers(one in "\\PC{1,12}", other in "\\PC{1,12}") {
            prop_assert_eq!(escape_name(&one) == escape_name(&other), one == other);
            prop_assert!(escape_name(&one).bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')));
        }
    }
}
