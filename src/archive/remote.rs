use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::time::Duration;

use actors::ports::SinkError;
use bytes::Bytes;
use futures_util::{FutureExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload, RetryConfig, WriteMultipart,
};
use tempfile::NamedTempFile;
use tokio::time::timeout;

use super::layout::{self, PROBES};
use super::objects::{Object, Objects, Performed};
use super::url::S3Endpoint;

/// A bucket, or anything else that the crate `object_store` supports, below a prefix.
pub(super) struct RemoteStore<S> {
    /// For errors.
    name: String,
    prefix: Path,
    store: S,
    settling_time: Duration,
}

/// A copy that was requested before its source was deleted may be finished after that. No request takes this long.
const SETTLING_TIME: Duration = Duration::from_secs(600);
/// The maximum time of a request without its retries, of all attempts, and of an operation.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const RETRY_TIMEOUT: Duration = Duration::from_secs(45);
const TIMEOUT: Duration = Duration::from_secs(90);
/// The maximum time to transfer a file of a whole hour.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(900);
/// The size of the parts in which files are uploaded.
const PART: usize = 8 << 20;

/// Opens a bucket. Credentials and the region are taken from the usual environment variables, `AWS_…`.
///
/// # Errors
/// Returns an error if these are invalid, the bucket cannot be written, or the server ignores the condition of a
/// conditional write, on which the archive relies.
pub(super) async fn open_s3(
    bucket: &str,
    prefix: &str,
    endpoint: Option<&S3Endpoint>,
) -> Result<RemoteStore<impl ObjectStore + use<>>, SinkError> {
    // The HTTP client of `object_store` takes it from the process. An error means that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let name = super::ArchiveUrl::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() }.to_string();
    let backoff = BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() };
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(RetryConfig {
        backoff,
        max_retries: 4,
        retry_timeout: RETRY_TIMEOUT,
    });
    let mut options = ClientOptions::new().with_timeout(REQUEST_TIMEOUT).with_connect_timeout(Duration::from_secs(5));
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint.to_string());
        options = options.with_allow_http(endpoint.is_plain());
    }
    let plain = std::env::var("AWS_ALLOW_HTTP").is_ok_and(|allow| allow.eq_ignore_ascii_case("true"));
    if plain {
        options = options.with_allow_http(true);
    }
    let invalid = |error: &dyn fmt::Display| SinkError::Refused(format!("{name}: {error}"));
    let store = builder.with_client_options(options).build().map_err(|error| invalid(&error))?;
    let prefix = Path::parse(prefix).map_err(|error| invalid(&error))?;
    let opened = RemoteStore { name, prefix, store, settling_time: SETTLING_TIME };
    check_conditional_writes(&opened).await?;
    Ok(opened)
}

/// Checks that the server refuses a conditional write of an object that exists. Servers that do not support it accept
/// the write.
async fn check_conditional_writes<S: ObjectStore>(store: &RemoteStore<S>) -> Result<(), SinkError> {
    let probe = format!("{PROBES}/{}", layout::token());
    let first = store.create(&probe, Bytes::from_static(b"1")).await?;
    let second = store.create(&probe, Bytes::from_static(b"2")).await;
    // Only clutter if it remains.
    let _ = store.delete(&probe).await;
    if first && !second? {
        return Ok(());
    }
    Err(SinkError::Refused(format!(
        "{}: the server does not support conditional writes (If-None-Match), without which two archiving processes could \
         write the same records",
        store.name
    )))
}

impl<S: ObjectStore> RemoteStore<S> {
    #[cfg(test)]
    pub(super) fn over(store: S) -> Self {
        Self { name: "the store".to_owned(), prefix: Path::default(), store, settling_time: Duration::ZERO }
    }

    fn path(&self, path: &str) -> Result<Path, Error> {
        Ok(self.prefix.parts().chain(Path::parse(path)?.parts()).collect())
    }

    fn run<'a, T: Send + 'a>(
        &'a self,
        what: &'static str,
        path: &'a str,
        limit: Duration,
        operation: impl Future<Output = Result<T, Error>> + Send + 'a,
    ) -> Performed<'a, T> {
        async move {
            let failure = match timeout(limit, operation).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(error)) => error,
                Err(_) => {
                    let text = format!("{}: failed to {what} {path}: no response in {limit:?}", self.name);
                    return Err(SinkError::Unavailable(text));
                }
            };
            let text = format!("{}: failed to {what} {path}: {}", self.name, causes(&failure));
            Err(match failure {
                Error::PermissionDenied { .. }
                | Error::Unauthenticated { .. }
                | Error::NotFound { .. }
                | Error::InvalidPath { .. }
                | Error::NotSupported { .. }
                | Error::NotImplemented { .. }
                | Error::UnknownConfigurationKey { .. } => SinkError::Refused(text),
                _ => SinkError::Unavailable(text),
            })
        }
        .boxed()
    }
}

