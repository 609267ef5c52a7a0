use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use actors::ports::SinkError;
use bytes::Bytes;
use futures_util::FutureExt;
use tempfile::NamedTempFile;
use tokio::time::timeout;

use super::layout::{STAGING, TEMPORARY};
use super::objects::{Object, Objects, Performed};

/// A folder on this machine. Every write is followed by an `fsync` of the file and of the folders that changed.
pub(super) struct LocalFolder {
    root: PathBuf,
}

/// For a file system that hangs.
const TIMEOUT: Duration = Duration::from_secs(60);

impl LocalFolder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder of temporary files, in the same file system as all others.
    fn staging(&self) -> PathBuf {
        self.root.join(STAGING)
    }

    fn run<T: Send + 'static>(
        &self,
        what: &'static str,
        path: &str,
        operation: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Performed<'_, T> {
        let path = self.root.join(path);
        async move {
            let shown = path.display().to_string();
            let running = tokio::task::spawn_blocking(move || operation(&path));
            match timeout(TIMEOUT, running).await {
                Ok(Ok(Ok(done))) => Ok(done),
                Ok(Ok(Err(error))) => Err(failed(what, &shown, &error)),
                Ok(Err(panicked)) => Err(SinkError::Unavailable(format!("failed to {what} {shown}: {panicked}"))),
                Err(_) => Err(SinkError::Unavailable(format!("failed to {what} {shown}: no response in {TIMEOUT:?}"))),
            }
        }
        .boxed()
    }
}

impl fmt::Display for LocalFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.display().fmt(f)
    }
}

impl Objects for LocalFolder {
    fn put<'a>(&'a self, path: &'a str, content: Bytes) -> Performed<'a, ()> {
        let staging = self.staging();
        self.run("write", path, move |path| {
            let mut file = temporary(&staging)?;
            file.write_all(&content)?;
            persist(file, path)
        })
    }

    fn put_file<'a>(&'a self, path: &'a str, file: NamedTempFile) -> Performed<'a, ()> {
        self.run("write", path, move |path| persist(file, path))
    }

    fn scratch(&self) -> Performed<'_, NamedTempFile> {
        self.run("create a file in", STAGING, temporary)
    }

    fn create<'a>(&'a self, path: &'a str, content: Bytes) -> Performed<'a, bool> {
        let staging = self.staging();
        self.run("write", path, move |path| {
            if path.try_exists()? {
                return Ok(false);
            }
            let mut file = temporary(&staging)?;
            file.write_all(&content)?;
            file.as_file().sync_all()?;
            create_folder(parent(path))?;
            // A link to an existing name fails. Unlike a rename, it never replaces a file.
            match fs::hard_link(file.path(), path) {
                Ok(()) => sync_folder(parent(path)).map(|()| true),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    fn get<'a>(&'a self, path: &'a str) -> Performed<'a, Option<Bytes>> {
        self.run("read", path, |path| optional(fs::read(path)).map(|content| content.map(Bytes::from)))
    }

    fn open<'a>(&'a self, path: &'a str) -> Performed<'a, Option<File>> {
        self.run("read", path, |path| optional(File::open(path)))
    }

    fn exists<'a>(&'a self, path: &'a str) -> Performed<'a, bool> {
        self.run("read", path, Path::try_exists)
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Performed<'a, bool> {
        let from = self.root.join(from);
        self.run("write", to, move |to| {
            if !from.try_exists()? {
                return Ok(false);
            }
            create_folder(parent(to))?;
            match fs::rename(&from, to) {
                // Unless it was the target's folder that disappeared.
                Err(error) if error.kind() == ErrorKind::NotFound && !from.try_exists()? => return Ok(false),
                renamed => renamed?,
            }
            sync_folder(parent(to))?;
            sync_folder(parent(&from))?;
            Ok(true)
        })
    }

    fn delete<'a>(&'a self, path: &'a str) -> Performed<'a, ()> {
        self.run("delete", path, |path| match optional(fs::remove_file(path))? {
            Some(()) => sync_folder(parent(path)),
            None => Ok(()),
        })
    }

    fn list<'a>(&'a self, folder: &'a str) -> Performed<'a, Vec<Object>> {
        let root = self.root.clone();
        self.run("list", folder, move |folder| {
            let mut objects = Vec::new();
            list(&root, folder, &mut objects)?;
            objects.sort_unstable_by(|one, other| one.path.cmp(&other.path));
            Ok(objects)
        })
    }

    fn folders(&self) -> Performed<'_, Vec<String>> {
        self.run("list", "", |root| {
            let Some(entries) = optional(fs::read_dir(root))? else { return Ok(Vec::new()) };
            let mut folders = Vec::new();
            for entry in entries {
                let entry = entry?;
                if entry.path().is_dir() {
                    folders.extend(entry.file_name().into_string().ok());
                }
            }
            Ok(folders)
        })
    }
}

fn list(root: &Path, folder: &Path, objects: &mut Vec<Object>) -> io::Result<()> {
    let Some(entries) = optional(fs::read_dir(folder))? else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        // Another process may have deleted it in the meantime.
        let Some(metadata) = optional(entry.metadata())? else { continue };
        if metadata.is_dir() {
            list(root, &entry.path(), objects)?;
            continue;
        }
        let path = entry.path();
        // Names that are not UTF-8 are not ours.
        if let Some(relative) = path.strip_prefix(root).ok().and_then(Path::to_str) {
            let modified = metadata.modified()?;
            objects.push(Object { path: relative.to_owned(), size: metadata.len(), modified });
        }
    }
    Ok(())
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Creates a folder and those above it, durably.
fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    if above != folder {
        create_folder(above)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_folder(above),
    }
}

/// Makes created, renamed and deleted entries of a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Creates a temporary file that other users may read, as far as the umask permits.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    create_folder(folder)?;
    tempfile::Builder::new().prefix(TEMPORARY).permissions(fs::Permissions::from_mode(0o666)).tempfile_in(folder)
}

fn persist(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    create_folder(parent(path))?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(parent(path))
}

fn optional<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn failed(what: &str, path: &str, error: &io::Error) -> SinkError {
    let text = format!("failed to {what} {path}: {error}");
    match error.kind() {
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::AlreadyExists => SinkError::Refused(text),
        _ => SinkError::Unavailable(text),
    }
}
