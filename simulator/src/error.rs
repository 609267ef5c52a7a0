use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// Why the simulator failed to start.
#[derive(Debug, Error)]
pub enum SimulatorError {
    /// Invalid options.
    #[error("{0}")]
    Options(String),
    /// A recorded response cannot be read or parsed.
    #[error("cannot use the recorded response {}: {source}", file.display())]
    Recorded {
        /// The file with the response.
        file: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Binding the address failed.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address to listen on.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// The operating system refused another thread.
    #[error("cannot start the simulator's thread: {0}")]
    Thread(io::Error),
}
