use std::io;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler};
use actors::messages::Drain;
use actors::operations::{Course, Operations};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, timeout_at};

use super::pipeline::Pipeline;
use crate::http::RunningServer;

/// SIGTERM and SIGINT.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    last: Option<Instant>,
}

impl Signals {
    const SAME_REQUEST: Duration = Duration::from_millis(300);

    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            last: None,
        })
    }

    /// The name of the next one. One that follows another within a moment is the same request: a terminal, `make` and
    /// `timeout` each pass theirs on to the whole process group.
    pub(super) async fn next(&mut self) -> &'static str {
        loop {
            let name = tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
            };
            if self.last.is_none_or(|last| last.elapsed() > Self::SAME_REQUEST) {
                self.last = Some(Instant::now());
                return name;
            }
        }
    }
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
        stage("poller", pipeline.poller.as_ref(), deadline).await,
        stage("kafka-producer", pipeline.producer.as_ref(), deadline).await,
        stage("kafka-consumer-store", pipeline.store_consumer.as_ref(), deadline).await,
        stage("db-writer", pipeline.db_writer.as_ref(), deadline).await,
        stage("kafka-consumer-live", pipeline.live_consumer.as_ref(), deadline).await,
        stage("sse-hub", pipeline.hub.as_ref(), deadline).await,
    ];
    operations.advance(Course::Drained);
    let stopped = timeout_at(deadline, server.stop()).await.is_ok();
    let drained = stopped && stages.iter().all(|drained| *drained);
    log::info!(seconds:? = began.elapsed(), drained; "ended");
    drained
}

/// Drains one actor, within half of the time that is left: those behind it have a claim to the other half.
async fn stage<A>(name: &'static str, actor: Option<&Addr<A>>, deadline: Instant) -> bool
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
