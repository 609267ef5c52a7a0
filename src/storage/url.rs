use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// A parsed database URL. `Display` and `Debug` never show the password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `postgres://user:password@host:port/name?…`
    Postgres(Box<PostgresUrl>),
    /// `sqlite://PATH`, relative to the working directory or absolute (`sqlite:///var/…`).
    SqliteFile(PathBuf),
    /// `sqlite::memory:`, a new database each time it is opened, which disappears with its last user.
    SqliteMemory,
}

/// A PostgreSQL URL: the client's own configuration, plus the TLS options that the client does not parse.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    pub(super) config: Config,
    pub(super) tls: TlsMode,
    pub(super) root_certificates: Option<PathBuf>,
}

/// PostgreSQL's `sslmode`, with the same meaning as in libpq.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// Never encrypted.
    Disable,
    /// Encrypted if the server supports it, without verification.
    #[default]
    Prefer,
    /// Encrypted, without verification; treated as `verify-ca` if `sslrootcert` is given.
    Require,
    /// Encrypted; the server's certificate must be issued by a trusted authority.
    VerifyCa,
    /// Encrypted; the server's certificate must also match the host name in the URL.
    VerifyFull,
}

/// Why a database URL is invalid. The message never contains the password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidDatabaseUrl(String);

fn invalid<T>(reason: impl Into<String>) -> Result<T, InvalidDatabaseUrl> {
    Err(InvalidDatabaseUrl(reason.into()))
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://")) {
            return PostgresUrl::parse(rest).map(|url| Self::Postgres(Box::new(url)));
        }
        if matches!(text, "sqlite::memory:" | "sqlite://:memory:") {
            return Ok(Self::SqliteMemory);
        }
        match text.strip_prefix("sqlite://") {
            Some("") => invalid("the path of the SQLite file is missing"),
            Some(path) if path.ends_with('/') => invalid("the path of the SQLite file ends in a slash"),
            Some(path) if path.contains('?') => invalid("parameters are not supported for SQLite"),
            Some(path) => Ok(Self::SqliteFile(PathBuf::from(path))),
            None => match text.split_once("://") {
                Some((scheme, _)) if scheme.bytes().all(|b| b.is_ascii_lowercase()) && scheme.len() <= 16 => {
                    invalid(format!("unknown database scheme {scheme:?}"))
                }
                _ => invalid("not a URL"),
            },
        }
    }
}

impl PostgresUrl {
    /// Parses the part of the URL after the scheme.
    fn parse(rest: &str) -> Result<Self, InvalidDatabaseUrl> {
        // Like the client's own parser, take everything before the first @ as user and password.
        let after_credentials = rest.find('@').map_or(0, |at| at + 1);
        let address_end = rest[after_credentials..].find(['/', '?']).map_or(rest.len(), |at| after_credentials + at);
        if rest[after_credentials..address_end].contains('@') {
            return invalid("more than one @: write an @ in a user name or password as %40");
        }
        let (base, parameters) = match rest[after_credentials..].find('?') {
            Some(at) => (&rest[..after_credentials + at], &rest[after_credentials + at + 1..]),
            None => (rest, ""),
        };
        let mut tls = TlsMode::default();
        let mut root_certificates = None;
        let mut others = Vec::new();
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", mode)) => tls = TlsMode::parse(mode)?,
                Some(("sslrootcert", "system")) => root_certificates = None,
                Some(("sslrootcert", path)) => root_certificates = Some(percent_decoded(path)),
                Some((name @ ("sslcert" | "sslkey"), _)) => {
                    return invalid(format!("{name}: client certificates are not supported"));
                }
                _ => others.push(parameter),
            }
        }
        // Like libpq: a URL that names an authority is not meant to skip verification.
        if tls == TlsMode::Require && root_certificates.is_some() {
            tls = TlsMode::VerifyCa;
        }
        let url = format!("postgres://{base}?{}", others.join("&"));
        let mut config: Config = url.parse().map_err(|error| InvalidDatabaseUrl(super::error::with_causes(&error)))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return invalid("the host is missing");
        }
        config.ssl_mode(match tls {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        });
        if config.get_application_name().is_none() {
            config.application_name("flight-monitor");
        }
        Ok(Self { config, tls, root_certificates })
    }

    /// Returns the TLS mode.
    pub fn tls(&self) -> TlsMode {
        self.tls
    }

    /// Returns the file of `sslrootcert`, or `None` for the authorities that the system trusts.
    pub fn root_certificates(&self) -> Option<&Path> {
        self.root_certificates.as_deref()
    }
}

impl TlsMode {
    fn parse(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        Ok(match text {
            "disable" => Self::Disable,
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return invalid("sslmode must be disable, allow, prefer, require, verify-ca or verify-full"),
        })
    }
}

