//! The sections of the configuration, one file each. To add one, add its file and a line to [`settings!`](settings).

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::reader::{DEFAULT, Reader};
use super::schema::SectionSchema;
use super::section::{Row, Section};
use super::setting::Setting;
use crate::proxy::{InvalidProxy, Proxies};

/// Declares the modules of these sections, and [`Settings`] with all of them.
macro_rules! settings {
    ($($section:ident: $type:ident,)+) => {
        $(
            mod $section;
            pub use $section::$type;
        )+

        /// The whole configuration. `Debug` shows no secret.
        #[derive(Clone, Debug)]
        pub struct Settings {
            $(#[doc = concat!("The section `", stringify!($section), "`.")] pub $section: $type,)+
            /// The entries of `sources`, by name.
            pub sources: Vec<SourceEntry>,
            /// The entries of `notify`, by name.
            pub notify: Vec<NotifyEntry>,
            /// The proxies for outgoing requests, from the usual environment variables.
            pub proxies: Result<Proxies, InvalidProxy>,
            /// The file of certificate authorities for HTTPS that are trusted in addition to the public ones
            /// (`SSL_CERT_FILE`).
            pub authorities: Option<PathBuf>,
            /// The configuration file, if there is one.
            pub file: Option<PathBuf>,
            /// Warnings for the operator.
            pub warnings: Vec<String>,
            origins: BTreeMap<String, String>,
        }

        /// The sections, in file order.
        pub(super) const SECTIONS: &[SectionSchema] = &[$(<$type>::SCHEMA),+];

        impl Settings {
            /// Parses every section. If any is invalid, adds the problems to the reader and returns `None`.
            pub(super) fn read(
                reader: &mut Reader,
                proxies: Result<Proxies, InvalidProxy>,
                authorities: Option<PathBuf>,
            ) -> Option<Self> {
                $(let $section = <$type>::read(reader);)+
                let sources = SourceEntry::read_all(reader);
                let notify = NotifyEntry::read_all(reader);
                let origins = reader.origins();
                Some(Self {
                    $($section: $section?,)+
                    sources: sources?,
                    notify: notify?,
                    proxies,
                    authorities,
                    file: None,
                    warnings: Vec::new(),
                    origins,
                })
            }

            /// Returns every setting with its value in effect, with secrets masked, in file order.
            pub fn rows(&self) -> Vec<Row> {
                let mut rows = [$(self.$section.rows()),+].concat();
                rows.extend(self.sources.iter().flat_map(SourceEntry::rows));
                rows.extend(self.notify.iter().flat_map(NotifyEntry::rows));
                rows
            }
        }
    };
}

mod notify;
pub use notify::{NotifyEntry, NotifySection};
mod sources;
pub use sources::{SourceEntry, SourceSection};

/// The templates of the sections whose keys are names that the user chooses.
pub(super) const TEMPLATES: &[SectionSchema] = &[SourceSection::SCHEMA, NotifySection::SCHEMA];

settings! {
    server: ServerSettings,
    opensky: OpenSkySettings,
    merge: MergeSettings,
    kafka: KafkaSettings,
    database: DatabaseSettings,
    json_lines: JsonLinesSettings,
    archive: ArchiveSettings,
    enrichment: EnrichmentSettings,
    detect: DetectSettings,
    http: HttpSettings,
    sse: SseSettings,
    admin: AdminSettings,
}

impl Settings {
    /// Returns where a value comes from: `default`, a file, an environment variable or a flag.
    pub fn origin(&self, path: &str) -> &str {
        self.origins.get(path).map_or(DEFAULT, String::as_str)
    }
}

/// Iterates over all settings, in file order.
pub fn settings() -> impl Iterator<Item = &'static Setting> + Clone {
    SECTIONS.iter().flat_map(|section| section.settings.iter().copied())
}
