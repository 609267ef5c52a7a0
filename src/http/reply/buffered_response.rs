//! Answers that are there as a whole before they are sent: in which encoding, and how many of them may wait for clients.

use std::io::{self, Write};
use std::sync::Arc;

use actix_web::http::header::{AcceptEncoding, CONTENT_ENCODING, ContentEncoding, Encoding, VARY};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder};
use actors::domain::AddressBlock;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use tokio::sync::OwnedSemaphorePermit;

use super::limits::Limits;
use super::problem::Problem;
use super::sliced_body::{SLICE, SlicedBody};

/// An answer as it is sent, to one client or to many.
pub(crate) struct BufferedResponse {
    bytes: Bytes,
    encoding: ContentEncoding,
    /// Its part of what may wait for clients.
    _room: OwnedSemaphorePermit,
}

impl BufferedResponse {
    /// Compresses a long text, as a whole: an encoder at work may hold more memory than the text, for as long as the client
    /// takes its time. A short one is left to actix-web.
    ///
    /// # Errors
    /// 503 when too much waits for clients already.
    pub(crate) async fn make(limits: &Limits, text: Vec<u8>, encoding: ContentEncoding) -> Result<Arc<Self>, Problem> {
        let mut room = limits.room_for(text.len())?;
        if encoding == ContentEncoding::Identity || text.len() <= SLICE {
            let bytes = text.into_boxed_slice().into();
            return Ok(Arc::new(Self { bytes, encoding: ContentEncoding::Identity, _room: room }));
        }
        // Not on a thread that serves.
        let compressing = tokio::task::spawn_blocking(move || compress(&text, encoding));
        let bytes: Bytes = compressing.await.map_err(Problem::unavailable)?.map_err(Problem::unavailable)?.into();
        let spared = room.num_permits().saturating_sub(Limits::units(bytes.len()));
        drop(room.split(spared));
        Ok(Arc::new(Self { bytes, encoding, _room: room }))
    }

    /// The answer with this as its body.
    ///
    /// # Errors
    /// 503 when too much waits for clients at this address already.
    pub(crate) fn answer(
        self: Arc<Self>,
        response: &mut HttpResponseBuilder,
        limits: &Limits,
        address: AddressBlock,
    ) -> Result<HttpResponse, Problem> {
        if self.bytes.len() <= SLICE && self.encoding == ContentEncoding::Identity {
            return Ok(response.body(self.bytes.clone()));
        }
        let share = limits.address_share(address, self.bytes.len())?;
        if self.encoding != ContentEncoding::Identity {
            response.insert_header((CONTENT_ENCODING, self.encoding.as_str())).append_header((VARY, "accept-encoding"));
        }
        Ok(response.body(SlicedBody::of(self.bytes.clone(), (self, share))))
    }
}

/// The encoding that a client likes best, as `Compress` finds it, which leaves alone what is encoded already.
pub(crate) fn encoding_for(request: &HttpRequest) -> ContentEncoding {
    let known = [Encoding::identity(), Encoding::gzip(), Encoding::deflate(), Encoding::zstd()];
    let accepted = request.get_header::<AcceptEncoding>().and_then(|accepted| accepted.negotiate(known.iter()));
    match accepted {
        Some(Encoding::Known(encoding)) => encoding,
        _ => ContentEncoding::Identity,
    }
}

fn compress(text: &[u8], encoding: ContentEncoding) -> io::Result<Vec<u8>> {
    /// zstd's own choice.
    const ZSTD_LEVEL: i32 = 3;
    let mut compressed = match encoding {
        ContentEncoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text)?;
            encoder.finish()?
        }
        ContentEncoding::Deflate => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text)?;
            encoder.finish()?
        }
        ContentEncoding::Zstd => zstd::bulk::compress(text, ZSTD_LEVEL)?,
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    compressed.shrink_to_fit();
    Ok(compressed)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use actix_web::test::TestRequest;
    use flate2::read::{GzDecoder, ZlibDecoder};
    use prometheus_client::registry::Registry;

    use super::*;

    fn limits() -> Limits {
        Limits::register(&mut Registry::default(), Duration::from_secs(30))
    }

    #[tokio::test]
    async fn a_long_text_is_compressed_as_the_client_likes_it_and_a_short_one_is_not() {
        let (limits, text) = (limits(), b"0123456789abcdef".repeat(SLICE));
        let check = async |accepted: &str, encoding: ContentEncoding| {
            let request = TestRequest::default().insert_header(("accept-encoding", accepted)).to_http_request();
            assert_eq!(encoding_for(&request), encoding, "{accepted}");
            let short = BufferedResponse::make(&limits, b"short".to_vec(), encoding).await.unwrap();
            assert_eq!((&short.bytes[..], short.encoding), (&b"short"[..], ContentEncoding::Identity));
            let document = BufferedResponse::make(&limits, text.clone(), encoding).await.unwrap();
            let mut decoded = Vec::new();
            match document.encoding {
                ContentEncoding::Gzip => GzDecoder::new(&document.bytes[..]).read_to_end(&mut decoded).unwrap(),
                ContentEncoding::Deflate => ZlibDecoder::new(&document.bytes[..]).read_to_end(&mut decoded).unwrap(),
                ContentEncoding::Zstd => {
                    decoded = zstd::decode_all(&document.bytes[..]).unwrap();
                    0
                }
                _ => (&document.bytes[..]).read_to_end(&mut decoded).unwrap(),
            };
            assert!(decoded == text, "{accepted}");
            assert!(encoding == ContentEncoding::Identity || document.bytes.len() < text.len() / 10);
        };
        check("", ContentEncoding::Identity).await;
        check("br", ContentEncoding::Identity).await;
        check("gzip", ContentEncoding::Gzip).await;
        check("deflate", ContentEncoding::Deflate).await;
        check("gzip;q=0.5, zstd", ContentEncoding::Zstd).await;
    }

    #[tokio::test]
    async fn what_waits_for_clients_is_bounded_in_all_and_by_address() {
        const LONG: usize = 16 << 20;
        let limits = limits();
        let make = async || BufferedResponse::make(&limits, vec![b'x'; LONG], ContentEncoding::Identity).await;
        let address = |last: u8| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)).into();
        let answer = |document: &Arc<BufferedResponse>, last: u8| {
            document.clone().answer(&mut HttpResponse::Ok(), &limits, address(last))
        };
        let shared = make().await.unwrap();
        let of_one: Vec<_> = (0..20).map_while(|_| answer(&shared, 1).ok()).collect();
        assert_eq!(of_one.len(), Limits::WAITING_PER_ADDRESS / LONG);
        let mut all = vec![make().await.unwrap()];
        while let Ok(document) = make().await {
            all.push(document);
        }
        assert_eq!(all.len() + 1, Limits::WAITING / LONG);
        assert!(answer(&shared, 2).is_ok(), "what is there already is given to others, too");
        assert!(answer(&shared, 1).is_err());
        drop((of_one, all));
        assert!(answer(&shared, 1).is_ok() && make().await.is_ok());
    }
}
