use crate::files::column::Scalar;

/// A decimal type: integers in units of the last of `scale` decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    scale: u32,
}

/// The largest integer up to which a double represents every integer.
const MAX_EXACT: u128 = 1 << 53;

/// The largest power of ten below [`MAX_EXACT`].
const MAX_EXACT_SCALE: u32 = 15;

impl Decimal {
    pub(super) fn new(scale: i32) -> Result<Self, String> {
        let scale = u32::try_from(scale).map_err(|_| format!("a decimal cannot have {scale} decimals"))?;
        Ok(Self { scale })
    }

    /// Returns the value of an integer: the same as parsing the decimal as text.
    pub(super) fn scalar(self, unscaled: i128) -> Scalar {
        match i64::try_from(unscaled) {
            Ok(integer) if self.scale == 0 => return Scalar::Integer(integer),
            // Both operands are exact, so the quotient is correctly rounded.
            _ if unscaled.unsigned_abs() <= MAX_EXACT && self.scale <= MAX_EXACT_SCALE => {
                return Scalar::Float(unscaled as f64 / 10_u64.pow(self.scale) as f64);
            }
            _ => {}
        }
        // Always a valid number, which a double at most rounds to 0 or infinity.
        Scalar::Float(format!("{unscaled}e-{}", self.scale).parse().unwrap_or(f64::NAN))
    }

    /// Decodes an integer from bytes: two's complement, most significant byte first.
    pub(super) fn unscaled(bytes: &[u8]) -> Result<i128, &'static str> {
        let Some(first) = bytes.first() else { return Err("a decimal without digits") };
        let sign = if *first < 0x80 { 0 } else { 0xff };
        let (extension, digits) = bytes.split_at(bytes.len().saturating_sub(size_of::<i128>()));
        let mut all = [sign; size_of::<i128>()];
        all[size_of::<i128>() - digits.len()..].copy_from_slice(digits);
        let number = i128::from_be_bytes(all);
        // Longer ones must only repeat the sign.
        if extension.iter().any(|byte| *byte != sign) || (number < 0) != (sign != 0) {
            return Err("a decimal with too many digits");
        }
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_are_signed_integers_of_any_length() {
        for (bytes, expected) in [
            (&[0x00][..], Some(0)),
            (&[0xff], Some(-1)),
            (&[0x02, 0xd4, 0x08, 0x48], Some(47_450_184)),
            (&[0xff, 0x7f], Some(-129)),
            (&[0xff; 20], Some(-1)),
            (&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Some(i128::MIN)),
            (&[0x00, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], None),
            (&[1; 17], None),
            (&[], None),
        ] {
            assert_eq!(Decimal::unscaled(bytes).ok(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_negative_scale_is_an_error() {
        assert_eq!(Decimal::new(-1), Err("a decimal cannot have -1 decimals".to_owned()));
    }

    proptest! {
        #[test]
        fn a_decimal_is_the_number_that_its_text_is(unscaled in any::<i128>(), shift in 0..127, scale in 0..40) {
            let unscaled = unscaled >> shift;
            let expected: f64 = format!("{unscaled}e-{scale}").parse().unwrap();
            match Decimal::new(scale).unwrap().scalar(unscaled) {
                Scalar::Float(number) => prop_assert_eq!(number, expected),
                Scalar::Integer(integer) => prop_assert_eq!((integer as f64, scale), (expected, 0)),
                Scalar::Flag(_) => prop_assert!(false),
            }
        }
    }
}
