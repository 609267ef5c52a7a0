use std::fs::{self, File};
use std::io;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler};
use actors::messages::Drain;
use actors::operations::{Lifecycle, Operations};
use actors::supervision::ActorName;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, timeout_at};

use super::pipeline::Pipeline;
use crate::http::RunningServer;

/// The signals that end the process in order: SIGTERM, SIGINT, and SIGHUP once its terminal is gone.
///
/// A SIGHUP that somebody sends by hand, as to daemons that reload their configuration, is logged and ignored. A process
/// that was started with SIGHUP ignored (`nohup`) keeps it ignored.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
    had_terminal: bool,
    last: Option<Instant>,
}

impl Signals {
    const SAME_REQUEST: Duration = Duration::from_millis(300);
    /// The kernel sends SIGHUP and takes the terminal away in one go, but the signal can be seen first.
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

    /// Waits for the next signal and returns its name. One that follows another within a moment is the same request: a
    /// terminal, `make` and `timeout` each pass theirs on to the whole process group.
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

/// Whether this process has a controlling terminal. After a hang-up the kernel takes it from every process of the session.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

/// Whether the process was started with SIGHUP ignored. Installing a handler would undo that.
fn ignores_hangup() -> bool {
    // Only Linux tells; elsewhere `nohup` does not outlive its terminal.
    fs::read_to_string("/proc/self/status").is_ok_and(|status| ignored_signals(&status) & 1 != 0)
}

/// The mask of ignored signals in `/proc/PID/status`; bit 0 is signal 1, SIGHUP.
fn ignored_signals(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Ends the actors source first, so that each brings what it was given to the next: stop polling, flush the producer,
/// store what was consumed, take leave of the clients. The answer is whether all of it was done.
pub(super) async fn in_order(
    pipeline: Pipeline,
    server: RunningServer,
    operations: &Operations,
    time: Duration,
) -> bool {
    let began = Instant::now();
    let deadline = began + time;
    let stages = [
        stage(ActorName::POLLER, pipeline.poller.as_ref(), deadline).await,
        stage(ActorName::KafkaProducer, pipeline.producer.as_ref(), deadline).await,
        stage(ActorName::StoreConsumer, pipeline.store_consumer.as_ref(), deadline).await,
        stage(ActorName::DbWriter, pipeline.db_writer.as_ref(), deadline).await,
        stage(ActorName::LiveConsumer, pipeline.live_consumer.as_ref(), deadline).await,
        stage(ActorName::SseHub, pipeline.hub.as_ref(), deadline).await,
    ];
    operations.advance(Lifecycle::Drained);
    let stopped = timeout_at(deadline, server.stop()).await.is_ok();
    let drained = stopped && stages.iter().all(|drained| *drained);
    log::info!(seconds:? = began.elapsed(), drained; "ended");
    drained
}

/// Drains one actor, within half of the time that is left: those behind it have a claim to the other half.
async fn stage<A>(name: ActorName, actor: Option<&Addr<A>>, deadline: Instant) -> bool
where
    A: Actor<Context = Context<A>> + Handler<Drain>,
{
    let Some(actor) = actor else { return true };
    let began = Instant::now();
    let own = began + deadline.saturating_duration_since(began) / 2;
    // The actor stops by itself at its deadline; one that does not is left behind.
    let answer = timeout_at(own + Duration::from_millis(500), actor.send(Drain { deadline: own })).await;
    let drained = matches!(&answer, Ok(Ok(drained)) if drained.left == 0);
    match answer {
        Ok(Ok(result)) => log::info!(actor = name, seconds:? = began.elapsed(), left = result.left; "drained"),
        Ok(Err(error)) => log::warn!(actor = name, error:%; "could not be drained"),
        Err(_) => log::warn!(actor = name, seconds:? = began.elapsed(); "was not drained in time"),
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
