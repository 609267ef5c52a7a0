use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;

/// A complete body, sent in slices to bound the memory per connection: actix-http copies each chunk of a body into the
/// connection's write buffer, and polls for the next one only when that buffer has room.
pub(crate) struct SlicedBody<H> {
    rest: Bytes,
    /// Dropped when the body has been sent or abandoned.
    _held: H,
}

/// The size of a slice in bytes. A body up to this size is not sliced.
pub(crate) const SLICE: usize = 32 * 1024;

impl<H> SlicedBody<H> {
    /// Creates a body of these bytes, which keeps `held` until it is dropped.
    pub(crate) fn new(bytes: Bytes, held: H) -> Self {
        Self { rest: bytes, _held: held }
    }
}

impl<H: Unpin> MessageBody for SlicedBody<H> {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(SLICE);
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_sent_in_slices() {
        for length in [0, 1, SLICE, SLICE + 1, 3 * SLICE] {
            let bytes = Bytes::from_iter((0..length).map(|number| number as u8));
            let mut body = SlicedBody::new(bytes.clone(), ());
            assert_eq!(body.size(), BodySize::Sized(length as u64));
            let mut sent = Vec::new();
            while let Some(slice) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
                let slice = slice.unwrap();
                assert!((1..=SLICE).contains(&slice.len()), "{}", slice.len());
                sent.extend_from_slice(&slice);
            }
            assert!(sent == bytes);
        }
    }
}
