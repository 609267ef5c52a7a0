//! Tracks the requests in flight on a connection: limits their number, and detects clients that stop accepting
//! responses.
//!
//! Over HTTP/2 a client can send many requests at once and then accept none of the responses. Its socket is not
//! blocked, the bodies are not polled again, and no other timeout applies.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::{ConnectionType, HttpMessage, Request, Response};
use actix_service::{Service, ServiceFactory, apply_fn_factory};
use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::http::{Method, StatusCode, Version};
use bytes::Bytes;
use ipnet::IpNet;
use tokio::time::{Instant, Sleep, sleep};

use super::client_address::client_address;
use super::per_address_limit::{AddressPermit, PerAddressLimit};
use super::rejections::{Limit, Rejections};

/// Tracks the requests of one connection from their start until their response has been sent or abandoned. Stored in
/// the extensions of each connection.
#[derive(Clone, Default)]
pub(crate) struct InFlightRequests(Rc<Requests>);

#[derive(Default)]
struct Requests {
    started: Cell<u64>,
    count: Cell<usize>,
    /// Whether a body is being sent that is delimited by the end of the connection.
    is_open_ended: Cell<bool>,
    /// For each request whose body waits to be polled for its next chunk, the time since when.
    waiting: RefCell<HashMap<u64, Instant>>,
}

/// One request in flight.
struct RequestPermit {
    in_flight: InFlightRequests,
    number: u64,
    _address_permit: AddressPermit,
}

impl InFlightRequests {
    /// The maximum number of HTTP/2 streams per connection. Browsers open up to a hundred.
    const MAX_PER_CONNECTION: usize = 128;

    fn start(&self, requests: &PerAddressLimit, request: &Request, proxies: &[IpNet]) -> Option<RequestPermit> {
        if self.0.count.get() >= Self::MAX_PER_CONNECTION {
            return None;
        }
        let address_permit =
            requests.try_acquire(client_address(request.peer_addr(), request.headers(), proxies), 1)?;
        Some(self.permit(address_permit))
    }

    fn permit(&self, address_permit: AddressPermit) -> RequestPermit {
        self.0.count.set(self.0.count.get() + 1);
        self.0.started.set(self.0.started.get() + 1);
        RequestPermit { in_flight: self.clone(), number: self.0.started.get(), _address_permit: address_permit }
    }

    /// Returns whether a body that is delimited by the end of the connection is incomplete.
    pub(crate) fn is_truncated(&self) -> bool {
        self.0.is_open_ended.get()
    }

    fn is_stalled(&self, timeout: Duration) -> bool {
        self.0.waiting.borrow().values().any(|since| since.elapsed() >= timeout)
    }
}

impl RequestPermit {
    fn set_waiting(&self, is_waiting: bool) {
        let mut waiting = self.in_flight.0.waiting.borrow_mut();
        if is_waiting {
            waiting.insert(self.number, Instant::now());
        } else {
            waiting.remove(&self.number);
        }
    }
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        self.set_waiting(false);
        self.in_flight.0.count.set(self.in_flight.0.count.get().saturating_sub(1));
    }
}

/// The body of a response in flight.
pub(crate) struct TrackedBody {
    body: BoxBody,
    permit: RequestPermit,
}

impl MessageBody for TrackedBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = Pin::new(&mut self.body).poll_next(cx);
        if matches!(next, Poll::Ready(None)) {
            self.permit.in_flight.0.is_open_ended.set(false);
        }
        // actix polls for the next chunk only after the previous one was flushed, so a pending chunk means a stalled
        // client.
        self.permit.set_waiting(matches!(next, Poll::Ready(Some(Ok(_)))));
        next
    }
}

/// A tracked response, or a rejection.
type TrackedResponse = Response<EitherBody<TrackedBody, ()>>;

/// The limits on requests in flight, and the metric that counts rejections.
#[derive(Clone)]
pub(crate) struct RequestLimits {
    pub(crate) per_address: PerAddressLimit,
    pub(crate) proxies: Vec<IpNet>,
    pub(crate) rejections: Rejections,
}

