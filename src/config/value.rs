//! The types of settings. A value is parsed once, from its text form in the environment, into the type that the program
//! uses.

use std::fmt::Display;

use thiserror::Error;

/// A type that a setting can have.
pub trait SettingValue: Sized {
    /// The limits on the values of a setting; `()` if the type has none.
    type Limits;

    /// The shape of a value in YAML.
    const SHAPE: Shape;
    /// The placeholder for a value in `--help`.
    const PLACEHOLDER: &'static str;
    /// A description of the accepted values.
    const EXPECTED: &'static str;
    /// Whether a value may be shown.
    const SECRECY: Secrecy = Secrecy::Public;

    /// Parses a text that has no surrounding white space.
    ///
    /// # Errors
    /// Returns the reason why the text is not a valid value. It does not repeat possible secrets.
    fn parse(text: &str, limits: &Self::Limits) -> Result<Self, InvalidValue>;

    /// Adds an entry to a value of [`Shape::Map`].
    ///
    /// # Errors
    /// Returns the reason why the entry is invalid.
    fn insert(&mut self, _name: &str, _text: &str) -> Result<(), InvalidValue> {
        Err(InvalidValue::because("it has no entries"))
    }

    /// Describes the accepted values within the limits.
    fn expected(_limits: &Self::Limits) -> String {
        Self::EXPECTED.to_owned()
    }

    /// Returns the text form, with secrets masked.
    fn display(&self) -> String;

    /// Quotes a rejected text for an error message.
    fn quote_rejected(text: &str) -> String {
        match Self::SECRECY {
            Secrecy::Public => quote(&mask_user_info(text)),
            Secrecy::MayHoldSecret | Secrecy::Secret => MASK.to_owned(),
        }
    }
}

/// Implements [`SettingValue`] for a type that implements `FromStr` and `Display`, given its shape, placeholder,
/// accepted values and, unless public, secrecy.
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

/// An optional setting, for which an empty text means `None`.
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

    fn quote_rejected(text: &str) -> String {
        T::quote_rejected(text)
    }
}

/// The shape of a value in YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text. A bare number is rejected, because YAML would change `0123` or `1e5`.
    Text,
    /// A number, or an amount with its unit.
    Number,
    /// Numbers separated by commas; a list is accepted.
    Numbers,
    /// Texts separated by commas; a list is accepted.
    Texts,
    /// A list; texts separated by commas are accepted.
    List,
    /// `true` or `false`.
    Switch,
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
    /// The value is not secret.
    Public,
    /// A part of the value may be secret and is masked. A rejected value is masked as a whole.
    MayHoldSecret,
    /// The value is secret and never shown. It has no flag, because other users of the machine can see flags.
    Secret,
}

/// The reason why a text is not a valid value. Does not contain the text if that could be secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidValue(String);

impl InvalidValue {
    pub(crate) fn because(reason: impl Display) -> Self {
        Self(reason.to_string())
    }

    /// Returns the reason, with a hint if the text is in quotation marks, which are a likely cause.
    pub(super) fn describe_for(&self, text: &str) -> String {
        match is_quoted(text) {
            true => format!("{self}; the quotation marks are part of the value, leave them out"),
            false => self.to_string(),
        }
    }
}

/// The text shown instead of a secret.
pub(super) const MASK: &str = "***";

/// Quotes a text on one line and limits its length.
pub(super) fn quote(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    let cut: String = text.chars().take(MAX_CHARS).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{dots}")
}

/// Returns whether a text is in quotation marks. `docker run --env-file` and systemd drop-ins do not remove them.
pub(super) fn is_quoted(text: &str) -> bool {
    let text = text.trim();
    ['"', '\''].into_iter().any(|mark| text.len() > 1 && text.starts_with(mark) && text.ends_with(mark))
}

/// Masks the password in `scheme://user:password@host`. A password that was not percent-encoded may contain any
/// character, so everything up to the last `@` counts as part of it.
pub(super) fn mask_user_info(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let Some(end) = url.rfind('@').filter(|at| *at >= start) else { return url.to_owned() };
    match url[start..end].find(':') {
        Some(colon) => format!("{}:{MASK}{}", &url[..start + colon], &url[end..]),
        None => url.to_owned(),
    }
}

/// Returns whether a name suggests that its value is a secret.
pub(super) fn is_sensitive(name: &str) -> bool {
    let name = name.to_lowercase();
    // jaas and oauthbearer.config contain a password or a token within a longer text.
    ["pass", "secret", "token", "private", "key.pem", "ssl_key", "jaas", "oauthbearer.config", "credential"]
        .iter()
        .any(|part| name.contains(part))
}
