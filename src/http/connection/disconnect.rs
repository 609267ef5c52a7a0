use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::dev::Payload;
use futures_util::Stream;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Detects that the client of an HTTP/2 request has reset its stream or lost its connection.
///
/// actix-http drops a handler and its body as soon as an HTTP/1 client disconnects. Over HTTP/2 it checks only when it
/// has data to send, so a request that waits for the database would keep its permit. `h2` reports the reset through the
/// request's body, but does not wake the task, so the body is polled at an interval.
pub(crate) struct DisconnectWatch {
    /// `None` over HTTP/1.
    payload: Option<Payload>,
    ticks: Interval,
}

impl DisconnectWatch {
    const CHECK_INTERVAL: Duration = Duration::from_millis(200);

    /// Creates a watch for the client that sent this payload.
    pub(crate) fn new(payload: Payload) -> Self {
        let mut ticks = interval(Self::CHECK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { payload: Some(payload).filter(|payload| matches!(payload, Payload::H2 { .. })), ticks }
    }

    /// Returns `Ready` once the client has disconnected.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(payload) = &mut self.payload else { return Poll::Pending };
        while self.ticks.poll_tick(cx).is_ready() {
            if let Poll::Ready(Some(Err(_))) = Pin::new(&mut *payload).poll_next(cx) {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Waits until the client disconnects.
    pub(crate) async fn wait(&mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }
}
