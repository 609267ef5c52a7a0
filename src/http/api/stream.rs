//! `/sse/flights`, the live stream of every newer state vector, and `/api/v1/stream`, the picture and what changes in it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::Method;
use actix_web::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::messages::{Join, Joined, Wanted};
use actors::sse_hub::{Encoding, Frame, QueueReceiver, goodbye};
use bytes::Bytes;
use rand::Rng;

use super::query::Parameters;
use crate::http::connection::socket_handoff::SocketHandoff;
use crate::http::reply::head_body::HeadBody;
use crate::http::reply::problem::Problem;
use crate::http::server::ServerState;

/// The frames of one client, as a response body: for HTTP/2 and TLS; see [`super::handover`] for the others.
struct FrameBody {
    frames: QueueReceiver,
    /// The frame that is being sent, and which of its pieces is next.
    frame: Option<(Arc<Frame>, usize)>,
    /// What is left of the piece before that.
    rest: Bytes,
}

impl FrameBody {
    /// actix-http buffers what a body yields as a whole, so a large frame goes out in slices. With the chunk's frame one of
    /// them fills a buffer of 16 KiB.
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

/// Every newer state vector from now on
///
/// First `data: {"status":"connected","type":"connection_ack",…}`, then one `data: {…}` with a state vector for each that
/// is newer than the last one of its aircraft, whatever its age. There is no snapshot and no resuming. A client that
/// cannot keep up gets the newest state of each aircraft. States more than an hour ahead of the server's clock are left out.
#[utoipa::path(get, path = "/sse/flights", tag = "streams", responses(
    (status = 200, description = "Server-Sent Events without end. A server without room sends `retry:` and ends the answer.",
     content_type = "text/event-stream", body = String)))]
pub(crate) async fn flights(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    answer(&request, &state, Wanted::Telemetry).await
}

/// The live picture, and what changes in it
///
/// First a `snapshot` of everything in the scope, then `delta` events, as `docs/stream.md` specifies them. It is compressed
/// with gzip or zstd where `Accept-Encoding` allows that. A client that cannot keep up gets a new snapshot.
#[utoipa::path(get, path = "/api/v1/stream", tag = "streams",
    params(("bbox", Query), ("icao24", Query), ("last_event_id", Query)), responses(
    (status = 200, description = "Server-Sent Events without end. A server without room sends `retry:` and ends the answer.",
     content_type = "text/event-stream", body = String)))]
pub(crate) async fn stream(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::of(&request, &["bbox", "icao24", "last_event_id"])?;
    // A browser's EventSource repeats its address with every reconnection, and the header is newer.
    let header = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let last_event_id = header.or(parameters.text("last_event_id")).map(str::to_owned);
    answer(&request, &state, Wanted::Stream { scope: parameters.scope, last_event_id }).await
}

async fn answer(request: &HttpRequest, state: &ServerState, wanted: Wanted) -> Result<HttpResponse, Problem> {
    let Some(hub) = &state.hub else {
        return Err(Problem::not_found("this process does not serve the live stream: it lacks the role `live`"));
    };
    let address = state.client_address(request);
    let accepted = request.headers().get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let encoding = encoding_for(accepted);
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store, no-transform"))
        .insert_header(("X-Accel-Buffering", "no"))
        .insert_header((VARY, "Accept-Encoding"));
    if request.method() == Method::HEAD {
        // No place is taken for a client that reads nothing.
        if encoding != Encoding::Identity {
            response.insert_header((CONTENT_ENCODING, encoding.name()));
        }
        return Ok(response.body(HeadBody));
    }
    let joined = tokio::time::timeout(PATIENCE, hub.send(Join { address, encoding, wanted })).await;
    let Ok(Ok(Ok(Joined { frames }))) = joined else {
        // An error status would end a browser's EventSource for good; this makes it come back.
        return Ok(response.body(goodbye(rand::rng().random_range(5_000..30_000))));
    };
    if encoding != Encoding::Identity {
        response.insert_header((CONTENT_ENCODING, encoding.name()));
    }
    Ok(match SocketHandoff::of(request) {
        Some(connection) => connection.answer(request, &mut response, frames),
        None => response.body(FrameBody { frames, frame: None, rest: Bytes::new() }),
    })
}

/// How long a client waits for a hub that is busy with thousands of others.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a client that accepts these encodings is sent (RFC 9110, 12.5.3).
fn encoding_for(accepted: &str) -> Encoding {
    let weight = |wanted: &str| {
        let mut weights = accepted.split(',').filter_map(|part| {
            let (name, parameters) = part.split_once(';').unwrap_or((part, ""));
            let weight =
                parameters.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.trim().parse::<f32>().ok());
            name.trim().eq_ignore_ascii_case(wanted).then_some(weight.unwrap_or(0.0))
        });
        weights.next_back()
    };
    let any = weight("*").unwrap_or(0.0);
    let identity = weight("identity").unwrap_or(0.0);
    // Where both are as welcome, the one that makes less of a delta.
    [(Encoding::Gzip, "gzip"), (Encoding::Zstd, "zstd")]
        .into_iter()
        .map(|(encoding, name)| (encoding, weight(name).unwrap_or(any)))
        .filter(|(_, weight)| *weight > 0.0 && *weight >= identity)
        .reduce(|best, other| if other.1 > best.1 { other } else { best })
        .map_or(Encoding::Identity, |(encoding, _)| encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_the_one_that_the_client_likes_best() {
        let check = |accepted: &str, encoding| assert_eq!(encoding_for(accepted), encoding, "{accepted}");
        check("", Encoding::Identity);
        check("br", Encoding::Identity);
        check("gzip, deflate, br, zstd", Encoding::Gzip);
        check("deflate, gzip, br", Encoding::Gzip);
        check("GZIP;q=0.5", Encoding::Gzip);
        check("zstd;q=0.2, gzip;q=0.8", Encoding::Gzip);
        check("zstd;q=0, gzip;q=0", Encoding::Identity);
        check("identity, gzip;q=0.5", Encoding::Identity);
        check("*", Encoding::Gzip);
        check("gzip;q=0, *", Encoding::Zstd);
        check("zstd;q=x", Encoding::Identity);
    }
}
