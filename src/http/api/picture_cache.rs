//! Caches the encoded live picture, so that it is rendered and compressed only once for all clients.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::header::ContentEncoding;
use actors::messages::Version;

use crate::http::reply::buffered_response::BufferedResponse;
use crate::http::reply::limits::Limits;
use crate::http::reply::problem::Problem;

/// An encoded live picture.
#[derive(Clone)]
pub(crate) struct EncodedPicture {
    pub(crate) key: PictureKey,
    pub(crate) version: Version,
    pub(crate) response: Arc<BufferedResponse>,
}

/// The format and the content encoding of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PictureKey {
    pub(crate) format: &'static str,
    pub(crate) encoding: ContentEncoding,
}

impl EncodedPicture {
    pub(crate) async fn encode(
        limits: &Limits,
        key: PictureKey,
        version: Version,
        text: Vec<u8>,
    ) -> Result<Self, Problem> {
        let response = BufferedResponse::encode(limits, text, key.encoding).await?;
        Ok(Self { key, version, response })
    }

    fn is_at_least(&self, version: Version) -> bool {
        self.version.epoch == version.epoch && self.version.sequence >= version.sequence
    }
}

/// The newest picture in each format and content encoding.
#[derive(Default)]
pub(crate) struct PictureCache {
    newest: Mutex<Vec<EncodedPicture>>,
    /// Held while a picture is encoded, so that concurrent requests wait for it.
    encoding: tokio::sync::Mutex<()>,
}

impl PictureCache {
    pub(crate) fn get(&self, key: PictureKey) -> Option<EncodedPicture> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.iter().find(|picture| picture.key == key).cloned()
    }

    /// Returns the picture of this version or a newer one. Renders and encodes it unless another request has done so.
    pub(crate) async fn get_or_encode(
        &self,
        limits: &Limits,
        key: PictureKey,
        version: Version,
        render: impl FnOnce() -> Result<Vec<u8>, Problem>,
    ) -> Result<EncodedPicture, Problem> {
        let _encoding = self.encoding.lock().await;
        if let Some(picture) = self.get(key).filter(|picture| picture.is_at_least(version)) {
            return Ok(picture);
        }
        let picture = EncodedPicture::encode(limits, key, version, render()?).await?;
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.retain(|other| other.key != key);
        newest.push(picture.clone());
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus_client::registry::Registry;

    use super::*;

    #[tokio::test]
    async fn a_picture_is_encoded_once_for_all_clients() {
        let limits = Limits::register(&mut Registry::default(), Duration::from_secs(30));
        let cache = PictureCache::default();
        let get = async |format, encoding, sequence| {
            let (key, version) = (PictureKey { format, encoding }, Version { epoch: 1, sequence });
            cache.get_or_encode(&limits, key, version, || Ok(Vec::new())).await.unwrap()
        };
        let (gzip, zstd) = (ContentEncoding::Gzip, ContentEncoding::Zstd);
        let first = get("json", gzip, 7).await;
        assert!(Arc::ptr_eq(&first.response, &get("json", gzip, 7).await.response));
        assert!(Arc::ptr_eq(&first.response, &get("json", gzip, 6).await.response), "a newer one is good enough");
        assert!(!Arc::ptr_eq(&first.response, &get("json", zstd, 7).await.response));
        assert!(!Arc::ptr_eq(&first.response, &get("geojson", gzip, 7).await.response));
        let next = get("json", gzip, 8).await;
        assert!(!Arc::ptr_eq(&first.response, &next.response));
        let cached = cache.get(PictureKey { format: "json", encoding: gzip }).unwrap();
        assert!(Arc::ptr_eq(&next.response, &cached.response));
        assert_eq!(cache.newest.lock().unwrap().len(), 3);
    }
}
