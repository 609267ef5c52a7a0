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

/// Size of a huge body.
const HUGE: u64 = 1 << 30;
static PADDING: [u8; 1 << 16] = [b'x'; 1 << 16];

/// Sends a body in pieces with pauses in between.
#[derive(Debug)]
pub(crate) struct PacedBody {
    rest: Bytes,
    announced: u64,
    piece: usize,
    pause: Duration,
    end: End,
    /// Bytes of padding still to come.
    padding: u64,
    sleep: Option<Pin<Box<Sleep>>>,
}

/// What follows the bytes of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Nothing: they are all that was announced.
    Complete,
    /// Closing the connection, short of the announced length.
    Cut,
    /// Padding up to the announced length.
    Padding,
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
        Self {
            piece: body.len().max(1),
            rest: body,
            announced,
            pause: CUT_PAUSE,
            end: End::Cut,
            padding: 0,
            sleep: None,
        }
    }

    /// Sends all of `body` in small pieces.
    pub(crate) fn dripping(body: Bytes) -> Self {
        Self {
            announced: body.len() as u64,
            rest: body,
            piece: DRIP,
            pause: DRIP_PAUSE,
            end: End::Complete,
            padding: 0,
            sleep: None,
        }
    }

    /// Announces 1 GiB, and sends half of `body` and then padding.
    pub(crate) fn huge(mut body: Bytes) -> Self {
        body.truncate(body.len() / 2);
        let padding = HUGE - body.len() as u64;
        let piece = PADDING.len();
        Self { rest: body, announced: HUGE, piece, pause: Duration::ZERO, end: End::Padding, padding, sleep: None }
    }

    /// Sends nothing, not even the status line.
    pub(crate) fn nothing() -> Self {
        Self {
            rest: Bytes::new(),
            announced: 1,
            piece: 1,
            pause: Duration::ZERO,
            end: End::Cut,
            padding: 0,
            sleep: None,
        }
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
            return Poll::Ready(match self.end {
                End::Complete => None,
                End::Cut => Some(Err(Cut)),
                End::Padding => {
                    let padding = self.padding.min(PADDING.len() as u64) as usize;
                    self.padding -= padding as u64;
                    (padding > 0).then(|| Ok(Bytes::from_static(&PADDING[..padding])))
                }
            });
        }
        let piece = self.piece.min(self.rest.len());
        let piece = self.rest.split_to(piece);
        if !self.pause.is_zero() {
            self.sleep = Some(Box::pin(sleep(self.pause)));
        }
        Poll::Ready(Some(Ok(piece)))
    }
}