/// Joins an error's causes. Some are already part of the text.
fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let more = next.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = next.source();
    }
    // The server's response may have several lines.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl<S> fmt::Display for RemoteStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl<S: ObjectStore> Objects for RemoteStore<S> {
    fn put<'a>(&'a self, path: &'a str, content: Bytes) -> Performed<'a, ()> {
        self.run("write", path, TIMEOUT, async move {
            self.store.put(&self.path(path)?, content.into()).await?;
            Ok(())
        })
    }

    fn put_file<'a>(&'a self, path: &'a str, file: NamedTempFile) -> Performed<'a, ()> {
        self.run("write", path, TRANSFER_TIMEOUT, async move {
            let to = self.path(path)?;
            let (mut file, mut part) = next_part(file.into_file(), true).await?;
            if part.len() < PART {
                self.store.put(&to, part.into()).await?;
                return Ok(());
            }
            let mut upload = WriteMultipart::new_with_chunk_size(self.store.put_multipart(&to).await?, PART);
            while !part.is_empty() {
                upload.wait_for_capacity(2).await?;
                upload.put(part);
                (file, part) = next_part(file, false).await?;
            }
            upload.finish().await?;
            Ok(())
        })
    }

    fn scratch(&self) -> Performed<'_, NamedTempFile> {
        let created = async { NamedTempFile::new().map_err(io_failed) };
        self.run("create a temporary file for", "the merged rows", TIMEOUT, created)
    }

    fn create<'a>(&'a self, path: &'a str, content: Bytes) -> Performed<'a, bool> {
        self.run("write", path, TIMEOUT, async move {
            let to = self.path(path)?;
            match self.store.put_opts(&to, PutPayload::from(content), PutMode::Create.into()).await {
                Ok(_) => Ok(true),
                Err(Error::AlreadyExists { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    fn get<'a>(&'a self, path: &'a str) -> Performed<'a, Option<Bytes>> {
        self.run("read", path, TIMEOUT, async move {
            let path = self.path(path)?;
            let read = async { self.store.get(&path).await?.bytes().await };
            optional(read.await)
        })
    }

    fn open<'a>(&'a self, path: &'a str) -> Performed<'a, Option<File>> {
        self.run("read", path, TRANSFER_TIMEOUT, async move {
            let Some(found) = optional(self.store.get(&self.path(path)?).await)? else { return Ok(None) };
            let mut content = found.into_stream();
            let mut file = tempfile::tempfile().map_err(io_failed)?;
            while let Some(part) = content.try_next().await? {
                file = blocking(move || {
                    file.write_all(&part)?;
                    Ok(file)
                })
                .await?;
            }
            file.rewind().map_err(io_failed)?;
            Ok(Some(file))
        })
    }

    fn exists<'a>(&'a self, path: &'a str) -> Performed<'a, bool> {
        self.run("read", path, TIMEOUT, async move {
            let found = self.store.head(&self.path(path)?).await;
            Ok(optional(found)?.is_some())
        })
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Performed<'a, bool> {
        self.run("write", to, TIMEOUT, async move {
            let (from, to) = (self.path(from)?, self.path(to)?);
            // The copy is complete or absent, like any other write of an object.
            if optional(self.store.copy(&from, &to).await)?.is_none() {
                return Ok(false);
            }
            optional(self.store.delete(&from).await)?;
            Ok(true)
        })
    }

    fn delete<'a>(&'a self, path: &'a str) -> Performed<'a, ()> {
        self.run("delete", path, TIMEOUT, async move {
            optional(self.store.delete(&self.path(path)?).await)?;
            Ok(())
        })
    }

    fn list<'a>(&'a self, folder: &'a str) -> Performed<'a, Vec<Object>> {
        self.run("list", folder, TRANSFER_TIMEOUT, async move {
            let folder = self.path(folder)?;
            let length = self.prefix.as_ref().len();
            let object = |found: object_store::ObjectMeta| Object {
                path: found.location.as_ref()[length..].trim_start_matches('/').to_owned(),
                size: found.size,
                modified: found.last_modified.into(),
            };
            let listed = self.store.list(Some(&folder).filter(|folder| !folder.as_ref().is_empty()));
            let mut objects: Vec<_> = listed.map_ok(object).try_collect().await?;
            objects.sort_unstable_by(|one, other| one.path.cmp(&other.path));
            Ok(objects)
        })
    }

    fn folders(&self) -> Performed<'_, Vec<String>> {
        self.run("list", "the outermost folders", TIMEOUT, async move {
            let prefix = Some(&self.prefix).filter(|prefix| !prefix.as_ref().is_empty());
            let found = self.store.list_with_delimiter(prefix).await?.common_prefixes;
            Ok(found.iter().filter_map(|path| path.filename().map(str::to_owned)).collect())
        })
    }

    fn settling_time(&self) -> Duration {
        self.settling_time
    }
}

/// Reads the next part of a file, from its beginning if it is the first one; less than a whole one only at the end.
async fn next_part(mut file: File, first: bool) -> Result<(File, Bytes), Error> {
    blocking(move || {
        if first {
            file.rewind()?;
        }
        let mut part = Vec::with_capacity(PART);
        Read::by_ref(&mut file).take(PART as u64).read_to_end(&mut part)?;
        Ok((file, Bytes::from(part)))
    })
    .await
}

async fn blocking<T: Send + 'static>(operation: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(operation).await {
        Ok(done) => done.map_err(io_failed),
        Err(panicked) => Err(io_failed(io::Error::other(panicked))),
    }
}

fn io_failed(error: io::Error) -> Error {
    Error::Generic { store: "temporary file", source: Box::new(error) }
}

fn optional<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
