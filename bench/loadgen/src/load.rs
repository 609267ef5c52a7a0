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

/// Readers at work, on one thread of their own.
pub struct Load {
    commands: Sender<Command>,
    waker: Waker,
    progress: Arc<Progress>,
    /// Ends with the thread.
    thread_lives: Receiver<()>,
    thread: JoinHandle<io::Result<Outcome>>,
}

/// Why a load does not start, or ends early.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Whoever runs it can raise the limit, or ask for less.
    #[error(
        "{connections} connections need {needed} open files, and the hard limit is {limit}: raise it \
         (ulimit -Hn, as root; or nofile in /etc/security/limits.conf), or use fewer connections"
    )]
    OpenFiles {
        /// What was asked for.
        connections: usize,
        /// How many open files that takes.
        needed: u64,
        /// How many there may be.
        limit: u64,
    },
    /// The plan makes no sense.
    #[error("{0}")]
    Plan(&'static str),
    /// The system does not let it.
    #[error("the load generator: {0}")]
    System(#[from] io::Error),
}

impl Load {
    /// Begins to connect.
    ///
    /// # Errors
    /// When the plan has no target or the process may not have so many files open.
    pub fn start(plan: Plan) -> Result<Self, LoadError> {
        if plan.targets.is_empty() {
            return Err(LoadError::Plan("a load needs a target"));
        }
        if plan.source_addresses > 250 {
            return Err(LoadError::Plan("there are at most 250 source addresses"));
        }
        allow_open_files(plan.connections)?;
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), Engine::waker_token())?;
        let (commands, received) = mpsc::channel();
        let (life, thread_lives) = mpsc::channel();
        let progress = Arc::new(Progress::default());
        let engine = Engine::new(plan, poll, received, progress.clone());
        let thread = thread::Builder::new().name("loadgen".to_owned()).spawn(move || {
            let _life: Sender<()> = life;
            engine.run()
        })?;
        Ok(Self { commands, waker, progress, thread_lives, thread })
    }

    /// How far they are.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Waits until something holds, for at most so long; says whether it does.
    pub fn wait(&self, patience: Duration, holds: impl Fn(&Progress) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        while !holds(&self.progress) {
            let ended = self.thread_lives.recv_timeout(Duration::from_millis(5)) == Err(RecvTimeoutError::Disconnected);
            if ended || Instant::now() > deadline {
                return holds(&self.progress);
            }
        }
        true
    }

    /// Cuts everybody off; all come back at once, with the newest `Last-Event-ID` of their target where they `resume`.
    ///
    /// # Errors
    /// When the load has ended.
    pub fn come_back(&self, resume: bool) -> io::Result<()> {
        self.tell(Command::ComeBack { resume })
    }

    /// Disconnects everybody and says what came of it.
    ///
    /// # Errors
    /// What made the load end before.
    pub fn finish(self) -> io::Result<Outcome> {
        // Refused only by a thread that has ended, which then says why.
        let _ = self.tell(Command::Finish);
        self.thread.join().map_err(|_| io::Error::other("the load generator panicked"))?
    }

    fn tell(&self, command: Command) -> io::Result<()> {
        self.commands.send(command).map_err(|_| io::Error::other("the load has ended"))?;
        self.waker.wake()
    }
}

/// Raises the soft limit of open files as far as needed.
fn allow_open_files(connections: usize) -> Result<(), LoadError> {
    /// What else the process has open.
    const BESIDES: u64 = 100;
    let needed = connections as u64 + BESIDES;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(io::Error::from)?;
    if needed > hard {
        return Err(LoadError::OpenFiles { connections, needed, limit: hard });
    }
    if needed > soft {
        setrlimit(Resource::RLIMIT_NOFILE, needed, hard).map_err(io::Error::from)?;
    }
    Ok(())
}
