//! [`section!`](section) declares a section of the configuration. Each line declares a setting: its field, type,
//! default, limits and documentation. The environment variable and the flag are derived from its name.

use super::reader::Reader;
use super::schema::SectionSchema;
use super::setting::Setting;

/// A struct of settings, declared with [`section!`](section).
pub(super) trait Section: Sized {
    /// The name, description and settings of the section.
    const SCHEMA: SectionSchema;

    /// Parses every setting. If any is invalid, adds the problems to the reader and returns `None`.
    fn read(reader: &mut Reader) -> Option<Self>;

    /// Returns the values in effect.
    fn rows(&self) -> Vec<Row>;
}

/// A setting and its value in text form, secrets masked.
pub(super) type Row = (&'static Setting, String);

/// Declares a section: a struct with one field per setting, and its schema.
///
/// ```text
/// section! {
///     /// About the section; shown above it in config.yaml.
///     pub struct ExampleSettings in "example", checked by check {   // `fn check(&self, reader: &mut Reader)`
///         /// About the setting, in sentences; shown in config.yaml, --help and the documentation.
///         timeout: Duration = "30s", secs(1)..=mins(5);             // type, default and, if the type has any, limits
///     }
/// }
/// ```
///
/// `ExampleSettings::timeout` is the [`Setting`], for use in errors and lists.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $visibility:vis struct $section:ident in $name:literal $(, checked by $check:ident)? {
            $(
                $(#[doc = $docs:literal])+
                $field:ident: $type:ty = $default:literal $(, $limits:expr)? $(=> flag $flag:literal)?;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        $visibility struct $section {
            $($(#[doc = $docs])+ $visibility $field: $type,)+
        }

        #[allow(non_upper_case_globals, reason = "a setting has the name of its field")]
        impl $section {
            $(
                $(#[doc = $docs])+
                $visibility const $field: &'static $crate::config::setting::Setting = &$crate::config::setting::Setting::new::<$type>(
                    (concat!($name, ".", stringify!($field)), $default),
                    concat!($($docs),+),
                    section!(@flag $($flag)?),
                    || <$type as $crate::config::value::SettingValue>::expected(&section!(@limits $($limits)?)),
                    |text| {
                        let limits = section!(@limits $($limits)?);
                        <$type as $crate::config::value::SettingValue>::parse(text, &limits).map(drop)
                    },
                );
            )+
        }

        impl $crate::config::section::Section for $section {
            const SCHEMA: $crate::config::schema::SectionSchema = $crate::config::schema::SectionSchema {
                name: $name,
                about: concat!($($about),+).trim_ascii_start(),
                settings: &[$(Self::$field),+],
            };

            fn read(reader: &mut $crate::config::reader::Reader) -> Option<Self> {
                $(let $field = reader.read(Self::$field, &section!(@limits $($limits)?));)+
                let section = Self { $($field: $field?),+ };
                $(section.$check(reader);)?
                Some(section)
            }

            fn rows(&self) -> Vec<$crate::config::section::Row> {
                vec![$((Self::$field, $crate::config::value::SettingValue::display(&self.$field))),+]
            }
        }
    };
    (@limits) => { () };
    (@limits $limits:expr) => { $limits };
    (@flag) => { None };
    (@flag $flag:literal) => { Some($flag) };
}

pub(super) use section;
