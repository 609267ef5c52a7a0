//! Responses that are complete before they are sent: compresses them, and limits the memory that they hold while they
//! are sent.

use std::io::{self, Write};
use std::sync::Arc;

use actix_web::http::header::{CONTENT_ENCODING, ContentEncoding, VARY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use tokio::sync::OwnedSemaphorePermit;

use super::encoding::{RESPONSE_ENCODINGS, negotiate};
use super::limits::{Client, Limits};
use super::problem::Problem;
use super::sliced_body::{SLICE, SlicedBody};

/// An encoded response body, for one client or many.
pub(crate) struct BufferedResponse {
    bytes: Bytes,
    encoding: ContentEncoding,
    _memory: OwnedSemaphorePermit,
}

impl BufferedResponse {
    /// Returns the content encoding to use for a request.
    pub(crate) fn encoding_for(request: &HttpRequest) -> ContentEncoding {
        negotiate(request.headers(), RESPONSE_ENCODINGS).unwrap_or(ContentEncoding::Identity)
    }

    /// Compresses a long text as a whole, because a streaming encoder can hold more memory than the text until the
    /// client has read it. A short text is left to [`compress`](super::encoding::compress).
    ///
    /// # Errors
    /// 503 if responses that wait for clients have used up the memory limit.
    pub(crate) async fn encode(
        limits: &Limits,
        text: Vec<u8>,
        encoding: ContentEncoding,
    ) -> Result<Arc<Self>, Problem> {
        if encoding == ContentEncoding::Identity || text.len() <= SLICE {
            return Self::plain(limits, text);
        }
        let memory = limits.reserve(text.len())?;
        compressed(text.into(), encoding, memory).await
    }

    /// Creates a response from a text, without compressing it.
    ///
    /// # Errors
    /// 503 if responses that wait for clients have used up the memory limit.
    pub(crate) fn plain(limits: &Limits, text: Vec<u8>) -> Result<Arc<Self>, Problem> {
        let memory = limits.reserve(text.len())?;
        let bytes = text.into_boxed_slice().into();
        Ok(Arc::new(Self { bytes, encoding: ContentEncoding::Identity, _memory: memory }))
    }

    /// Returns a compressed copy of an uncompressed response.
    ///
    /// # Errors
    /// 503 if responses that wait for clients have used up the memory limit.
    pub(crate) async fn compressed(&self, limits: &Limits, encoding: ContentEncoding) -> Result<Arc<Self>, Problem> {
        compressed(self.bytes.clone(), encoding, limits.reserve(self.bytes.len())?).await
    }

    /// Whether the body is so short that its compression is left to [`compress`](super::encoding::compress).
    pub(crate) fn is_short(&self) -> bool {
        self.bytes.len() <= SLICE
    }

    /// Responds with this body.
    ///
    /// # Errors
    /// 503 if too many bytes already wait for clients at this address.
    pub(crate) fn respond(
        self: Arc<Self>,
        response: &mut HttpResponseBuilder,
        client: Client<'_>,
    ) -> Result<HttpResponse, Problem> {
        if self.is_short() && self.encoding == ContentEncoding::Identity {
            return Ok(response.body(self.bytes.clone()));
        }
        let permit = client.limits.reserve_for(client.address, self.bytes.len())?;
        if self.encoding != ContentEncoding::Identity {
            response.insert_header((CONTENT_ENCODING, self.encoding.as_str())).append_header((VARY, "accept-encoding"));
        }
        Ok(response.body(SlicedBody::new(self.bytes.clone(), (self, permit))))
    }
}

/// Compresses a text, not on the threads that serve connections, and keeps only as much of the reserved memory as the
/// result needs.
async fn compressed(
    text: Bytes,
    encoding: ContentEncoding,
    mut memory: OwnedSemaphorePermit,
) -> Result<Arc<BufferedResponse>, Problem> {
    let compressing = tokio::task::spawn_blocking(move || compress(&text, encoding));
    let bytes: Bytes = compressing.await.map_err(Problem::unavailable)?.map_err(Problem::unavailable)?.into();
    let saved = memory.num_permits().saturating_sub(Limits::units(bytes.len()));
    drop(memory.split(saved));
    Ok(Arc::new(BufferedResponse { bytes, encoding, _memory: memory }))
}

fn compress(text: &[u8], encoding: ContentEncoding) -> io::Result<Vec<u8>> {
    /// The default level of zstd.
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
    async fn only_long_bodies_are_compressed() {
        let (limits, text) = (limits(), b"0123456789abcdef".repeat(SLICE));
        let check = async |accepted: &str, encoding: ContentEncoding| {
            let request = TestRequest::default().insert_header(("accept-encoding", accepted)).to_http_request();
            assert_eq!(BufferedResponse::encoding_for(&request), encoding, "{accepted}");
            let short = BufferedResponse::encode(&limits, b"short".to_vec(), encoding).await.unwrap();
            assert_eq!((&short.bytes[..], short.encoding), (&b"short"[..], ContentEncoding::Identity));
            let response = BufferedResponse::encode(&limits, text.clone(), encoding).await.unwrap();
            let mut decoded = Vec::new();
            match response.encoding {
                ContentEncoding::Gzip => GzDecoder::new(&response.bytes[..]).read_to_end(&mut decoded).unwrap(),
                ContentEncoding::Deflate => ZlibDecoder::new(&response.bytes[..]).read_to_end(&mut decoded).unwrap(),
                ContentEncoding::Zstd => {
                    decoded = zstd::decode_all(&response.bytes[..]).unwrap();
                    0
                }
                _ => (&response.bytes[..]).read_to_end(&mut decoded).unwrap(),
            };
            assert!(decoded == text, "{accepted}");
            assert!(encoding == ContentEncoding::Identity || response.bytes.len() < text.len() / 10);
        };
        check("", ContentEncoding::Identity).await;
        check("br", ContentEncoding::Identity).await;
        check("gzip", ContentEncoding::Gzip).await;
        check("deflate", ContentEncoding::Deflate).await;
        check("gzip;q=0.5, zstd", ContentEncoding::Zstd).await;
    }

    #[tokio::test]
    async fn buffered_bytes_are_bounded_in_total_and_per_address() {
        const LONG: usize = 16 << 20;
        let limits = limits();
        let encode = async || BufferedResponse::encode(&limits, vec![b'x'; LONG], ContentEncoding::Identity).await;
        let address = |last: u8| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)).into();
        let respond = |response: &Arc<BufferedResponse>, last: u8| {
            let client = Client { limits: &limits, address: address(last) };
            response.clone().respond(&mut HttpResponse::Ok(), client)
        };
        let shared = encode().await.unwrap();
        let for_one_address: Vec<_> = (0..20).map_while(|_| respond(&shared, 1).ok()).collect();
        assert_eq!(for_one_address.len(), Limits::MAX_BUFFERED_BYTES_PER_ADDRESS / LONG);
        let mut all = vec![encode().await.unwrap()];
        while let Ok(response) = encode().await {
            all.push(response);
        }
        assert_eq!(all.len() + 1, Limits::MAX_BUFFERED_BYTES / LONG);
        assert!(respond(&shared, 2).is_ok(), "another address cannot get an existing response");
        assert!(respond(&shared, 1).is_err());
        drop((for_one_address, all));
        assert!(respond(&shared, 1).is_ok() && encode().await.is_ok());
    }
}
