//! `/sse/flights`: the live stream of every newer state vector.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::live::{QueueReceiver, goodbye};
use actors::messages::{Full, Join};
use bytes::Bytes;
use rand::Rng;

use super::problem::Problem;
use super::server::ServerState;

/// The frames of one client, as a response body.
struct FrameBody {
    frames: QueueReceiver,
    rest: Bytes,
}

impl FrameBody {
    /// actix-http buffers what a body yields as a whole, so a large frame goes out in slices.
    const SLICE: usize = 16 * 1024;
}

impl MessageBody for FrameBody {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        while self.rest.is_empty() {
            match self.frames.poll_recv(cx) {
                Poll::Ready(Some(frame)) => self.rest = frame,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
        let length = self.rest.len().min(Self::SLICE);
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}

/// Every newer state vector from now on
///
/// First `data: {"status":"connected","type":"connection_ack",…}`, then one `data: {…}` with a state vector for each
/// that is newer. Nothing of what was before; a client that cannot keep up gets the newest state of each aircraft.
#[utoipa::path(get, path = "/sse/flights", tag = "streams", responses(
    (status = 200, description = "Server-Sent Events without end.", content_type = "text/event-stream", body = String)))]
pub(super) async fn flights(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let Some(hub) = &state.hub else {
        return Err(Problem::not_found("this process does not serve the live stream: it lacks the role `live`"));
    };
    let address = request.peer_addr().map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |address| address.ip());
    let joined = hub.send(Join { address }).await;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store, no-transform"))
        .insert_header(("X-Accel-Buffering", "no"))
        .insert_header((VARY, "Accept-Encoding"));
    match joined {
        Ok(Ok(joined)) => Ok(response.body(FrameBody { frames: joined.frames, rest: Bytes::new() })),
        // An error status would end a browser's EventSource for good; this makes it come back.
        Ok(Err(Full::Clients | Full::Address)) | Err(_) => {
            Ok(response.body(goodbye(rand::rng().random_range(5_000..30_000))))
        }
    }
}
