use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mio::{Poll, Waker};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use thiserror::Error;

use crate::Plan;
use crate::engine::Engine;
use crate::outcome::Outcome;
use crate::progress::{Command, Progress};

/// A running load: all readers, on a dedicated thread.
pub struct Load {
    commands: Sender<Command>,
    waker: Waker,
    progress: Arc<Progress>,
    /// Disconnected when the thread ends.
    thread_alive: Receiver<()>,
    thread: JoinHandle<io::Result<Outcome>>,
}

/// Why a load failed to start or ended early.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The hard limit of open files is too low.
    #[error(
        "{connections} connections need {needed} open files, but the hard limit is {limit}: raise it \
         (ulimit -Hn, as root; or nofile in /etc/security/limits.conf), or use fewer connections"
    )]
    OpenFiles {
        /// The number of connections requested.
        connections: usize,
        /// The number of open files needed.
        needed: u64,
        /// The hard limit of open files.
        limit: u64,
    },
    /// The plan is invalid.
    #[error("{0}")]
    Plan(&'static str),
    /// A system call failed.
    #[error("load generator failed: {0}")]
    System(#[from] io::Error),
}

impl Load {
    /// Starts connecting.
    ///
    /// # Errors
    /// If the plan has no target or the limit of open files is too low.
    pub fn start(plan: Plan) -> Result<Self, LoadError> {
        if plan.targets.is_empty() {
            return Err(LoadError::Plan("at least one target is required"));
        }
        if plan.source_addresses > 250 {
            return Err(LoadError::Plan("source_addresses must be at most 250"));
        }
        allow_open_files(plan.connections)?;
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), Engine::waker_token())?;
        let (commands, received) = mpsc::channel();
        let (alive, thread_alive) = mpsc::channel();
        let progress = Arc::new(Progress::default());
        let engine = Engine::new(plan, poll, received, progress.clone());
        let thread = thread::Builder::new().name("loadgen".to_owned()).spawn(move || {
            let _alive: Sender<()> = alive;
            engine.run()
        })?;
        Ok(Self { commands, waker, progress, thread_alive, thread })
    }

    /// Returns the readers' progress.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Waits up to `timeout` until `condition` is true, and returns whether it is.
    pub fn wait(&self, timeout: Duration, condition: impl Fn(&Progress) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        while !condition(&self.progress) {
            let ended = self.thread_alive.recv_timeout(Duration::from_millis(5)) == Err(RecvTimeoutError::Disconnected);
            if ended || Instant::now() > deadline {
                return condition(&self.progress);
            }
        }
        true
    }

    /// Disconnects all readers, which then reconnect at the same moment; with `resume`, they send the newest
    /// `Last-Event-ID` of their target.
    ///
    /// # Errors
    /// If the load has ended.
    pub fn reconnect_all(&self, resume: bool) -> io::Result<()> {
        self.send(Command::ReconnectAll { resume })
    }

    /// Disconnects all readers and returns the outcome.
    ///
    /// # Errors
    /// If the load ended early, the cause.
    pub fn finish(self) -> io::Result<Outcome> {
        // Fails only if the thread has ended, in which case joining it returns the cause.
        let _ = self.send(Command::Finish);
        self.thread.join().map_err(|_| io::Error::other("the load generator panicked"))?
    }

    fn send(&self, command: Command) -> io::Result<()> {
        self.commands.send(command).map_err(|_| io::Error::other("the load has ended"))?;
        self.waker.wake()
    }
}

/// Raises the soft limit of open files if needed.
fn allow_open_files(connections: usize) -> Result<(), LoadError> {
    /// Allowance for the process's other open files.
    const OTHER_FILES: u64 = 100;
    let needed = connections as u64 + OTHER_FILES;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(io::Error::from)?;
    if needed > hard {
        return Err(LoadError::OpenFiles { connections, needed, limit: hard });
    }
    if needed > soft {
        setrlimit(Resource::RLIMIT_NOFILE, needed, hard).map_err(io::Error::from)?;
    }
    Ok(())
}
