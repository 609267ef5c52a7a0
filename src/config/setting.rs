use std::fmt;

use super::diagnostics::ConfigProblem;
use super::value::{InvalidValue, Secrecy, SettingValue, Shape};

/// A setting of the configuration.
pub struct Setting {
    /// `section.name`; the section of a named entry has two parts, such as `sources.roof`.
    pub path: &'static str,
    /// The default, in its form in the environment. If it is empty, the setting may be empty.
    pub default: &'static str,
    /// A sentence or two that describe the setting to users.
    pub docs: &'static str,
    /// The shape of the value in YAML.
    pub shape: Shape,
    /// The placeholder for the value in `--help`.
    pub placeholder: &'static str,
    /// Whether the value may be shown.
    pub secrecy: Secrecy,
    flag: Option<&'static str>,
    expected: fn() -> String,
    check: fn(&str) -> Result<(), InvalidValue>,
    quote_rejected: fn(&str) -> String,
}

impl Setting {
    pub(super) const fn new<T: SettingValue>(
        (path, default): (&'static str, &'static str),
        docs: &'static str,
        flag: Option<&'static str>,
        expected: fn() -> String,
        check: fn(&str) -> Result<(), InvalidValue>,
    ) -> Self {
        Self {
            path,
            default,
            docs: docs.trim_ascii_start(),
            shape: T::SHAPE,
            placeholder: T::PLACEHOLDER,
            secrecy: T::SECRECY,
            flag,
            expected,
            check,
            quote_rejected: T::quote_rejected,
        }
    }

    /// Returns the section, which is the part of the path before the last dot.
    pub fn section(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// Returns the name, which is the part of the path after the last dot.
    pub fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }

    /// Returns the same setting under another path.
    pub(super) const fn at(&self, path: &'static str) -> Self {
        Self { path, ..*self }
    }

    /// Returns the name of the environment variable.
    pub fn variable(&self) -> String {
        variable(self.path)
    }

    /// Returns the name of the flag, without the dashes, or `None` for a secret.
    pub fn flag(&self) -> Option<String> {
        let named = || self.flag.map_or_else(|| self.path.replace(['.', '_'], "-"), str::to_owned);
        (self.secrecy != Secrecy::Secret).then(named)
    }

    /// Returns the path of the key that names a file with the value, `section.name_file`. Only settings that may hold a
    /// secret have one.
    pub fn file_path(&self) -> Option<String> {
        (self.may_hold_secret() && self.shape != Shape::Map).then(|| format!("{}_file", self.path))
    }

    /// Describes the accepted values.
    pub fn expected(&self) -> String {
        let or_nothing = if self.default.is_empty() { ", or nothing" } else { "" };
        format!("{}{or_nothing}", (self.expected)())
    }

    /// Checks a text as a value of this setting, independently of other settings.
    ///
    /// # Errors
    /// Returns the problem as [`Settings::load`](super::Settings::load) would report it, with this origin.
    pub fn check(&self, text: &str, origin: &str) -> Result<(), ConfigProblem> {
        (self.check)(text.trim()).map_err(|invalid| self.reject(text, origin, &invalid))
    }

    pub(super) fn may_hold_secret(&self) -> bool {
        self.secrecy != Secrecy::Public
    }

    /// Quotes a rejected text on one line, with possible secrets masked.
    pub(super) fn quote_rejected(&self, text: &str) -> String {
        (self.quote_rejected)(text)
    }

    pub(super) fn reject(&self, text: &str, origin: &str, invalid: &InvalidValue) -> ConfigProblem {
        self.problem(text, origin, format!("{}; expected {}", invalid.describe_for(text), self.expected()))
    }

    pub(super) fn problem(&self, text: &str, origin: &str, reason: impl Into<String>) -> ConfigProblem {
        let (key, value) = (self.path.to_owned(), self.quote_rejected(text));
        ConfigProblem::Key { key, value, origin: origin.to_owned(), reason: reason.into() }
    }
}

impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path)
    }
}

/// Returns the environment variable of a dotted path: in upper case, with underscores instead of dots.
pub(super) fn variable(path: &str) -> String {
    path.replace(['.', '-'], "_").to_uppercase()
}
