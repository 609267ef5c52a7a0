//! Caches the live picture, its renderings and their compressed forms, each of which one request creates for all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use actix::Recipient;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ContentEncoding, ETAG, EntityTag, VARY};
use actix_web::{HttpRequest, HttpResponse};
use actors::messages::{GetPicture, Scope, Version, View};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use super::newest::{Dated, Newest};
use crate::http::reply::buffered_response::BufferedResponse;
use crate::http::reply::entity_tag::is_known;
use crate::http::reply::limits::{Client, Limits};
use crate::http::reply::problem::Problem;

/// A format of the whole live picture.
#[derive(Clone, Copy)]
pub(crate) struct PictureFormat {
    /// Unique among all endpoints: the key in the cache, a part of the entity tag, and a label of the metrics.
    pub(crate) name: &'static str,
    pub(crate) media_type: &'static str,
    /// How long a rendering is used while the picture does not change; `None` if it only depends on the picture.
    pub(crate) lifetime: Option<Duration>,
}

/// The newest live picture, with its renderings. Clones share them.
#[derive(Clone)]
pub struct PictureCache {
    hub: Recipient<GetPicture>,
    views: Arc<Newest<Arc<View>>>,
    formats: Arc<Mutex<HashMap<&'static str, Arc<Renderings>>>>,
    metrics: PictureMetrics,
}

/// The newest picture in one format.
struct Renderings {
    format: PictureFormat,
    plain: Newest<Arc<Rendering>>,
    gzip: Newest<Arc<Rendering>>,
    deflate: Newest<Arc<Rendering>>,
    zstd: Newest<Arc<Rendering>>,
}

/// A picture in a format and a content encoding.
struct Rendering {
    version: Version,
    rendered_at: Instant,
    tag: EntityTag,
    response: Arc<BufferedResponse>,
}

