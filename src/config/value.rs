//! What a setting can be. A value is parsed once, from the text that it has in the environment, into the type that the
//! program uses to the end.

use std::fmt::Display;

use thiserror::Error;

/// A type that a setting can have.
pub trait SettingValue: Sized {
    /// What bounds the values of one setting; `()` where the type itself says it all.
    type Limits;

    /// How YAML writes it.
    const SHAPE: Shape;
    /// What `--help` shows in place of a value.
    const PLACEHOLDER: &'static str;
    /// The accepted values, in words.
    const EXPECTED: &'static str;
    /// Whether a value may be shown.
    const SECRECY: Secrecy = Secrecy::Public;

    /// Parses a text without surrounding white space.
    ///
    /// # Errors
    /// Why the text is not a value. The reason does not repeat what may be secret.
    fn parse(text: &str, limits: &Self::Limits) -> Result<Self, InvalidValue>;

    /// Adds an entry to a value of [`Shape::Map`].
    ///
    /// # Errors
    /// Why it is not an entry.
    fn insert(&mut self, _name: &str, _text: &str) -> Result<(), InvalidValue> {
        Err(InvalidValue::because("it has no entries"))
    }

    /// The accepted values within the limits, in words.
    fn expected(_limits: &Self::Limits) -> String {
        Self::EXPECTED.to_owned()
    }

    /// The text form, secrets masked.
    fn display(&self) -> String;

    /// A refused text as an error shows it.
    fn quote_refused(text: &str) -> String {
        match Self::SECRECY {
            Secrecy::Public => quote(&mask_user_info(text)),
            Secrecy::MayHoldSecret | Secrecy::Secret => MASK.to_owned(),
        }
    }
}

/// Makes a setting value of a type that has `FromStr` and `Display`: its shape, placeholder, accepted values and, unless
/// public, secrecy.
macro_rules! setting_value {
    ($type:ty: $shape:ident, $placeholder:literal, $expected:literal $(, $secrecy:ident)?) => {
        impl $crate::config::value::SettingValue for $type {
            type Limits = ();

            const SHAPE: $crate::config::value::Shape = $crate::config::value::Shape::$shape;
            const PLACEHOLDER: &'static str = $placeholder;
            const EXPECTED: &'static str = $expected;
            $(const SECRECY: $crate::config::value::Secrecy = $crate::config::value::Secrecy::$secrecy;)?

            fn parse(text: &str, (): &()) -> Result<Self, $crate::config::value::InvalidValue> {
                text.parse()
            }

            fn display(&self) -> String {
                self.to_string()
            }
        }
    };
}

pub(super) use setting_value;

/// A setting that may be left empty.
impl<T: SettingValue> SettingValue for Option<T> {
    type Limits = T::Limits;

    const SHAPE: Shape = T::SHAPE;
    const PLACEHOLDER: &'static str = T::PLACEHOLDER;
    const EXPECTED: &'static str = T::EXPECTED;
    const SECRECY: Secrecy = T::SECRECY;

    fn parse(text: &str, limits: &T::Limits) -> Result<Self, InvalidValue> {
        if text.is_empty() { Ok(None) } else { T::parse(text, limits).map(Some) }
    }

    fn expected(limits: &T::Limits) -> String {
        T::expected(limits)
    }

    fn display(&self) -> String {
        self.as_ref().map_or_else(String::new, T::display)
    }

    fn quote_refused(text: &str) -> String {
        T::quote_refused(text)
    }
}

/// How YAML writes the values of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text. A bare number is refused, since `0123` or `1e5` would not mean what was written.
    Text,
    /// A number, or an amount with its unit.
    Number,
    /// Numbers separated by commas; a list is accepted.
    Numbers,
    /// Texts separated by commas; a list is accepted.
    Texts,
    /// A list; texts separated by commas are accepted.
    List,
    /// A mapping of names to texts.
    Map,
}

impl Shape {
    pub(super) fn accepts_numbers(self) -> bool {
        matches!(self, Self::Number | Self::Numbers)
    }

    pub(super) fn accepts_lists(self) -> bool {
        matches!(self, Self::Numbers | Self::Texts | Self::List)
    }
}

/// Whether the values of a type may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// They may.
    Public,
    /// A part of a value may be secret and is masked. A refused value is masked as a whole.
    MayHoldSecret,
    /// Never. A secret has no flag, since other users of a machine can see flags.
    Secret,
}

/// Why a text is not a value of its setting; without the text itself where that could be secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidValue(String);

impl InvalidValue {
    pub(crate) fn because(reason: impl Display) -> Self {
        Self(reason.to_string())
    }

    /// The reason for this text: quotation marks around it are a likely cause.
    pub(super) fn of_text(&self, text: &str) -> String {
        match is_quoted(text) {
            true => format!("{self}; the quotation marks are part of the value, leave them out"),
            false => self.to_string(),
        }
    }
}

/// What stands in place of a secret.
pub(super) const MASK: &str = "***";

/// A text on one line and of a limited length.
pub(super) fn quote(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    let cut: String = text.chars().take(MAX_CHARS).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{dots}")
}

/// Whether a text stands in quotation marks. `docker run --env-file` and systemd's drop-ins pass them on.
pub(super) fn is_quoted(text: &str) -> bool {
    let text = text.trim();
    ['"', '\''].into_iter().any(|mark| text.len() > 1 && text.starts_with(mark) && text.ends_with(mark))
}

/// Masks the password in `scheme://user:password@host`. A password that was not percent-encoded may hold anything, so
/// everything up to the last `@` counts as part of it.
pub(super) fn mask_user_info(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let Some(end) = url.rfind('@').filter(|at| *at >= start) else { return url.to_owned() };
    match url[start..end].find(':') {
        Some(colon) => format!("{}:{MASK}{}", &url[..start + colon], &url[end..]),
        None => url.to_owned(),
    }
}

/// Whether a name is one of those under which secrets are kept.
pub(super) fn is_sensitive(name: &str) -> bool {
    let name = name.to_lowercase();
    // jaas and oauthbearer.config carry a password or a token within a longer text.
    ["pass", "secret", "token", "private", "key.pem", "ssl_key", "jaas", "oauthbearer.config", "credential"]
        .iter()
        .any(|part| name.contains(part))
}
