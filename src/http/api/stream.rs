//! The event streams: `/sse/flights` has every new state vector, `/api/v1/stream` the live picture and its changes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ContentEncoding, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::messages::{Join, Joined, RequestedStream};
use actors::sse_hub::{Encoding, Frame, QueueReceiver, goodbye};
use bytes::Bytes;
use rand::Rng;

use super::query::Parameters;
use crate::http::connection::socket_handoff::SocketHandoff;
use crate::http::reply::encoding::negotiate;
use crate::http::reply::head_body::HeadBody;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;

/// Sends the frames of one client as a response body, for HTTP/2 and TLS; other connections use [`SocketHandoff`].
struct FrameBody {
    frames: QueueReceiver,
    /// The current frame, and the index of its next piece.
    frame: Option<(Arc<Frame>, usize)>,
    /// The rest of the current piece.
    rest: Bytes,
}

impl FrameBody {
    /// The size of a slice. actix-http buffers each chunk of a body as a whole, so large frames are sent in slices. A
    /// slice and its chunk framing fill a buffer of 16 KiB.
    const SLICE: usize = 16 * 1024 - 16;
}

impl MessageBody for FrameBody {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        while self.rest.is_empty() {
            match self.frame.take() {
                Some((frame, next)) => {
                    if let Some(piece) = frame.pieces().get(next) {
                        self.rest = piece.clone();
                        self.frame = Some((frame, next + 1));
                    }
                }
                None => match self.frames.poll_recv(cx) {
                    Poll::Ready(Some(frame)) => self.frame = Some((frame, 0)),
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
        self.frames.note_progress();
        let length = self.rest.len().min(Self::SLICE);
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}

/// Every new state vector
///
/// First `data: {"status":"connected","type":"connection_ack",…}`, then one `data: {…}` for each state vector that is
/// newer than the last one of its aircraft, regardless of its age. No snapshot, no resuming. A client that cannot keep
/// up gets only the newest state of each aircraft. States more than an hour ahead of the server's clock are left out.
#[utoipa::path(get, path = "/sse/flights", tag = "streams", responses(
    (status = 200, content_type = "text/event-stream", body = String,
        description = "Endless Server-Sent Events. A server at its limit of clients sends `retry:` and ends the response.")))]
pub(crate) async fn sse_flights(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    respond(&request, &state, RequestedStream::Telemetry).await
}

/// The live picture and its changes
///
/// First a `snapshot` of everything in the scope, then `delta` events, as specified in `docs/stream.md`. Compressed
/// with gzip or zstd if `Accept-Encoding` allows it. A client that cannot keep up gets a new snapshot.
#[utoipa::path(get, path = "/api/v1/stream", tag = "streams",
    params(("bbox", Query), ("icao24", Query), ("last_event_id", Query)), responses(
    (status = 200, content_type = "text/event-stream", body = String,
        description = "Endless Server-Sent Events. A server at its limit of clients sends `retry:` and ends the response.")))]
pub(crate) async fn stream(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::parse(&request, &["bbox", "icao24", "last_event_id"])?;
    // A browser's EventSource reconnects with the same URL, so the header is newer.
    let header = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let last_event_id = header.or(parameters.text("last_event_id")).map(str::to_owned);
    respond(&request, &state, RequestedStream::Stream { scope: parameters.scope, last_event_id }).await
}

async fn respond(request: &HttpRequest, state: &ServerState, stream: RequestedStream) -> Result<HttpResponse, Problem> {
    let (hub, address, encoding) = (state.hub()?, state.client(request).address, encoding_for(request));
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store, no-transform"))
        .insert_header(("X-Accel-Buffering", "no"))
        .insert_header((VARY, "Accept-Encoding"));
    if request.method() == Method::HEAD {
        // A client that reads no events must not count towards the limit.
        if encoding != Encoding::Identity {
            response.insert_header((CONTENT_ENCODING, encoding.name()));
        }
        return Ok(response.body(HeadBody));
    }
    let joined = tokio::time::timeout(HUB_TIMEOUT, hub.send(Join { address, encoding, stream })).await;
    let Ok(Ok(Ok(Joined { frames }))) = joined else {
        // A browser's EventSource gives up after an error status; this response makes it reconnect.
        return Ok(response.body(goodbye(rand::rng().random_range(5_000..30_000))));
    };
    if encoding != Encoding::Identity {
        response.insert_header((CONTENT_ENCODING, encoding.name()));
    }
    Ok(match SocketHandoff::of(request) {
        Some(handoff) => handoff.respond(request, &mut response, frames),
        None => response.body(FrameBody { frames, frame: None, rest: Bytes::new() }),
    })
}

/// How long a client waits for the hub, which may be busy with thousands of others.
const HUB_TIMEOUT: Duration = Duration::from_secs(20);

/// Negotiates the encoding of a stream. Prefers gzip on a tie, because its deltas are smaller.
fn encoding_for(request: &HttpRequest) -> Encoding {
    match negotiate(request.headers(), &[ContentEncoding::Gzip, ContentEncoding::Zstd]) {
        Some(ContentEncoding::Gzip) => Encoding::Gzip,
        Some(ContentEncoding::Zstd) => Encoding::Zstd,
        _ => Encoding::Identity,
    }
}