#[derive(Clone, Default)]
struct PictureMetrics {
    renderings: Family<RenderingLabels, Counter>,
    compressions: Family<CompressionLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RenderingLabels {
    format: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CompressionLabels {
    format: &'static str,
    encoding: &'static str,
}

/// The names of all formats.
const FORMATS: [&str; 6] = ["json", "geojson", "opensky", "opensky-extended", "readsb", "readsb-v2"];

impl PictureMetrics {
    /// Returns the counters of every format at 0, so that their first increase is visible.
    fn at_zero() -> Self {
        let metrics = Self::default();
        for format in FORMATS {
            drop(metrics.renderings.get_or_create(&RenderingLabels { format }));
            for encoding in ["gzip", "deflate", "zstd"] {
                drop(metrics.compressions.get_or_create(&CompressionLabels { format, encoding }));
            }
        }
        metrics
    }
}

impl Renderings {
    fn new(format: PictureFormat) -> Self {
        let (plain, gzip, deflate, zstd) = Default::default();
        Self { format, plain, gzip, deflate, zstd }
    }
}

impl PictureCache {
    /// How long a request waits for the hub and for the rendering.
    const TIMEOUT: Duration = Duration::from_secs(5);

    /// Creates an empty cache of the hub's picture, and registers its metrics.
    pub fn register(hub: Recipient<GetPicture>, registry: &mut Registry) -> Self {
        let metrics = PictureMetrics::at_zero();
        registry.register(
            "picture_renderings",
            "Renderings of the whole live picture, each for all clients, by format",
            metrics.renderings.clone(),
        );
        registry.register(
            "picture_compressions",
            "Compressions of the whole live picture, each for all clients, by format and content encoding",
            metrics.compressions.clone(),
        );
        Self { hub, views: Arc::default(), formats: Arc::default(), metrics }
    }

    /// Returns the live picture, as it was at most [`MAX_STALENESS`](super::newest::MAX_STALENESS) ago.
    ///
    /// # Errors
    /// 503 if the hub does not reply in time.
    pub(crate) async fn view(&self) -> Result<Arc<View>, Problem> {
        Ok(within(Self::TIMEOUT, self.newest_view()).await?.value)
    }

    /// Responds with the whole picture in a format, as it was at most
    /// [`MAX_STALENESS`](super::newest::MAX_STALENESS) ago, or with 304 if `If-None-Match` contains its entity tag.
    /// `render` is called once for each version of the picture, not on a thread that serves connections.
    ///
    /// # Errors
    /// 503 if the hub does not reply in time, or if responses that wait for clients have used up the memory limit.
    pub(crate) async fn respond(
        &self,
        request: &HttpRequest,
        client: Client<'_>,
        format: PictureFormat,
        render: impl FnOnce(&View) -> Result<Vec<u8>, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let renderings = self.renderings_in(format);
        let rendering = within(Self::TIMEOUT, async {
            let plain = self.plain(&renderings, client.limits, render).await?;
            if is_known(request, &plain.value.tag) {
                return Ok(plain.value);
            }
            self.compressed(&renderings, client.limits, BufferedResponse::encoding_for(request), plain).await
        });
        let rendering = rendering.await?;
        let known = is_known(request, &rendering.tag);
        let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response
            .insert_header((ETAG, rendering.tag.to_string()))
            .insert_header((CACHE_CONTROL, "no-cache"))
            .insert_header((VARY, "Accept"));
        if known {
            return Ok(response.finish());
        }
        response.insert_header((CONTENT_TYPE, format.media_type));
        rendering.response.clone().respond(&mut response, client)
    }

    fn renderings_in(&self, format: PictureFormat) -> Arc<Renderings> {
        let mut formats = self.formats.lock().unwrap_or_else(PoisonError::into_inner);
        formats.entry(format.name).or_insert_with(|| Arc::new(Renderings::new(format))).clone()
    }

    async fn newest_view(&self) -> Result<Dated<Arc<View>>, Problem> {
        let refresh = async |known: Option<Dated<Arc<View>>>| {
            let current_at = Instant::now();
            let version = known.as_ref().map(|known| known.value.version);
            let looked = self.hub.send(GetPicture { scope: Scope::default(), known: version }).await;
            let view = looked.map_err(|_| restarting())?;
            let value = match known {
                Some(known) if view.states.is_none() => known.value,
                _ => Arc::new(view),
            };
            Ok(Dated { value, current_at })
        };
        self.views.get(refresh).await
    }

    async fn plain(
        &self,
        renderings: &Renderings,
        limits: &Limits,
        render: impl FnOnce(&View) -> Result<Vec<u8>, Problem> + Send + 'static,
    ) -> Result<Dated<Arc<Rendering>>, Problem> {
        let format = renderings.format;
        let refresh = async |known: Option<Dated<Arc<Rendering>>>| {
            let Dated { value: view, current_at } = self.newest_view().await?;
            let is_valid = |known: &Rendering| {
                known.version == view.version
                    && format.lifetime.is_none_or(|lifetime| known.rendered_at.elapsed() < lifetime)
            };
            if let Some(Dated { value, .. }) = known.filter(|known| is_valid(&known.value)) {
                return Ok(Dated { value, current_at });
            }
            let (version, rendered_at) = (view.version, Instant::now());
            let tag = match format.lifetime {
                None => entity_tag(version, format.name),
                Some(_) => entity_tag(version, &format!("{}-{:x}", format.name, unix_millis())),
            };
            let rendering = tokio::task::spawn_blocking(move || render(&view));
            let text = rendering.await.map_err(Problem::unavailable)??;
            self.metrics.renderings.get_or_create(&RenderingLabels { format: format.name }).inc();
            let response = BufferedResponse::plain(limits, text)?;
            Ok(Dated { value: Arc::new(Rendering { version, rendered_at, tag, response }), current_at })
        };
        renderings.plain.get(refresh).await
    }

    async fn compressed(
        &self,
        renderings: &Renderings,
        limits: &Limits,
        encoding: ContentEncoding,
        plain: Dated<Arc<Rendering>>,
    ) -> Result<Arc<Rendering>, Problem> {
        let compressed = match encoding {
            ContentEncoding::Gzip => &renderings.gzip,
            ContentEncoding::Deflate => &renderings.deflate,
            ContentEncoding::Zstd => &renderings.zstd,
            _ => return Ok(plain.value),
        };
        if plain.value.response.is_short() {
            return Ok(plain.value);
        }
        let refresh = async |known: Option<Dated<Arc<Rendering>>>| {
            let Dated { value: plain, current_at } = plain;
            if let Some(Dated { value, .. }) = known.filter(|known| known.value.tag == plain.tag) {
                return Ok(Dated { value, current_at });
            }
            let response = plain.response.compressed(limits, encoding).await?;
            let labels = CompressionLabels { format: renderings.format.name, encoding: encoding.as_str() };
            self.metrics.compressions.get_or_create(&labels).inc();
            let (version, rendered_at, tag) = (plain.version, plain.rendered_at, plain.tag.clone());
            Ok(Dated { value: Arc::new(Rendering { version, rendered_at, tag, response }), current_at })
        };
        Ok(compressed.get(refresh).await?.value)
    }
}

/// Returns the entity tag of a picture version. It is a weak one, because it is the same for each content encoding.
pub(crate) fn entity_tag(Version { epoch, sequence }: Version, format: &str) -> EntityTag {
    EntityTag::new_weak(format!("{epoch:08x}-{sequence}-{format}"))
}

fn restarting() -> Problem {
    Problem::unavailable("the live picture is restarting")
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(restarting()))
}

fn unix_millis() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use ::actors::domain::{AddressBlock, StateVector, UnixTime};
    use actix::prelude::*;
    use actix_web::body::MessageBody;
    use actix_web::test::TestRequest;
    use futures_util::future::join_all;

    use super::*;

    const FORMAT: PictureFormat = PictureFormat { name: "test", media_type: "text/plain", lifetime: None };

    /// Counts the requests for the picture, and those that it answers with states.
    #[derive(Clone, Default)]
    struct Hub {
        sequence: Arc<AtomicU64>,
        requests: Arc<AtomicU64>,
        views: Arc<AtomicU64>,
    }

    impl Actor for Hub {
        type Context = Context<Self>;
    }

