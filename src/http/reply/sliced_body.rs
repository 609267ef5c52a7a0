use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;

/// A body that is there as a whole, given in slices: actix-http copies what a body gives into a buffer of the connection,
/// and asks for more only when there is room in that.
pub(crate) struct SlicedBody<H> {
    rest: Bytes,
    /// What is held until the body is sent or given up.
    _held: H,
}

/// What is no larger than this need not be sliced.
pub(crate) const SLICE: usize = 32 * 1024;

impl<H> SlicedBody<H> {
    /// Gives all of these bytes, and holds `held` meanwhile.
    pub(crate) fn of(bytes: Bytes, held: H) -> Self {
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
    async fn it_gives_everything_slice_by_slice() {
        for length in [0, 1, SLICE, SLICE + 1, 3 * SLICE] {
            let bytes = Bytes::from_iter((0..length).map(|number| number as u8));
            let mut body = SlicedBody::of(bytes.clone(), ());
            assert_eq!(body.size(), BodySize::Sized(length as u64));
            let mut given = Vec::new();
            while let Some(slice) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
                let slice = slice.unwrap();
                assert!((1..=SLICE).contains(&slice.len()), "{}", slice.len());
                given.extend_from_slice(&slice);
            }
            assert!(given == bytes);
        }
    }
}
