/// Secrets to mask in errors and logs.
#[derive(Default)]
pub(crate) struct Secrets(Vec<String>);

/// The maximum number of characters of a quote.
const MAX_QUOTE: usize = 120;

const MASK: &str = "***";

impl Secrets {
    /// Adds a secret, and its URL-encoded and JSON forms, since a server may echo the request.
    pub(crate) fn add(&mut self, secret: &str) {
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let json = serde_json::Value::from(secret).to_string();
        for form in [secret, &form, &json[1..json.len() - 1]] {
            if !form.is_empty() && !self.0.iter().any(|known| known == form) {
                self.0.push(form.to_owned());
            }
        }
        // Longest first: if one secret is the prefix of another, the longer one has to be masked.
        self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// Quotes the beginning of a text for an error or a log: on one line, with control characters escaped and secrets
    /// masked.
    pub(crate) fn quote(&self, text: &[u8]) -> String {
        // Each character of the quote stands for at most this many bytes, so no secret is cut in two.
        let max_len = self.0.first().map_or(4, |secret| secret.len().max(4)) * (MAX_QUOTE + 1);
        let text = text.trim_ascii();
        let text = String::from_utf8_lossy(&text[..text.len().min(max_len)]);
        let mut rest = text.as_ref();
        let mut quote = String::new();
        let mut length = 0;
        while let Some(c) = rest.chars().next() {
            if length >= MAX_QUOTE {
                quote.push('…');
                break;
            }
            let before = quote.len();
            if let Some(secret) = self.0.iter().find(|secret| rest.starts_with(secret.as_str())) {
                quote.push_str(MASK);
                rest = &rest[secret.len()..];
            } else {
                match c {
                    '"' | '\'' | '\\' => quote.push(c),
                    _ => quote.extend(c.escape_debug()),
                }
                rest = &rest[c.len_utf8()..];
            }
            length += quote[before..].chars().count();
        }
        quote
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secrets(texts: &[&str]) -> Secrets {
        let mut secrets = Secrets::default();
        texts.iter().for_each(|text| secrets.add(text));
        secrets
    }

    #[test]
    fn a_quote_is_one_short_line_without_secrets() {
        let check = |texts: &[&str], text: &[u8], expected: &str| {
            assert_eq!(secrets(texts).quote(text), expected, "{}", text.escape_ascii());
        };
        check(&[], b"", "");
        check(&[], b" <html>\r\n<b>\"no\"</b> ", "<html>\\r\\n<b>\"no\"</b>");
        check(&[], b"\x1b[31m\0\xff", "\\u{1b}[31m\\0\u{fffd}");
        check(&[], "\u{202e}ü".as_bytes(), "\\u{202e}ü");
        check(&[], &[b'x'; 500], &format!("{}…", "x".repeat(120)));
        check(&["tok"], b"my token is tok", "my ***en is ***");
        check(&["tok", "token-2"], b"token-2", "***");
        check(&["a b&c"], b"client_secret=a+b%26c", "client_secret=***");
        check(&["a\"b"], br#"{"s":"a\"b"}"#, r#"{"s":"***"}"#);
        check(&[""], b"x", "x");
    }

    #[test]
    fn a_secret_at_the_end_of_a_quote_is_masked_as_a_whole() {
        let token = "t".repeat(1_500);
        for before in 0..MAX_QUOTE + 2 {
            let text = format!("{}{token}{token} end", "x".repeat(before));
            assert!(!secrets(&[&token]).quote(text.as_bytes()).contains('t'), "{before}");
        }
        let many = token.repeat(100);
        assert!(!secrets(&[&token]).quote(many.as_bytes()).contains('t'));
        for blanks in 121 * 1_500 - 10..121 * 1_500 {
            let text = " ".repeat(blanks) + &token;
            assert_eq!(secrets(&[&token]).quote(text.as_bytes()), MASK, "{blanks}");
        }
    }

    proptest! {
        #[test]
        fn quotes_are_bounded_printable_and_hide_the_secret(text: Vec<u8>, secret in "[a-z0-9\"][a-z0-9.\"+ ]{4,18}[a-z0-9\"]", at: usize) {
            let mut text = text;
            let at = at % (text.len() + 1);
            text.splice(at..at, secret.bytes());
            let quote = secrets(&[&secret]).quote(&text);
            prop_assert!(!quote.contains(&secret) || quote.contains(MASK));
            prop_assert!(quote.chars().count() <= MAX_QUOTE + 12);
            prop_assert!(!quote.chars().any(char::is_control));
        }
    }
}
