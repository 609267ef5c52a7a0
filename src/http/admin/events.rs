//! `/admin/events`: what the operator watches.

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::operations::Course;
use actors::supervision::{Board, Entry};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::operator::Operator;
use crate::http::reply::head_body::HeadBody;
use crate::http::reply::problem::Problem;
use crate::http::server::ServerState;

/// What each actor does, live, and what has changed
///
/// Server-Sent Events. `vitals`, once a second and after each change: an object with `at`, `course` (`serving`, `draining`, `drained`), `memory_bytes`
/// and the `actors` of `/admin/actors`. `log`, with an `id`, for each change of state and each order, first those of the past that are kept (500), or, after
/// `Last-Event-ID`, those that are newer: an object with `id`, `at`, `actor` (`null`: the process) and `kind`, which is `phase` (`from`, `to`, `reason`),
/// `readiness` (`ready`, `reason`) or `order` (`action`: `pause_polling`, `resume_polling`, `restart`, `drain`). It ends when everything is drained.
#[utoipa::path(get, path = "/admin/events", tag = "operations", security(("operator" = [])),
    responses((status = 200, description = "Server-Sent Events.", content_type = "text/event-stream", body = String)))]
pub(crate) async fn events(
    _: Operator,
    request: HttpRequest,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store, no-transform"))
        .insert_header(("X-Accel-Buffering", "no"));
    if request.method() == Method::HEAD {
        return Ok(response.body(HeadBody));
    }
    let place = state.watchers.clone().try_acquire_owned();
    let place = place.map_err(|_| Problem::unavailable("too many watch /admin/events already"))?;
    let header = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let watcher = Watcher {
        board: state.board.clone(),
        course: state.operations.watch(),
        entries: state.board.journal().watch(),
        seen: header.and_then(|id| id.parse().ok()).unwrap_or(0),
        ticks: ticks(),
        told: None,
        _place: place,
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

/// One who watches.
struct Watcher {
    board: Board,
    course: watch::Receiver<Course>,
    entries: watch::Receiver<u64>,
    /// The newest entry that was sent.
    seen: u64,
    ticks: Interval,
    /// The course that the newest vitals named.
    told: Option<Course>,
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    /// What is to be sent next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        match self.told {
            Some(Course::Drained) => return None,
            // Drained since then: that is told at once, for it is the last that is.
            Some(_) if *self.course.borrow_and_update() != Course::Drained => tokio::select! {
                _ = self.ticks.tick() => {}
                _ = self.entries.changed() => {}
                _ = self.course.changed() => {}
            },
            _ => {}
        }
        let course = *self.course.borrow_and_update();
        self.told = Some(course);
        self.entries.mark_unchanged();
        let entries = self.board.journal().since(self.seen);
        self.seen = entries.last().map_or(self.seen, |entry| entry.id);
        let mut text: String = entries.iter().map(log_event).collect();
        text.push_str(&vitals_event(&self.board, course));
        Some(text.into())
    }
}

fn log_event(entry: &Entry) -> String {
    format!("event: log\nid: {}\ndata: {}\n\n", entry.id, serde_json::to_value(entry).unwrap_or(Value::Null))
}

fn vitals_event(board: &Board, course: Course) -> String {
    let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let vitals = json!({ "at": at, "course": course, "memory_bytes": resident_memory(), "actors": board.statuses() });
    format!("event: vitals\ndata: {vitals}\n\n")
}

/// What this process takes of the machine's memory, in bytes; `None` where the system does not tell (proc(5), `VmRSS`).
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix("kB")?;
    kilobytes.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_known() {
        assert!(resident_memory().is_some_and(|bytes| bytes > 1 << 20));
    }
}
