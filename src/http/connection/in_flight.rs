//! The requests under way on one connection: how many there are, and whether their answers are taken.
//!
//! Over HTTP/2 a client may ask for many things at once and then let none of them be sent: its socket is not blocked, the
//! answers are never asked for their next part, and nobody but us would ever give it up.

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

/// The requests of one connection that are under way: from their beginning until their answer is sent, or given up. In
/// the extensions of each connection.
#[derive(Clone, Default)]
pub(crate) struct InFlight(Rc<Requests>);

#[derive(Default)]
struct Requests {
    begun: Cell<u64>,
    count: Cell<usize>,
    /// Whether a body is being sent whose end is the end of the connection.
    is_open_ended: Cell<bool>,
    /// Since when answers wait to be asked for their next part, by request.
    waiting: RefCell<HashMap<u64, Instant>>,
}

/// One of them.
struct RequestPermit {
    of: InFlight,
    number: u64,
    _of_address: AddressPermit,
}

impl InFlight {
    /// Streams of HTTP/2 that one connection may have at once; browsers have a hundred.
    const MAX_PER_CONNECTION: usize = 128;

    fn begin(&self, requests: &PerAddressLimit, request: &Request, proxies: &[IpNet]) -> Option<RequestPermit> {
        if self.0.count.get() >= Self::MAX_PER_CONNECTION {
            return None;
        }
        let of_address = requests.try_acquire(client_address(request.peer_addr(), request.headers(), proxies), 1)?;
        Some(self.permit(of_address))
    }

    fn permit(&self, of_address: AddressPermit) -> RequestPermit {
        self.0.count.set(self.0.count.get() + 1);
        self.0.begun.set(self.0.begun.get() + 1);
        RequestPermit { of: self.clone(), number: self.0.begun.get(), _of_address: of_address }
    }

    /// Whether the connection ended before a body that only its end delimits. Closed as usual, it would look complete.
    pub(crate) fn is_cut_short(&self) -> bool {
        self.0.is_open_ended.get()
    }

    /// Whether an answer has waited for that long.
    fn is_stalled(&self, patience: Duration) -> bool {
        self.0.waiting.borrow().values().any(|since| since.elapsed() >= patience)
    }
}

impl RequestPermit {
    fn set_waiting(&self, waits: bool) {
        let mut waiting = self.of.0.waiting.borrow_mut();
        if waits {
            waiting.insert(self.number, Instant::now());
        } else {
            waiting.remove(&self.number);
        }
    }
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        self.set_waiting(false);
        self.of.0.count.set(self.of.0.count.get().saturating_sub(1));
    }
}

/// A body that is under way.
pub(crate) struct Watched {
    body: BoxBody,
    permit: RequestPermit,
}

impl MessageBody for Watched {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = Pin::new(&mut self.body).poll_next(cx);
        if matches!(next, Poll::Ready(None)) {
            self.permit.of.0.is_open_ended.set(false);
        }
        // Whoever has been given a part asks for the next one once it is on its way.
        self.permit.set_waiting(matches!(next, Poll::Ready(Some(Ok(_)))));
        next
    }
}

/// An answer that is under way, or a refusal.
type Answer = Response<EitherBody<Watched, ()>>;

/// How many requests may be under way.
#[derive(Clone)]
pub(crate) struct RequestLimits {
    pub(crate) per_address: PerAddressLimit,
    pub(crate) proxies: Vec<IpNet>,
    pub(crate) rejections: Rejections,
}