impl fmt::Display for TlsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        })
    }
}

/// Decodes a percent-encoded path. Unlike in form data, a plus sign is kept.
fn percent_decoded(text: &str) -> PathBuf {
    let escaped = format!("path={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(escaped.as_bytes()).map(|(_, path)| PathBuf::from(path.as_ref())).collect()
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(url) => url.fmt(f),
            Self::SqliteFile(path) => write!(f, "sqlite://{}", path.display()),
            Self::SqliteMemory => f.write_str("sqlite::memory:"),
        }
    }
}

impl fmt::Display for PostgresUrl {
    /// Builds the text from parts that are known not to be secret, so that nothing else can leak.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.config;
        f.write_str("postgres://")?;
        if let Some(user) = config.get_user() {
            let password = if config.get_password().is_some() { ":***" } else { "" };
            write!(f, "{user}{password}@")?;
        }
        let ports = config.get_ports();
        for (i, host) in config.get_hosts().iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}")?,
                Host::Unix(path) => write!(f, "{comma}{}", path.display())?,
            }
            if let Some(port) = ports.get(i).or_else(|| ports.first()) {
                write!(f, ":{port}")?;
            }
        }
        write!(f, "/{}?sslmode={}", config.get_dbname().unwrap_or_default(), self.tls)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (text, shown) in [
            ("postgres://fm:s3cret@db:5433/flights", "postgres://fm:***@db:5433/flights?sslmode=prefer"),
            ("postgresql://fm@db/flights?sslmode=verify-full", "postgres://fm@db:5432/flights?sslmode=verify-full"),
            ("postgres://fm:s3%40cret@[::1]:1/f?sslmode=require", "postgres://fm:***@::1:1/f?sslmode=require"),
            ("postgres://fm:s3?cret/@a:1,b:2/f", "postgres://fm:***@a:1,b:2/f?sslmode=prefer"),
            ("postgres://fm@db/f?password=s3cret&sslmode=disable", "postgres://fm:***@db:5432/f?sslmode=disable"),
            ("sqlite://data/flights.db", "sqlite://data/flights.db"),
            ("sqlite:///var/lib/f.db", "sqlite:///var/lib/f.db"),
            ("sqlite::memory:", "sqlite::memory:"),
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("cret"), "{url:?}");
        }
    }

    #[test]
    fn an_invalid_url_is_rejected_with_the_reason_but_without_the_password() {
        for (text, reason) in [
            ("", "not a URL"),
            ("data/flights.db", "not a URL"),
            ("mysql://fm:s3cret@db/f", "unknown database scheme \"mysql\""),
            ("sqlite://", "path of the SQLite file is missing"),
            ("sqlite://data/", "ends in a slash"),
            ("sqlite://f.db?mode=ro", "parameters are not supported"),
            ("postgres://", "host is missing"),
            ("postgres:///f", "host is missing"),
            ("postgres://fm:s3@cret@db/f", "more than one @"),
            ("postgres://fm:s3cret@db:port/f", "port"),
            ("postgres://fm:s3cret@db/f?sslmode=strict", "sslmode must be"),
            ("postgres://fm:s3cret@db/f?sslcert=a.pem", "client certificates"),
            ("postgres://fm:s3cret@db/f?colour=red", "colour"),
        ] {
            let error = text.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
            assert!(!error.contains("cret"), "{error}");
        }
    }

    #[test]
    fn a_root_certificate_turns_require_into_verify_ca() {
        let url: DatabaseUrl = "postgres://db/f?sslmode=require&sslrootcert=/etc/a%20b+c.pem".parse().unwrap();
        let DatabaseUrl::Postgres(url) = url else { panic!("{url}") };
        assert_eq!(url.root_certificates(), Some(Path::new("/etc/a b+c.pem")));
        assert_eq!(url.tls(), TlsMode::VerifyCa);
        let url: DatabaseUrl = "postgres://db/f?sslmode=verify-full&sslrootcert=system".parse().unwrap();
        let DatabaseUrl::Postgres(url) = url else { panic!("{url}") };
        assert_eq!((url.tls(), url.root_certificates()), (TlsMode::VerifyFull, None));
    }

    #[test]
    fn other_parameters_are_passed_to_the_client() {
        let url: DatabaseUrl = "postgres://db/f?options=-c%20search_path=a,b&connect_timeout=7".parse().unwrap();
        let DatabaseUrl::Postgres(url) = url else { panic!("{url}") };
        assert_eq!(url.config.get_options(), Some("-c search_path=a,b"));
        assert_eq!(url.config.get_application_name(), Some("flight-monitor"));
    }
}
