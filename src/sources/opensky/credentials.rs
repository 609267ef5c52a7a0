use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use textfile::ReadError;
use thiserror::Error;

/// The credentials of an OpenSky API client. `Debug`, logs and errors never show the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    client_id: String,
    client_secret: String,
}

/// Why credentials cannot be used. It never contains the contents of the file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CredentialsError {
    /// The file does not exist, which may be intended.
    #[error("{}: file not found", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read.
    #[error("{}: {reason}", .path.display())]
    Unreadable {
        /// The file's path.
        path: PathBuf,
        /// The operating system's error.
        reason: String,
    },
    /// The contents are not credentials.
    #[error("{}: {reason}; expected {EXPECTED}", .path.display())]
    Malformed {
        /// The file's path.
        path: PathBuf,
        /// What is wrong with the contents.
        reason: String,
    },
    /// The client id or the secret is empty or only white space.
    #[error("the OpenSky {0} is blank")]
    Blank(&'static str),
}

const EXPECTED: &str = r#"the file that OpenSky provides: {"clientId": "…", "clientSecret": "…"}"#;

/// The maximum size of a credentials file. Such files have about 100 bytes, so a larger one is something else.
const MAX_FILE: u64 = 64 * 1024;

impl Credentials {
    /// Creates credentials from a client id and secret, trimming white space.
    ///
    /// # Errors
    /// [`CredentialsError::Blank`] if either is empty.
    pub fn new(client_id: &str, client_secret: &str) -> Result<Self, CredentialsError> {
        let [client_id, client_secret] = [("client id", client_id), ("client secret", client_secret)]
            .map(|(what, text)| if text.trim().is_empty() { Err(what) } else { Ok(text.trim().to_owned()) });
        Ok(Self {
            client_id: client_id.map_err(CredentialsError::Blank)?,
            client_secret: client_secret.map_err(CredentialsError::Blank)?,
        })
    }

    /// Reads a JSON file with `clientId` and `clientSecret`, as provided by OpenSky, or `client_id` and
    /// `client_secret`. Other keys are ignored.
    ///
    /// # Errors
    /// All errors name the file and say what it should contain.
    pub fn read(path: &Path) -> Result<Self, CredentialsError> {
        let malformed = |reason| CredentialsError::Malformed { path: path.to_owned(), reason };
        let content = match textfile::read(path, MAX_FILE) {
            Ok(content) => content,
            Err(error) if error.is_not_found() => return Err(CredentialsError::Missing(path.to_owned())),
            Err(ReadError::Io(error)) => {
                return Err(CredentialsError::Unreadable { path: path.to_owned(), reason: error.to_string() });
            }
            Err(ReadError::TooLong(limit)) => return Err(malformed(format!("more than {limit} bytes"))),
            Err(error @ ReadError::NotText(_)) => return Err(malformed(error.to_string())),
        };
        Self::parse(&content).map_err(malformed)
    }

    fn parse(content: &str) -> Result<Self, String> {
        // Parsed as a generic value first: a type error from serde would quote the secret, a syntax error does not.
        let value: Value = serde_json::from_str(content).map_err(|error| format!("invalid JSON ({error})"))?;
        let Value::Object(object) = value else {
            return Err("not a JSON object".to_owned());
        };
        let text = |names: [&'static str; 2]| {
            let (name, value) = names
                .into_iter()
                .find_map(|name| object.get(name).map(|value| (name, value)))
                .ok_or_else(|| format!("missing `{}`", names[0]))?;
            value.as_str().ok_or_else(|| format!("`{name}` is not a string"))
        };
        let (id, secret) = (text(["clientId", "client_id"])?, text(["clientSecret", "client_secret"])?);
        Self::new(id, secret).map_err(|error| error.to_string())
    }

    /// Returns the client id, which is not secret.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(super) fn client_secret(&self) -> &str {
        &self.client_secret
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("client_id", &self.client_id)
            .field("client_secret", &format_args!("***"))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Credentials, CredentialsError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("credentials.json");
        std::fs::write(&path, content).unwrap();
        Credentials::read(&path)
    }

    #[test]
    fn both_spellings_are_read() {
        let expected = Credentials::new("me-api-client", "hunter2").unwrap();
        for content in [
            r#"{"clientId": "me-api-client", "clientSecret": "hunter2"}"#,
            r#"{"client_id": "me-api-client", "client_secret": "hunter2"}"#,
            "\u{feff}{\"clientId\":\" me-api-client\\n\",\"client_secret\":\"hunter2\\n\",\"tokenEndpoint\":null}\n",
        ] {
            assert_eq!(read(content).unwrap(), expected, "{content}");
        }
    }

    #[test]
    fn an_invalid_file_is_reported_with_the_expected_format_and_without_the_secret() {
        let check = |content: &str, reason: &str| {
            let error = read(content).unwrap_err();
            for shown in [error.to_string(), format!("{error:?}")] {
                assert!(shown.contains("credentials.json") && !shown.contains("hunter2"), "{shown}");
            }
            let error = error.to_string();
            assert!(error.contains(reason) && error.contains("clientSecret"), "{content}: {error}");
        };
        check("", "invalid JSON (EOF");
        check("client_id: me\nclient_secret: hunter2", "invalid JSON (expected value");
        check(r#"{"clientId": "me", "clientSecret": "hunter2"#, "invalid JSON (EOF");
        check(r#"["me", "hunter2"]"#, "not a JSON object");
        check(r#""hunter2""#, "not a JSON object");
        check(r#"{"clientId": "me"}"#, "missing `clientSecret`");
        check(r#"{"clientSecret": "hunter2"}"#, "missing `clientId`");
        check(r#"{"clientId": 5, "clientSecret": "hunter2"}"#, "`clientId` is not a string");
        check(r#"{"client_id": "me", "client_secret": ["hunter2"]}"#, "`client_secret` is not a string");
        check(r#"{"clientId": " ", "clientSecret": "hunter2"}"#, "client id is blank");
        check(r#"{"clientId": "me", "clientSecret": ""}"#, "client secret is blank");
        check(&" ".repeat(70_000), "more than 65536 bytes");
    }

    #[test]
    fn missing_and_unreadable_files_are_distinguished() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("none.json");
        assert_eq!(Credentials::read(&path), Err(CredentialsError::Missing(path)));
        let error = Credentials::read(directory.path()).unwrap_err();
        assert!(matches!(&error, CredentialsError::Unreadable { .. }), "{error}");
    }

    #[test]
    fn debug_masks_the_secret() {
        let shown = format!("{:?}", Credentials::new("me", "hunter2").unwrap());
        assert_eq!(shown, r#"Credentials { client_id: "me", client_secret: *** }"#);
    }
}
