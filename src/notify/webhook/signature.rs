use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

/// The key of a webhook's signatures (Standard Webhooks, symmetric signatures). `Debug` does not show it.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

/// A text is not a key. The error does not repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidSigningKey {
    /// It is not Base64.
    #[error("it is not whsec_ and Base64; create one with: echo whsec_$(openssl rand -base64 32)")]
    Encoding,
    /// Its length is outside the limits of the specification.
    #[error("the key has {0} bytes, and needs 24 to 64; create one with: echo whsec_$(openssl rand -base64 32)")]
    Length(usize),
}

const PREFIX: &str = "whsec_";

impl SigningKey {
    /// Returns the value of the header `webhook-signature`. The time is in Unix seconds.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(id.as_bytes());
        mac.update(format!(".{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl FromStr for SigningKey {
    type Err = InvalidSigningKey;

    fn from_str(text: &str) -> Result<Self, InvalidSigningKey> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(InvalidSigningKey::Encoding)?;
        let key = BASE64_STANDARD.decode(encoded).map_err(|_| InvalidSigningKey::Encoding)?;
        if !(24..=64).contains(&key.len()) {
            return Err(InvalidSigningKey::Length(key.len()));
        }
        // A key of any length is accepted.
        Hmac::new_from_slice(&key).map(Self).map_err(|_| InvalidSigningKey::Length(key.len()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks libraries.
    #[test]
    fn a_signature_is_that_of_the_reference_libraries() {
        let key: SigningKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn keys_of_other_forms_are_refused_without_repeating_them() {
        let short = format!("{PREFIX}{}", BASE64_STANDARD.encode([1; 23]));
        let long = format!("{PREFIX}{}", BASE64_STANDARD.encode([1; 65]));
        for (text, error) in [
            ("", InvalidSigningKey::Encoding),
            ("hunter2", InvalidSigningKey::Encoding),
            ("whsec_hunter2!", InvalidSigningKey::Encoding),
            (short.as_str(), InvalidSigningKey::Length(23)),
            (long.as_str(), InvalidSigningKey::Length(65)),
        ] {
            assert_eq!(text.parse::<SigningKey>().unwrap_err(), error, "{text}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
