use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rand::TryRngCore;
use rand::rngs::OsRng;
use textfile::ReadError;
use thiserror::Error;

use super::Rows;
use crate::config::kind::Kind;
use crate::config::reader::Reader;
use crate::config::values::{FromText, Secret, Shown};

/// Where a generated token is kept, within the working directory.
pub const ADMIN_TOKEN_FILE: &str = "data/admin.token";

/// Bytes of the token's file; a generated one has 65.
const MAX_TOKEN_FILE: u64 = 64 * 1024;

const KIND: Kind = Kind::Secret { min_chars: 16 };

/// `admin`: the administrators' endpoints.
#[derive(Clone, Debug)]
pub struct AdminSettings {
    /// The bearer token, where one was given.
    pub token: Option<Secret>,
}

/// A token to be used, and what came to light on the way.
#[derive(Clone, Debug)]
pub struct AdminToken {
    /// The token.
    pub token: Secret,
    /// The file was open to others until now; the word for the log.
    pub warning: Option<String>,
}

/// Why there is no token.
#[derive(Debug, Error)]
pub enum AdminTokenError {
    /// The file can neither be read nor made.
    #[error("{path}: {error}; set admin.token, or make the directory writable")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's word.
        #[source]
        error: io::Error,
    },
    /// What stands in the file is no token.
    #[error("{path}: {reason}; remove the file and a new one is made")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The system gives no random numbers.
    #[error("no random numbers for a token: {0}")]
    Random(String),
}

impl AdminSettings {
    /// The token that was given, or the one in the file, which is made at the first start: 32 random bytes in hex,
    /// readable by its owner alone.
    ///
    /// # Errors
    /// When the file can neither be read nor made, or holds no token.
    pub fn token_or_generated(&self, file: &Path) -> Result<AdminToken, AdminTokenError> {
        if let Some(token) = &self.token {
            return Ok(AdminToken { token: token.clone(), warning: None });
        }
        let failed = |error: io::Error| AdminTokenError::File { path: file.to_owned(), error };
        match read_token(file) {
            Ok(token) => Ok(AdminToken { token, warning: tighten(file).map_err(failed)? }),
            Err(AdminTokenError::File { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                let token = generate()?;
                match keep(file, &token) {
                    Ok(()) => Ok(AdminToken { token, warning: None }),
                    // Another process that started at the same time was first.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.token_or_generated(file),
                    Err(error) => Err(failed(error)),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the file holds a token, where it is needed and is there.
    ///
    /// # Errors
    /// As [`token_or_generated`](Self::token_or_generated) would have it.
    pub(in crate::config) fn check_file(&self, file: &Path) -> Result<(), AdminTokenError> {
        if self.token.is_some() || !file.exists() {
            return Ok(());
        }
        read_token(file).map(drop)
    }

    pub(in crate::config) fn read(reader: &mut Reader) -> Option<Self> {
        Some(Self { token: reader.read_optional("admin.token")? })
    }

    pub(in crate::config) fn rows(&self) -> Rows {
        vec![("admin.token", Shown::optional(self.token.as_ref()))]
    }
}

fn read_token(file: &Path) -> Result<Secret, AdminTokenError> {
    let unfit = |reason: String| AdminTokenError::Unfit { path: file.to_owned(), reason };
    let text = textfile::read(file, MAX_TOKEN_FILE).map_err(|error| match error {
        ReadError::Io(error) => AdminTokenError::File { path: file.to_owned(), error },
        error => unfit(error.to_string()),
    })?;
    Secret::from_text(text.trim(), KIND).map_err(|reason| unfit(reason.to_string()))
}

fn generate() -> Result<Secret, AdminTokenError> {
    let mut bytes = [0_u8; 32];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| AdminTokenError::Random(error.to_string()))?;
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}

/// Writes a file of its own and links it into place, so that nobody ever reads half a token.
fn keep(file: &Path, token: &Secret) -> io::Result<()> {
    if let Some(directory) = file.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
    }
    let fresh = file.with_extension(format!("token.{}", std::process::id()));
    let _ = fs::remove_file(&fresh);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut opened| {
            writeln!(opened, "{}", token.expose())?;
            opened.sync_all()
        })
        .and_then(|()| fs::hard_link(&fresh, file));
    let _ = fs::remove_file(&fresh);
    written
}

fn tighten(file: &Path) -> io::Result<Option<String>> {
    let mode = fs::metadata(file)?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(None);
    }
    fs::set_permissions(file, Permissions::from_mode(0o600))?;
    Ok(Some(format!("{} had mode {mode:03o} and has 600 now; others may have read the token", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_token_is_generated_once_and_readable_by_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("data/admin.token");
        let settings = AdminSettings { token: None };
        let first = settings.token_or_generated(&file).unwrap();
        assert_eq!(first.token.expose().len(), 64);
        assert_eq!(mode(&file), 0o600);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
        let second = settings.token_or_generated(&file).unwrap();
        assert_eq!(second.token.expose(), first.token.expose());
        assert_eq!(second.warning, None);
        let elsewhere = settings.token_or_generated(&directory.path().join("other")).unwrap();
        assert_ne!(elsewhere.token.expose(), first.token.expose());
    }

    #[test]
    fn wider_permissions_are_tightened_with_a_warning() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("admin.token");
        fs::write(&file, "0123456789abcdef\n").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let token = AdminSettings { token: None }.token_or_generated(&file).unwrap();
        assert_eq!(token.token.expose(), "0123456789abcdef");
        assert!(token.warning.unwrap().contains("644"));
        assert_eq!(mode(&file), 0o600);
    }

    #[test]
    fn a_given_token_leaves_the_file_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("admin.token");
        let given = AdminSettings { token: Some(Secret::new("given-0123456789")) };
        assert_eq!(given.token_or_generated(&file).unwrap().token.expose(), "given-0123456789");
        assert!(!file.exists());
    }

    #[test]
    fn a_file_without_a_token_is_an_error_that_says_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("admin.token");
        let settings = AdminSettings { token: None };
        for text in ["", "short", "0123456789 abcdef"] {
            fs::write(&file, text).unwrap();
            let error = settings.token_or_generated(&file).unwrap_err().to_string();
            assert!(error.contains("remove the file"), "{error}");
        }
        let error = settings.token_or_generated(directory.path()).unwrap_err().to_string();
        assert!(error.contains("set admin.token"), "{error}");
    }
}
