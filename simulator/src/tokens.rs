//! Issues and checks bearer tokens.

use std::collections::HashMap;

use rand::Rng;

/// Maximum number of valid tokens; beyond it, the token that expires first is evicted.
const MAX_TOKENS: usize = 1_024;

/// Issued tokens.
#[derive(Default)]
pub(crate) struct Tokens(HashMap<String, Token>);

struct Token {
    client: String,
    /// Unix seconds.
    expires: i64,
}

impl Tokens {
    /// Issues a new token for a client, valid until `expires`.
    pub(crate) fn issue(&mut self, client: &str, now: i64, expires: i64) -> String {
        self.0.retain(|_, token| token.expires > now);
        if self.0.len() >= MAX_TOKENS
            && let Some(first) = self.0.iter().min_by_key(|(_, token)| token.expires).map(|(text, _)| text.clone())
        {
            self.0.remove(&first);
        }
        let text = format!("{:032x}{:032x}", rand::rng().random::<u128>(), rand::rng().random::<u128>());
        self.0.insert(text.clone(), Token { client: client.to_owned(), expires });
        text
    }

    /// Returns the client that a token was issued to; `None` if the token is unknown or has expired.
    pub(crate) fn client(&self, text: &str, now: i64) -> Option<&str> {
        self.0.get(text).filter(|token| token.expires > now).map(|token| token.client.as_str())
    }

    /// Revokes all tokens.
    pub(crate) fn revoke_all(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_valid_until_it_expires() {
        let mut tokens = Tokens::default();
        let text = tokens.issue("me", 100, 160);
        assert_eq!(tokens.client(&text, 159), Some("me"));
        assert_eq!(tokens.client(&text, 160), None);
        assert_eq!(tokens.client("other", 100), None);
    }

    #[test]
    fn the_number_of_tokens_is_bounded() {
        let mut tokens = Tokens::default();
        let first = tokens.issue("me", 0, 10);
        for expires in 11..2_000 {
            tokens.issue("me", 0, expires);
        }
        assert!(tokens.0.len() <= MAX_TOKENS && tokens.client(&first, 0).is_none());
    }
}
