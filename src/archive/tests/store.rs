//! A store in memory, as seen by a process whose operations fail, or that is killed during one.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{Read, Seek, Write};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use actors::ports::SinkError;
use bytes::Bytes;
use futures_util::FutureExt;
use tempfile::NamedTempFile;

use crate::archive::objects::{Object, Objects, Performed};

/// What happens to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// It fails and has no effect.
    FailBefore,
    /// It has its effect, but its reply is lost.
    FailAfter,
    /// The process is killed before or after the effect.
    KillBefore,
    KillAfter,
}

/// The objects, and the number of operations performed.
#[derive(Debug, Default)]
pub(super) struct Disk {
    pub(super) objects: Mutex<BTreeMap<String, (Bytes, SystemTime)>>,
    pub(super) operations: Mutex<u64>,
}

/// The disk as seen by one process.
pub(super) struct Store {
    pub(super) disk: Arc<Disk>,
    pub(super) faults: Arc<Mutex<VecDeque<Fault>>>,
    pub(super) killed: Arc<Mutex<bool>>,
    /// Whether moves are one operation, like those of a file system, or two, like those of S3.
    pub(super) moves_are_atomic: bool,
}

type Content = BTreeMap<String, (Bytes, SystemTime)>;

impl Store {
    /// Performs an operation in a turn of its own, unless it fails.
    async fn perform<T>(&self, effect: impl FnOnce(&mut Content) -> T) -> Result<T, SinkError> {
        tokio::task::yield_now().await;
        let fault = self.faults.lock().unwrap().pop_front().unwrap_or(Fault::None);
        *self.disk.operations.lock().unwrap() += 1;
        let done = match fault {
            Fault::FailBefore | Fault::KillBefore => None,
            Fault::None | Fault::FailAfter | Fault::KillAfter => Some(effect(&mut self.disk.objects.lock().unwrap())),
        };
        match (fault, done) {
            (Fault::None, Some(done)) => Ok(done),
            (Fault::KillBefore | Fault::KillAfter, _) => {
                *self.killed.lock().unwrap() = true;
                std::future::pending().await
            }
            _ => Err(SinkError::Unavailable("connection reset".to_owned())),
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store")
    }
}

impl Objects for Store {
    fn put<'a>(&'a self, path: &'a str, content: Bytes) -> Performed<'a, ()> {
        self.perform(move |objects| drop(objects.insert(path.to_owned(), (content, SystemTime::now())))).boxed()
    }

    fn put_file<'a>(&'a self, path: &'a str, file: NamedTempFile) -> Performed<'a, ()> {
        let mut content = Vec::new();
        file.reopen().unwrap().read_to_end(&mut content).unwrap();
        self.put(path, content.into())
    }

    fn scratch(&self) -> Performed<'_, NamedTempFile> {
        std::future::ready(Ok(NamedTempFile::new().unwrap())).boxed()
    }

    fn create<'a>(&'a self, path: &'a str, content: Bytes) -> Performed<'a, bool> {
        self.perform(move |objects| {
            let is_new = !objects.contains_key(path);
            objects.entry(path.to_owned()).or_insert((content, SystemTime::now()));
            is_new
        })
        .boxed()
    }

    fn get<'a>(&'a self, path: &'a str) -> Performed<'a, Option<Bytes>> {
        self.perform(move |objects| objects.get(path).map(|(content, _)| content.clone())).boxed()
    }

    fn open<'a>(&'a self, path: &'a str) -> Performed<'a, Option<std::fs::File>> {
        async move {
            let Some(content) = self.get(path).await? else { return Ok(None) };
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&content).unwrap();
            file.rewind().unwrap();
            Ok(Some(file))
        }
        .boxed()
    }

    fn exists<'a>(&'a self, path: &'a str) -> Performed<'a, bool> {
        self.perform(move |objects| objects.contains_key(path)).boxed()
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Performed<'a, bool> {
        async move {
            if self.moves_are_atomic {
                return self
                    .perform(|objects| {
                        let moved = objects.remove(from);
                        moved.map(|object| objects.insert(to.to_owned(), object)).is_some()
                    })
                    .await;
            }
            let copy = |objects: &mut Content| {
                let copied = objects.get(from).cloned();
                copied.map(|object| objects.insert(to.to_owned(), object)).is_some()
            };
            if !self.perform(copy).await? {
                return Ok(false);
            }
            self.delete(from).await?;
            Ok(true)
        }
        .boxed()
    }

    fn delete<'a>(&'a self, path: &'a str) -> Performed<'a, ()> {
        self.perform(move |objects| drop(objects.remove(path))).boxed()
    }

    fn list<'a>(&'a self, folder: &'a str) -> Performed<'a, Vec<Object>> {
        self.perform(move |objects| {
            let inside =
                objects.iter().filter(|(path, _)| path.strip_prefix(folder).is_some_and(|p| p.starts_with('/')));
            let object = |(path, (content, modified)): (&String, &(Bytes, SystemTime))| Object {
                path: path.clone(),
                size: content.len() as u64,
                modified: *modified,
            };
            inside.map(object).collect()
        })
        .boxed()
    }

    fn folders(&self) -> Performed<'_, Vec<String>> {
        self.perform(|objects| {
            let mut folders: Vec<_> =
                objects.keys().filter_map(|path| Some(path.split_once('/')?.0.to_owned())).collect();
            folders.dedup();
            folders
        })
        .boxed()
    }
}
