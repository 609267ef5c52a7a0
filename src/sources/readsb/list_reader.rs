use std::time::Duration;

use actors::ports::SourceError;
use futures_util::future::LocalBoxFuture;

use super::wire::AircraftList;

/// The result of reading a list.
#[derive(Debug)]
pub(in crate::sources) enum Read {
    /// The list has not changed since the last time.
    Unchanged,
    /// A list, which may have the same time as the last one.
    List(AircraftList),
}

/// Reads a list of aircraft, wherever it is.
pub(in crate::sources) trait ListReader: 'static {
    /// Reads the list once.
    ///
    /// # Errors
    /// Classified by who can act.
    fn read(&self) -> LocalBoxFuture<'_, Result<Read, SourceError>>;

    /// Returns the maximum duration of [`ListReader::read`].
    fn max_read_time(&self) -> Duration;
}
