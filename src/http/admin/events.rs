//! `/admin/events`: the event stream of the admin dashboard.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::operations::Lifecycle;
use actors::supervision::{ActorRegistry, ActorStatus, JournalEntry};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};
use utoipa::ToSchema;

use super::operator::Operator;
use crate::http::reply::head_body::HeadBody;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;

/// The live state of each actor, and the log of changes
///
/// Server-Sent Events. `vitals`, once a second and after each change: an object with `at`, `course` (`serving`,
/// `draining`, `drained`), `memory_bytes` and the `actors` of `/admin/actors`. `log`, with an `id`, for each change of
/// state and each action: first the last 500, or those after `Last-Event-ID`; an object with `id`, `at`, `actor`
/// (`null`: the process) and `kind`, which is `phase` (`from`, `to`, `reason`), `readiness` (`ready`, `reason`) or
/// `order` (`action`: `pause_polling`, `resume_polling`, `restart`, `drain`). The stream ends once everything is
/// drained.
#[utoipa::path(get, path = "/admin/events", tag = "operations", security(("operator" = [])),
    responses((status = 200, description = "Server-Sent Events.", content_type = "text/event-stream", body = String)))]
pub(crate) async fn events(
    _: Operator,
    request: HttpRequest,
    state: web::Data<ServerState>,
    watchers: web::Data<Watchers>,
) -> Result<HttpResponse, Problem> {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store, no-transform"))
        .insert_header(("X-Accel-Buffering", "no"));
    if request.method() == Method::HEAD {
        return Ok(response.body(HeadBody));
    }
    let permit =
        watchers.0.clone().try_acquire_owned().map_err(|_| {
            Problem::unavailable(format!("too many clients of /admin/events (limit {})", Watchers::MAX))
        })?;
    let header = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let watcher = Watcher {
        actors: state.actors.clone(),
        lifecycle: state.operations.watch(),
        entries: state.actors.journal().watch(),
        last_sent: header.and_then(|id| id.parse().ok()).unwrap_or(0),
        ticks: ticks(),
        last_lifecycle: None,
        _permit: permit,
    };
    Ok(response.streaming(stream::unfold(watcher, |mut watcher| async {
        let events = watcher.next().await?;
        Some((Ok::<_, Infallible>(events), watcher))
    })))
}

fn ticks() -> Interval {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Limits the concurrent clients of `/admin/events`.
pub(crate) struct Watchers(Arc<Semaphore>);

impl Watchers {
    const MAX: usize = 32;
}

impl Default for Watchers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(Self::MAX)))
    }
}

/// A client of `/admin/events`.
struct Watcher {
    actors: ActorRegistry,
    lifecycle: watch::Receiver<Lifecycle>,
    entries: watch::Receiver<u64>,
    /// The id of the newest log entry sent.
    last_sent: u64,
    ticks: Interval,
    /// The lifecycle in the last `vitals` event sent.
    last_lifecycle: Option<Lifecycle>,
    _permit: OwnedSemaphorePermit,
}

impl Watcher {
    /// Waits for the next events. Returns `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        match self.last_lifecycle {
            Some(Lifecycle::Drained) => return None,
            // `Drained` is sent without waiting: it is the last event.
            Some(_) if *self.lifecycle.borrow_and_update() != Lifecycle::Drained => tokio::select! {
                _ = self.ticks.tick() => {}
                _ = self.entries.changed() => {}
                _ = self.lifecycle.changed() => {}
            },
            _ => {}
        }
        let lifecycle = *self.lifecycle.borrow_and_update();
        self.last_lifecycle = Some(lifecycle);
        self.entries.mark_unchanged();
        let entries = self.actors.journal().since(self.last_sent);
        self.last_sent = entries.last().map_or(self.last_sent, |entry| entry.id);
        let mut text: String = entries.iter().map(log_event).collect();
        text.push_str(&vitals_event(&self.actors, lifecycle));
        Some(text.into())
    }
}

fn log_event(entry: &JournalEntry) -> String {
    format!("event: log\nid: {}\ndata: {}\n\n", entry.id, json(entry))
}

/// The data of a `vitals` event.
#[derive(Serialize, ToSchema)]
pub(crate) struct VitalsEvent {
    /// When it was written, in Unix seconds.
    at: f64,
    course: Lifecycle,
    /// The resident memory of the process.
    memory_bytes: Option<u64>,
    actors: Vec<ActorStatus>,
}

fn vitals_event(actors: &ActorRegistry, course: Lifecycle) -> String {
    let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let vitals = VitalsEvent { at, course, memory_bytes: resident_memory(), actors: actors.statuses() };
    format!("event: vitals\ndata: {}\n\n", json(&vitals))
}

fn json(event: &impl Serialize) -> String {
    serde_json::to_string(event).unwrap_or_default()
}

/// Returns the resident memory of this process in bytes (proc(5), `VmRSS`), or `None` on systems other than Linux.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix("kB")?;
    kilobytes.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read() {
        assert!(resident_memory().is_some_and(|bytes| bytes > 1 << 20));
    }
}
