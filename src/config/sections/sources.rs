use std::time::Duration;

use actors::domain::{BoundingBox, Point};
use actors::supervision::ConfiguredName;

use crate::config::entries::settings_of;
use crate::config::reader::Reader;
use crate::config::section::{Row, Section, section};
use crate::config::values::{Secret, days, millis, mins, secs};
use crate::sources::{PollInterval, SourceAddress, SourceKind};

section! {
    /// More sources of flights, each under a name of your choice: receivers, community feeds, other servers.
    pub struct SourceSection in "sources.<name>", checked by check {
        /// What it is, such as readsb or opensky; docs/sources.md lists the kinds.
        kind: Option<&'static SourceKind> = "";
        /// Its address: the URL of an API, host:port of a TCP server, or the path of a file.
        url: Option<SourceAddress> = "";
        /// auto polls as often as its data changes, or as its terms allow; or a fixed time between two polls.
        interval: PollInterval = "auto", millis(100)..=days(1);
        /// Of two sources that report an aircraft, the one with the higher priority prevails; empty: by kind, a receiver
        /// before an API, and that before OpenSky.
        priority: Option<i16> = "", -1000..=1000;
        /// Only this area, as lamin,lomin,lamax,lomax in degrees. Empty: everything that it reports.
        bounding_box: Option<BoundingBox> = "";
        /// Where the receiver is, as lat,lon in degrees; needed only for aircraft on the ground (beast), and for the
        /// area of an API where bounding_box is empty.
        location: Option<Point> = "";
        /// The timeout of one request or of connecting.
        timeout: Duration = "10s", secs(1)..=mins(5);
        /// The key that an API demands.
        api_key: Option<Secret> = "";
        /// The header that contains the key.
        api_key_header: String = "api-auth";
    }
}

/// An entry of `sources`.
#[derive(Clone, Debug)]
pub struct SourceEntry {
    /// Its name.
    pub name: ConfiguredName,
    /// Its kind.
    pub kind: &'static SourceKind,
    /// Its settings.
    pub settings: SourceSection,
}

impl SourceEntry {
    /// Parses all entries. If any is invalid, adds the problems to the reader and returns `None`.
    pub(super) fn read_all(reader: &mut Reader) -> Option<Vec<Self>> {
        let template = &SourceSection::SCHEMA;
        let entries = reader.entries_of(template).into_iter().map(|name| {
            let settings = reader.within(template, &name, SourceSection::read)?;
            Some(Self { name: ConfiguredName::new(&name)?, kind: settings.kind?, settings })
        });
        entries.collect::<Vec<_>>().into_iter().collect()
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let settings = settings_of(&SourceSection::SCHEMA, self.name.as_str());
        let rows = settings.iter().zip(self.settings.rows());
        rows.map(|(setting, (_, value))| (setting, value)).collect()
    }
}

impl SourceSection {
    fn check(&self, reader: &mut Reader) {
        match self.kind {
            None => reader.conflict(Self::kind, format!("it is missing; expected {}", Self::kind.expected())),
            Some(kind) => {
                if let Err(reason) = kind.check_address(self.url.as_ref()) {
                    reader.conflict(Self::url, reason);
                }
            }
        }
    }
}