/// Tracks each request, and rejects those over the limits.
pub(crate) fn limit_requests<F, B>(
    limits: RequestLimits,
    app: F,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = TrackedResponse,
    Error = F::Error,
    InitError = F::InitError,
    Service = impl Service<Request, Response = TrackedResponse, Error = F::Error, Future: 'static>,
    Future: 'static,
>
where
    F: ServiceFactory<Request, Config = (), Response: Into<Response<B>>, Service: Service<Request, Future: 'static>>
        + 'static,
    F::Future: 'static,
    B: MessageBody + 'static,
{
    apply_fn_factory(app, move |request: Request, app: &F::Service| {
        let in_flight = request.conn_data::<InFlightRequests>().cloned().unwrap_or_default();
        // Acquired before the first await, so that the connection sees the request in the same poll.
        let permit = in_flight.start(&limits.per_address, &request, &limits.proxies);
        let (is_before_http_11, is_head) = (request.version() < Version::HTTP_11, request.method() == Method::HEAD);
        if permit.is_none() {
            limits.rejections.count(Limit::Requests);
        }
        let tracked = permit.map(|permit| (permit, app.call(request)));
        async move {
            let Some((permit, responding)) = tracked else { return Ok(rejected()) };
            let mut response: Response<B> = responding.await?.into();
            // HTTP/1.0 has no chunked encoding (RFC 9112, section 6.1), so the end of the connection delimits the body.
            if is_before_http_11 && response.body().size() == BodySize::Stream {
                response.head_mut().no_chunking(true);
                response.head_mut().set_connection_type(ConnectionType::Close);
                permit.in_flight.0.is_open_ended.set(!is_head);
            }
            Ok(response.map_body(|_, body| EitherBody::left(TrackedBody { body: body.boxed(), permit })))
        }
    })
}

/// Returns a 503 without a body, since a body would have to be tracked as well.
fn rejected() -> TrackedResponse {
    let mut response = Response::with_body(StatusCode::SERVICE_UNAVAILABLE, EitherBody::right(()));
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// Detects that the client of a connection has stalled.
pub(crate) struct StallGuard {
    in_flight: InFlightRequests,
    client_timeout: Duration,
    /// The next check; `None` while no request is in flight.
    next_check: Option<Pin<Box<Sleep>>>,
}

impl StallGuard {
    pub(crate) fn new(in_flight: InFlightRequests, client_timeout: Duration) -> Self {
        Self { in_flight, client_timeout, next_check: None }
    }

    /// Returns `Ready` once a response has waited for longer than `client_timeout`. The caller must poll the HTTP
    /// service first.
    pub(crate) fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.in_flight.0.count.get() > 0 {
            let check = self.next_check.get_or_insert_with(|| Box::pin(sleep(self.client_timeout / 4)));
            if check.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.next_check = None;
            if self.in_flight.is_stalled(self.client_timeout) {
                log::info!(
                    "closing a connection: the client accepted no data of a response for {:?}",
                    self.client_timeout
                );
                return Poll::Ready(());
            }
        }
        self.next_check = None;
        Poll::Pending
    }

    /// Runs an HTTP service until it ends, or the client stalls.
    pub(crate) async fn serve<E>(
        mut self,
        mut serving: Pin<Box<impl Future<Output = Result<(), E>>>>,
    ) -> Result<(), E> {
        std::future::poll_fn(|cx| match serving.as_mut().poll(cx) {
            Poll::Pending => self.poll_stalled(cx).map(Ok),
            ended => ended,
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use actix_web::test::TestRequest;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn address_permit() -> AddressPermit {
        PerAddressLimit::new(1).try_acquire(IpAddr::V4(Ipv4Addr::LOCALHOST).into(), 1).unwrap()
    }

    async fn next(body: &mut TrackedBody) -> Option<Bytes> {
        std::future::poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await.map(Result::unwrap)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_when_its_client_stalls() {
        let in_flight = InFlightRequests::default();
        let body = |text: &'static str| TrackedBody {
            body: text.to_owned().boxed(),
            permit: in_flight.permit(address_permit()),
        };
        let started_at = Instant::now();
        let serving =
            StallGuard::new(in_flight.clone(), TIMEOUT).serve(Box::pin(std::future::pending::<Result<(), ()>>()));
        let client = async {
            // A request without a response waits for the server, so the client has not stalled.
            let (mut one, mut other) = (body("one"), body("other"));
            sleep(TIMEOUT * 3).await;
            assert_eq!(next(&mut one).await.unwrap(), "one");
            sleep(TIMEOUT / 2).await;
            assert_eq!(next(&mut one).await, None);
            assert_eq!(next(&mut other).await.unwrap(), "other");
            drop(one);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = serving => ended.unwrap(),
            () = client => {}
        }
        let stalled_for = started_at.elapsed() - TIMEOUT * 7 / 2;
        assert!((TIMEOUT..TIMEOUT * 3 / 2).contains(&stalled_for), "{stalled_for:?}");
        assert_eq!((in_flight.0.count.get(), in_flight.0.waiting.borrow().len()), (0, 0));
    }

    #[test]
    fn requests_are_limited_per_connection_and_per_address() {
        let request = || TestRequest::default().peer_addr("192.0.2.1:1".parse().unwrap()).to_request();
        let per_address = PerAddressLimit::new(InFlightRequests::MAX_PER_CONNECTION + 1);
        let [one, other] = [InFlightRequests::default(), InFlightRequests::default()];
        let permits: Vec<_> =
            (0..InFlightRequests::MAX_PER_CONNECTION).map_while(|_| one.start(&per_address, &request(), &[])).collect();
        assert_eq!(permits.len(), InFlightRequests::MAX_PER_CONNECTION);
        assert!(one.start(&per_address, &request(), &[]).is_none());
        let _last = other.start(&per_address, &request(), &[]).unwrap();
        assert!(other.start(&per_address, &request(), &[]).is_none());
        drop(permits);
        assert!(one.start(&per_address, &request(), &[]).is_some());
    }
}
