use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ::url::Url;
use thiserror::Error;

/// Where the archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchiveUrl {
    /// A folder.
    Folder(PathBuf),
    /// A bucket of S3 or a compatible server, and a prefix without slashes at its ends.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// The prefix of all objects; may be empty.
        prefix: String,
    },
}

/// Why a text is not the location of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidLocation(String);

impl ArchiveUrl {
    /// Returns the folder, if it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::S3 { .. } => None,
        }
    }
}

impl fmt::Display for ArchiveUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

impl FromStr for ArchiveUrl {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        let invalid = |reason: &str| Err(InvalidLocation(reason.to_owned()));
        if text.is_empty() {
            return invalid("it is empty");
        }
        if text.chars().any(char::is_control) {
            return invalid("it contains a line break or another control character");
        }
        let Some((scheme, _)) = text.split_once("://") else { return Ok(Self::Folder(text.into())) };
        let url = Url::parse(text).map_err(|error| InvalidLocation(error.to_string()))?;
        if url.query().is_some() || url.fragment().is_some() {
            return invalid("it has a query or a fragment");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return invalid("it contains credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead");
        }
        match scheme {
            "file" => match url.to_file_path() {
                Ok(path) => Ok(Self::Folder(path)),
                Err(()) => invalid("not an absolute path on this machine"),
            },
            "s3" => {
                let Some(bucket) = url.host_str().filter(|_| url.port().is_none()) else {
                    return invalid("no bucket after s3://");
                };
                let prefix = url.path().trim_matches('/');
                let plain = |c: char| c.is_ascii_alphanumeric() || "-_.=/".contains(c);
                if !prefix.chars().all(plain) || prefix.contains("//") {
                    return invalid("the prefix may contain letters, digits, - _ . = and single slashes");
                }
                Ok(Self::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
            }
            other => Err(InvalidLocation(format!("unknown scheme {other}://"))),
        }
    }
}

/// The address of an S3-compatible server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Endpoint(Url);

impl S3Endpoint {
    /// Whether requests are not encrypted.
    pub(super) fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }
}

impl fmt::Display for S3Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl FromStr for S3Endpoint {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        let invalid = |reason: &str| Err(InvalidLocation(reason.to_owned()));
        let url = Url::parse(text).map_err(|error| InvalidLocation(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return invalid("its scheme is neither http nor https");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return invalid("it contains credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return invalid("it has a query or a fragment");
        }
        Ok(Self(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_folders_or_buckets() {
        let parse = |text: &str| text.parse::<ArchiveUrl>().map_err(|error| error.to_string());
        assert_eq!(parse("data/archive"), Ok(ArchiveUrl::Folder("data/archive".into())));
        assert_eq!(parse("file:///srv/a%20b"), Ok(ArchiveUrl::Folder("/srv/a b".into())));
        let s3 = |bucket: &str, prefix: &str| Ok(ArchiveUrl::S3 { bucket: bucket.into(), prefix: prefix.into() });
        assert_eq!(parse("s3://flights"), s3("flights", ""));
        assert_eq!(parse("s3://flights/raw/v1/"), s3("flights", "raw/v1"));
        for (text, reason) in [
            ("", "it is empty"),
            ("a\nb", "a line break"),
            ("s3:///x", "bucket"),
            ("s3://key:secret@flights/x", "AWS_ACCESS_KEY_ID"),
            ("s3://flights/a//b", "single slashes"),
            ("s3://flights/a?b=c", "query"),
            ("file://host/srv", "on this machine"),
            ("gs://flights", "unknown scheme gs://"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert_eq!(parse("s3://flights/raw").unwrap().to_string(), "s3://flights/raw");
    }

    #[test]
    fn endpoints_are_http_addresses_without_credentials() {
        let parse = |text: &str| text.parse::<S3Endpoint>().map_err(|error| error.to_string());
        let endpoint = parse("http://127.0.0.1:9000").unwrap();
        assert!(endpoint.is_plain() && endpoint.to_string() == "http://127.0.0.1:9000");
        assert!(!parse("https://minio.example.org").unwrap().is_plain());
        for text in ["minio:9000", "ftp://minio", "http://a:b@minio", "http://minio?x"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