    impl Handler<GetPicture> for Hub {
        type Result = View;

        fn handle(&mut self, GetPicture { known, .. }: GetPicture, _: &mut Self::Context) -> View {
            let version = Version { epoch: 1, sequence: self.sequence.load(Ordering::Relaxed) };
            self.requests.fetch_add(1, Ordering::Relaxed);
            let state = StateVector::new("4b1814".parse().unwrap(), UnixTime(1));
            let states = (known != Some(version)).then(|| vec![Arc::new(state)]);
            self.views.fetch_add(states.iter().len() as u64, Ordering::Relaxed);
            View { version, states, ..View::default() }
        }
    }

    struct Tested {
        hub: Hub,
        cache: PictureCache,
        limits: Limits,
        renderings: Arc<AtomicU64>,
    }

    impl Tested {
        fn start() -> Self {
            let hub = Hub::default();
            let limits = Limits::register(&mut Registry::default(), Duration::from_secs(30));
            let cache = PictureCache::register(hub.clone().start().recipient(), &mut Registry::default());
            Self { hub, cache, limits, renderings: Arc::default() }
        }

        /// Changes the picture and waits until no request is served the previous one.
        async fn change(&self) {
            self.hub.sequence.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(super::super::newest::MAX_STALENESS).await;
        }

        async fn get(&self, format: PictureFormat, headers: &[(&str, &str)]) -> HttpResponse {
            let request = headers.iter().fold(TestRequest::default(), |request, header| request.insert_header(*header));
            let address = AddressBlock::from(std::net::IpAddr::from([127, 0, 0, 1]));
            let (client, renderings) = (Client { limits: &self.limits, address }, self.renderings.clone());
            let render = move |view: &View| {
                renderings.fetch_add(1, Ordering::Relaxed);
                Ok(format!("{} {:?}", view.version.sequence, view.states).repeat(1000).into_bytes())
            };
            self.cache.respond(&request.to_http_request(), client, format, render).await.unwrap()
        }

        /// Returns the number of requests to the hub, views with states, renderings and compressions so far.
        fn counts(&self) -> [u64; 4] {
            let compressions = [("gzip"), ("zstd")].map(|encoding| {
                let labels = CompressionLabels { format: FORMAT.name, encoding };
                self.cache.metrics.compressions.get_or_create(&labels).get()
            });
            let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            let hub = &self.hub;
            [count(&hub.requests), count(&hub.views), count(&self.renderings), compressions.iter().sum()]
        }
    }

    #[actix_rt::test]
    async fn a_change_is_fetched_rendered_and_compressed_once_for_a_thousand_requests() {
        let tested = Tested::start();
        for change in 1..=3 {
            tested.change().await;
            let encodings = ["gzip", "zstd", "identity"];
            let requests = (0..1000).map(async |number| {
                let response = tested.get(FORMAT, &[("accept-encoding", encodings[number % 3])]).await;
                (number, response.headers().get(ETAG).unwrap().to_str().unwrap().to_owned())
            });
            for (number, tag) in join_all(requests).await {
                assert_eq!(tag, format!("W/\"00000001-{change}-test\""), "{number}");
            }
            let [requests, views, renderings, compressions] = tested.counts();
            assert_eq!((views, renderings, compressions), (change, change, 2 * change));
            // The requests take real time, and the picture is requested again every few tens of milliseconds.
            assert!(requests <= 100 * change, "{requests}");
        }
    }

    #[actix_rt::test]
    async fn an_unchanged_picture_is_rendered_again_only_after_the_lifetime_of_the_format() {
        let tested = Tested::start();
        let passing = PictureFormat { lifetime: Some(Duration::from_millis(150)), ..FORMAT };
        let first = tested.get(passing, &[]).await;
        tested.change().await;
        let second = tested.get(passing, &[]).await;
        assert_ne!(first.headers().get(ETAG), second.headers().get(ETAG));
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert_eq!(tested.get(passing, &[]).await.headers().get(ETAG), second.headers().get(ETAG));
        assert_eq!(tested.counts()[2], 2);
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_ne!(tested.get(passing, &[]).await.headers().get(ETAG), second.headers().get(ETAG));
        assert_eq!(tested.counts()[1..3], [2, 3]);
    }

    #[actix_rt::test]
    async fn a_known_tag_gets_304_without_compression() {
        let tested = Tested::start();
        let tag = tested.get(FORMAT, &[]).await.headers().get(ETAG).unwrap().to_str().unwrap().to_owned();
        let check = async |known: &str, status: u16| {
            let response = tested.get(FORMAT, &[("if-none-match", known), ("accept-encoding", "gzip")]).await;
            let is_empty = response.body().size().is_eof();
            assert_eq!((response.status().as_u16(), is_empty), (status, status == 304), "{known}");
        };
        check(&tag, 304).await;
        check("*", 304).await;
        check(&format!("\"other\", {tag}"), 304).await;
        assert_eq!(tested.counts()[3], 0);
        check("\"other\"", 200).await;
        tested.change().await;
        check(&tag, 200).await;
    }
}
