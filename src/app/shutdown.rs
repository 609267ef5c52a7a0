use std::fs::{self, File};
use std::io;
use std::time::Duration;

use actors::messages::Drain;
use actors::operations::{Lifecycle, Operations};
use futures_util::future::join_all;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, timeout_at};

use super::roster::RunningActor;
use crate::http::RunningServer;

/// Listens for the signals that trigger an orderly shutdown: SIGTERM, SIGINT, and SIGHUP if the terminal was closed.
///
/// Any other SIGHUP, such as one meant to reload the configuration, is logged and ignored. A process that was started
/// with SIGHUP ignored (`nohup`) keeps it ignored.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
    had_terminal: bool,
    last: Option<Instant>,
}

impl Signals {
    const SAME_REQUEST: Duration = Duration::from_millis(300);
    /// How long to wait for the terminal to disappear after a SIGHUP. The kernel sends the signal and removes the
    /// terminal at the same time, but the signal can become visible first.
    const HANGUP_SETTLES: Duration = Duration::from_millis(200);

    pub(super) fn new() -> io::Result<Self> {
        let hangup = if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup,
            had_terminal: has_terminal(),
            last: None,
        })
    }

    /// Waits for the next signal and returns its name. A signal shortly after another one counts as the same request,
    /// because a terminal, `make` and `timeout` each send it to the whole process group.
    pub(super) async fn next(&mut self) -> &'static str {
        loop {
            let name = tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
                () = received(self.hangup.as_mut()) => {
                    if !self.terminal_is_gone().await {
                        log::info!("ignored SIGHUP: the configuration is read at start; restart to apply changes");
                        continue;
                    }
                    "SIGHUP"
                }
            };
            if self.last.is_none_or(|last| last.elapsed() > Self::SAME_REQUEST) {
                self.last = Some(Instant::now());
                return name;
            }
        }
    }

    async fn terminal_is_gone(&self) -> bool {
        if self.had_terminal && has_terminal() {
            tokio::time::sleep(Self::HANGUP_SETTLES).await;
        }
        self.had_terminal && !has_terminal()
    }
}

async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Returns whether this process has a controlling terminal. A hang-up removes it from all processes of the session.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

/// Returns whether the process was started with SIGHUP ignored. Installing a handler would undo that.
fn ignores_hangup() -> bool {
    // Only Linux reports this; on other systems the process does not outlive its terminal under `nohup`.
    fs::read_to_string("/proc/self/status").is_ok_and(|status| ignored_signals(&status) & 1 != 0)
}

/// Parses the mask of ignored signals in `/proc/PID/status`. Bit 0 is signal 1, SIGHUP.
fn ignored_signals(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Drains the actors stage by stage, source first, so that each passes on what it holds to the next. Then stops the
/// HTTP server. Returns whether everything was drained in time.
pub(super) async fn run(
    mut actors: Vec<RunningActor>,
    server: RunningServer,
    operations: &Operations,
    time: Duration,
) -> bool {
    let began = Instant::now();
    let deadline = began + time;
    let mut all_drained = true;
    actors.sort_by_key(|actor| actor.stage);
    for stage in actors.chunk_by(|one, next| one.stage == next.stage) {
        let drained = join_all(stage.iter().map(|actor| drain(actor, deadline))).await;
        all_drained &= drained.into_iter().all(|drained| drained);
    }
    operations.advance(Lifecycle::Drained);
    let drained = timeout_at(deadline, server.stop()).await.is_ok() && all_drained;
    log::info!(seconds:? = began.elapsed(), drained; "shutdown complete");
    drained
}

/// Drains one actor within half of the remaining time, and leaves the other half to the later stages.
async fn drain(RunningActor { name, handles, .. }: &RunningActor, deadline: Instant) -> bool {
    let began = Instant::now();
    let own = began + deadline.saturating_duration_since(began) / 2;
    // The actor is expected to stop at its deadline; if it does not, it is abandoned.
    let reply = timeout_at(own + Duration::from_millis(500), handles.drain.send(Drain { deadline: own })).await;
    let drained = matches!(&reply, Ok(Ok(drained)) if drained.left == 0);
    match reply {
        Ok(Ok(result)) => log::info!(actor = name, seconds:? = began.elapsed(), left = result.left; "drained"),
        Ok(Err(error)) => log::warn!(actor = name, error:%; "failed to drain"),
        Err(_) => log::warn!(actor = name, seconds:? = began.elapsed(); "drain timed out"),
    }
    drained
}

#[cfg(test)]
mod tests {
    use super::ignored_signals;

    #[test]
    fn reads_the_mask_of_ignored_signals() {
        assert_eq!(
            ignored_signals("SigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t00000000\n"),
            0x1001
        );
        assert_eq!(ignored_signals("Name:\tflight-monitor\n"), 0);
    }
}
