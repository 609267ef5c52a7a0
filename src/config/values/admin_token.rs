use std::fmt;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rand::TryRngCore;
use rand::rngs::OsRng;
use textfile::ReadError;
use thiserror::Error;

use super::secret::Secret;
use crate::atomic_file::{self, Existing};
use crate::config::value::{InvalidValue, setting_value};

/// The file of a generated token, in the working directory.
pub const ADMIN_TOKEN_FILE: &str = "data/admin.token";

/// The maximum size of the token file in bytes. A generated file has 65.
const MAX_TOKEN_FILE: u64 = 64 * 1024;

/// The bearer token of `/admin`. Neither `Debug` nor `Display` shows it.
#[derive(Clone, Debug)]
pub struct AdminToken(Secret);

impl AdminToken {
    /// Returns the token in clear text.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl FromStr for AdminToken {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let secret: Secret = text.parse()?;
        if text.chars().count() < 16 {
            return Err(InvalidValue::because(format_args!("it has {} characters", text.chars().count())));
        }
        // The token is sent in a header.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidValue::because("it contains a space or a non-ASCII character"));
        }
        Ok(Self(secret))
    }
}

impl fmt::Display for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

setting_value!(AdminToken: Text, "TOKEN", "at least 16 visible ASCII characters without spaces", Secret);

/// A token loaded from its file.
#[derive(Clone, Debug)]
pub struct LoadedToken {
    /// The token.
    pub token: AdminToken,
    /// A warning for the log if other users were able to read the file.
    pub warning: Option<String>,
}

/// The error for a token that cannot be loaded or generated.
#[derive(Debug, Error)]
pub enum AdminTokenError {
    /// The file cannot be read or created.
    #[error("{path}: {error}; set admin.token, or make the directory writable")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        error: io::Error,
    },
    /// The file does not contain a valid token.
    #[error("{path}: {reason}; remove the file to generate a new token")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Why the content is not a valid token.
        reason: String,
    },
    /// The system's random number generator failed.
    #[error("failed to generate a token: {0}")]
    Random(String),
}

impl AdminToken {
    /// Reads the token from its file, or generates the file with 32 random bytes in hex, readable only by its owner.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or created, or does not contain a valid token.
    pub fn load_or_generate(file: &Path) -> Result<LoadedToken, AdminTokenError> {
        let failed = |error: io::Error| AdminTokenError::File { path: file.to_owned(), error };
        match Self::read(file) {
            Ok(token) => Ok(LoadedToken { token, warning: tighten(file).map_err(failed)? }),
            Err(AdminTokenError::File { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                let token = generate()?;
                match keep(file, &token) {
                    Ok(()) => Ok(LoadedToken { token, warning: None }),
                    // Another process, which started at the same time, has created the file.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load_or_generate(file),
                    Err(error) => Err(failed(error)),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the token from its file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or does not contain a valid token.
    pub fn read(file: &Path) -> Result<Self, AdminTokenError> {
        let invalid = |reason: String| AdminTokenError::Invalid { path: file.to_owned(), reason };
        let text = textfile::read(file, MAX_TOKEN_FILE).map_err(|error| match error {
            ReadError::Io(error) => AdminTokenError::File { path: file.to_owned(), error },
            error => invalid(error.to_string()),
        })?;
        text.trim().parse().map_err(|reason: InvalidValue| invalid(reason.to_string()))
    }
}

fn generate() -> Result<AdminToken, AdminTokenError> {
    let mut bytes = [0_u8; 32];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| AdminTokenError::Random(error.to_string()))?;
    Ok(AdminToken(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())))
}

fn keep(file: &Path, token: &AdminToken) -> io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    }
    atomic_file::write(file, &format!("{}\n", token.expose()), 0o600, Existing::Keep)
}

fn tighten(file: &Path) -> io::Result<Option<String>> {
    let mode = fs::metadata(file)?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(None);
    }
    fs::set_permissions(file, Permissions::from_mode(0o600))?;
    Ok(Some(format!("{} had mode {mode:03o}, now 600; other users may have read the token", file.display())))
}
