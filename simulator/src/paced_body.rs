//! A response body that is sent slowly or cut off.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use thiserror::Error;
use tokio::time::{Sleep, sleep};

const DRIP: usize = 64;
const DRIP_PAUSE: Duration = Duration::from_millis(100);
/// Long enough for the first half to reach the socket before the connection is closed.
const CUT_PAUSE: Duration = Duration::from_millis(50);

/// Sends a body in pieces with pauses in between.
#[derive(Debug)]
pub(crate) struct PacedBody {
    rest: Bytes,
    announced: u64,
    piece: usize,
    pause: Duration,
    /// Whether to close the connection after `rest`, short of the announced length.
    cut: bool,
    sleep: Option<Pin<Box<Sleep>>>,
}

/// Aborts the body, which makes actix-web close the connection.
#[derive(Debug, Error)]
#[error("closed intentionally")]
pub(crate) struct Cut;

impl PacedBody {
    /// Announces all of `body` and sends the first half.
    pub(crate) fn half(mut body: Bytes) -> Self {
        let announced = body.len() as u64;
        body.truncate(body.len() / 2);
        Self { piece: body.len().max(1), rest: body, announced, pause: CUT_PAUSE, cut: true, sleep: None }
    }

    /// Sends all of `body` in small pieces.
    pub(crate) fn dripping(body: Bytes) -> Self {
        Self { announced: body.len() as u64, rest: body, piece: DRIP, pause: DRIP_PAUSE, cut: false, sleep: None }
    }

    /// Sends nothing, not even the status line.
    pub(crate) fn nothing() -> Self {
        Self { rest: Bytes::new(), announced: 1, piece: 1, pause: Duration::ZERO, cut: true, sleep: None }
    }
}

impl MessageBody for PacedBody {
    type Error = Cut;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.announced)
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(context));
            self.sleep = None;
        }
        if self.rest.is_empty() {
            return Poll::Ready(self.cut.then_some(Err(Cut)));
        }
        let piece = self.piece.min(self.rest.len());
        let piece = self.rest.split_to(piece);
        self.sleep = Some(Box::pin(sleep(self.pause)));
        Poll::Ready(Some(Ok(piece)))
    }
}
