//! [`section!`](section) declares a section of the configuration: each of its lines is a setting, and from it follow the
//! field, its parsing, default, environment variable, flag and documentation.

use super::reader::Reader;
use super::setting::Setting;

/// A struct of settings that [`section!`](section) declares.
pub(super) trait Section: Sized {
    /// What it is called, what it is about, and its settings.
    const SCHEMA: SectionSchema;

    /// Parses every setting; `None`, with the problems noted, where one is invalid.
    fn read(reader: &mut Reader) -> Option<Self>;

    /// The values in effect.
    fn rows(&self) -> Vec<Row>;
}

/// A section of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct SectionSchema {
    /// The key of its mapping in YAML.
    pub name: &'static str,
    /// A sentence for people.
    pub about: &'static str,
    /// Its settings, in the order of the file.
    pub settings: &'static [&'static Setting],
}

/// A setting and its value in text form, secrets masked.
pub(super) type Row = (&'static Setting, String);

/// Declares a section: a struct with one field for each setting, and the schema of both.
///
/// ```ignore
/// section! {
///     /// About the section; shown above it in config.yaml.
///     pub struct ExampleSettings in "example", checked by check {   // `fn check(&self, reader: &mut Reader)`
///         /// About the setting, in sentences; shown in config.yaml, --help and the documentation.
///         timeout: Duration = "30s", secs(1)..=mins(5);             // type, default and, where the type has them, limits
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
            const SCHEMA: $crate::config::section::SectionSchema = $crate::config::section::SectionSchema {
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
