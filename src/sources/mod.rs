//! The sources of state vectors, each in its own folder.
//!
//! To add a kind of source that the configuration can name, add its folder with a [`SourceKind`], and its row in
//! [`KINDS`]. A source that a flag of `serve` selects is registered in `selectable!` instead.

mod address;
mod bad_row;
pub mod beast;
pub mod http;
mod kind;
pub mod opensky;
mod poll_interval;
pub mod readsb;
mod readsb_api;
pub mod receiver;
pub mod recorded;
pub mod sbs;
mod set;
pub mod simulated;
mod source;

pub use address::{InvalidSourceAddress, SourceAddress};
pub use kind::{AddressForm, SourceKind};
pub use poll_interval::PollInterval;
pub use set::{InvalidSources, Sources};
pub use source::{ApiKey, Connect, InvalidSourceName, Source, SourceInfo, SourceSettings, Traffic};

/// The kinds of sources below `sources` in the configuration.
pub static KINDS: &[&SourceKind] =
    &[&readsb::KIND, &readsb_api::KIND, &beast::KIND, &sbs::KIND, &opensky::KIND, &recorded::KIND];

/// Returns the kind of source that probably has this address.
pub fn likely_kind(address: &SourceAddress) -> Option<&'static SourceKind> {
    KINDS.iter().copied().find(|kind| kind.is_likely_at(address))
}

/// Registers the sources that a flag of `serve` selects.
macro_rules! selectable {
    ($($kind:ident: $flags:ident),+) => {
        /// The flags of `serve` that select another source than the OpenSky Network.
        #[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
        pub struct SourceFlags {
            $(
                #[command(flatten)]
                #[allow(missing_docs, reason = "documented by its source")]
                pub $kind: $kind::$flags,
            )+
        }

        impl SourceFlags {
            /// Opens the selected sources; none without a flag.
            ///
            /// # Errors
            /// A source cannot be used.
            pub fn open(&self, settings: &SourceSettings) -> anyhow::Result<Vec<Source>> {
                let mut sources = Vec::new();
                $(sources.extend(self.$kind.open(settings)?);)+
                Ok(sources)
            }
        }
    };
}

selectable!(recorded: RecordedFlags, simulated: SimulatedFlags);
