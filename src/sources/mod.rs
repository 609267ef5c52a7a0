//! The sources of state vectors, each in its own folder.
//!
//! To add a source that a flag of `serve` selects, add its folder with its flags and `open`, and register it below.

pub mod http;
pub mod opensky;
mod poll_interval;
pub mod recorded;
pub mod simulated;
mod source;

pub use poll_interval::PollInterval;
pub use source::{Connect, Source, SourceInfo, SourceSettings, Traffic};

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
            /// Opens the selected source, if there is one.
            ///
            /// # Errors
            /// The source cannot be used.
            pub fn open(&self, settings: &SourceSettings) -> anyhow::Result<Option<Source>> {
                $(
                    if let Some(source) = self.$kind.open(settings)? {
                        return Ok(Some(source));
                    }
                )+
                Ok(None)
            }
        }
    };
}

selectable!(recorded: RecordedFlags, simulated: SimulatedFlags);