/// Has the requests counted, and those that are too many rejected.
pub(crate) fn counted<F, B>(
    limits: RequestLimits,
    app: F,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = Answer,
    Error = F::Error,
    InitError = F::InitError,
    Service = impl Service<Request, Response = Answer, Error = F::Error, Future: 'static>,
    Future: 'static,
>
where
    F: ServiceFactory<Request, Config = (), Response: Into<Response<B>>, Service: Service<Request, Future: 'static>>
        + 'static,
    F::Future: 'static,
    B: MessageBody + 'static,
{
    apply_fn_factory(app, move |request: Request, app: &F::Service| {
        let in_flight = request.conn_data::<InFlight>().cloned().unwrap_or_default();
        // At once, so that its connection knows of it in the very poll that began it.
        let permit = in_flight.begin(&limits.per_address, &request, &limits.proxies);
        let (is_before_http_11, is_head) = (request.version() < Version::HTTP_11, request.method() == Method::HEAD);
        if permit.is_none() {
            limits.rejections.count(Limit::Requests);
        }
        let answering = permit.map(|permit| (permit, app.call(request)));
        async move {
            let Some((permit, answering)) = answering else { return Ok(rejected()) };
            let mut response: Response<B> = answering.await?.into();
            // HTTP/1.0 has no chunks (RFC 9112, 6.1): the connection's end is the body's.
            if is_before_http_11 && response.body().size() == BodySize::Stream {
                response.head_mut().no_chunking(true);
                response.head_mut().set_connection_type(ConnectionType::Close);
                permit.of.0.is_open_ended.set(!is_head);
            }
            Ok(response.map_body(|_, body| EitherBody::left(Watched { body: body.boxed(), permit })))
        }
    })
}

/// 503 without a body, which would have to wait as well.
fn rejected() -> Answer {
    let mut response = Response::with_body(StatusCode::SERVICE_UNAVAILABLE, EitherBody::right(()));
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// Looks after one connection.
pub(crate) struct Watch {
    in_flight: InFlight,
    patience: Duration,
    /// The next look; none while nothing is under way.
    look: Option<Pin<Box<Sleep>>>,
}

impl Watch {
    pub(crate) fn over(in_flight: InFlight, patience: Duration) -> Self {
        Self { in_flight, patience, look: None }
    }

    /// Ready once an answer has waited for longer than its client has time; to be polled after what answers.
    pub(crate) fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.in_flight.0.count.get() > 0 {
            let look = self.look.get_or_insert_with(|| Box::pin(sleep(self.patience / 4)));
            if look.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.look = None;
            if self.in_flight.is_stalled(self.patience) {
                log::info!("a client takes nothing of an answer for {:?}: its connection is ended", self.patience);
                return Poll::Ready(());
            }
        }
        self.look = None;
        Poll::Pending
    }

    /// Serves until that ends by itself, or a client that takes nothing ends it.
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

    const PATIENCE: Duration = Duration::from_secs(30);

    fn address_permit() -> AddressPermit {
        PerAddressLimit::new(1).try_acquire(IpAddr::V4(Ipv4Addr::LOCALHOST).into(), 1).unwrap()
    }

    async fn next(body: &mut Watched) -> Option<Bytes> {
        std::future::poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await.map(Result::unwrap)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_when_an_answer_is_not_taken_and_not_before() {
        let in_flight = InFlight::default();
        let body =
            |text: &'static str| Watched { body: text.to_owned().boxed(), permit: in_flight.permit(address_permit()) };
        let began = Instant::now();
        let serving =
            Watch::over(in_flight.clone(), PATIENCE).serve(Box::pin(std::future::pending::<Result<(), ()>>()));
        let client = async {
            // What is not answered yet waits for us, and nobody is to blame.
            let (mut one, mut other) = (body("one"), body("other"));
            sleep(PATIENCE * 3).await;
            assert_eq!(next(&mut one).await.unwrap(), "one");
            sleep(PATIENCE / 2).await;
            assert_eq!(next(&mut one).await, None);
            assert_eq!(next(&mut other).await.unwrap(), "other");
            drop(one);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = serving => ended.unwrap(),
            () = client => {}
        }
        let taken = began.elapsed() - PATIENCE * 7 / 2;
        assert!((PATIENCE..PATIENCE * 3 / 2).contains(&taken), "{taken:?}");
        assert_eq!((in_flight.0.count.get(), in_flight.0.waiting.borrow().len()), (0, 0));
    }

    #[test]
    fn a_connection_has_only_so_many_requests_and_an_address_too() {
        let request = || TestRequest::default().peer_addr("192.0.2.1:1".parse().unwrap()).to_request();
        let per_address = PerAddressLimit::new(InFlight::MAX_PER_CONNECTION + 1);
        let [one, other] = [InFlight::default(), InFlight::default()];
        let permits: Vec<_> =
            (0..InFlight::MAX_PER_CONNECTION).map_while(|_| one.begin(&per_address, &request(), &[])).collect();
        assert_eq!(permits.len(), InFlight::MAX_PER_CONNECTION);
        assert!(one.begin(&per_address, &request(), &[]).is_none());
        let _last = other.begin(&per_address, &request(), &[]).unwrap();
        assert!(other.begin(&per_address, &request(), &[]).is_none());
        drop(permits);
        assert!(one.begin(&per_address, &request(), &[]).is_some());
    }
}
