use std::time::{Duration, SystemTime};

use actors::domain::BoundingBox;
use actors::ports::{Fetched, SourceError, StateSource};
use awc::http::StatusCode;
use awc::http::header::AUTHORIZATION;
use rustls::pki_types::CertificateDer;

use super::credentials::Credentials;
use super::endpoint::Endpoint;
use super::exchange::{Answer, Exchange, with_context};
use super::quote::Secrets;
use super::token::{Token, TokenSource};
use super::{rate_limit, wire};
use crate::proxy::Proxies;

/// What an [`OpenSkyClient`] is made from; unlike the client it may travel between threads.
#[derive(Clone, Debug)]
pub struct OpenSkyOptions {
    /// The root of the REST API.
    pub base_url: Endpoint,
    /// The OAuth2 token endpoint; of use only with credentials.
    pub auth_url: Endpoint,
    /// Who asks; `None` is anonymous.
    pub credentials: Option<Credentials>,
    /// Which aircraft are asked for; `None` is the world. OpenSky knows no box over the antimeridian.
    pub bounding_box: Option<BoundingBox>,
    /// The longest time for one request, its answer's last byte included.
    pub request_timeout: Duration,
    /// Whether to ask for the category of the aircraft too.
    pub extended: bool,
    /// The proxies for requests.
    pub proxies: Proxies,
    /// Authorities that are trusted besides the public ones.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// Asks the OpenSky Network, or a stand-in, for the present states. It lives on the thread that made it.
pub struct OpenSkyClient {
    exchange: Exchange,
    longest_fetch: Duration,
    states: Endpoint,
    url: String,
    crosses_antimeridian: bool,
    tokens: Option<TokenSource>,
}

/// Bytes of an answer, decompressed; the world has about 1.5 MB.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

impl OpenSkyClient {
    /// The most that one poll makes: a token and the states, and both again when the token is not taken.
    const REQUESTS: u32 = 4;

    /// A client that has not connected yet. Call it on the thread where it is to be used.
    pub fn new(options: OpenSkyOptions) -> Self {
        let states = options.base_url.join("states/all");
        if options.credentials.is_some() && (options.auth_url.is_exposed() || states.is_exposed()) {
            log::warn!("the OpenSky credentials travel unencrypted: {} and {states}", options.auth_url);
        }
        Self {
            exchange: Exchange::new(options.request_timeout, options.proxies, options.authorities),
            longest_fetch: Self::REQUESTS * options.request_timeout,
            url: states_url(&states, options.bounding_box, options.extended),
            states,
            crosses_antimeridian: options.bounding_box.is_some_and(|it| it.crosses_antimeridian()),
            tokens: options.credentials.map(|credentials| TokenSource::new(options.auth_url, credentials)),
        }
    }

    async fn fetch_with_account(&self, tokens: &TokenSource) -> Result<Fetched, SourceError> {
        let mut token = tokens.get(&self.exchange).await?;
        let mut answer = self.ask(Some(&token)).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            // It expired early, or was revoked: a fresh one decides whether the account is welcome.
            tokens.forget();
            token = tokens.get(&self.exchange).await?;
            answer = self.ask(Some(&token)).await?;
            if answer.status == StatusCode::UNAUTHORIZED {
                tokens.forget();
            }
        }
        let mut secrets = tokens.secrets();
        secrets.add(token.as_str());
        self.judge(&answer, &secrets)
    }

    async fn ask(&self, token: Option<&Token>) -> Result<Answer, SourceError> {
        let mut request = self.exchange.get(&self.url);
        if let Some(token) = token {
            request = request.insert_header((AUTHORIZATION, token.to_header()?));
        }
        self.exchange
            .send(&self.states, request.send(), LONGEST_ANSWER)
            .await
            .map_err(|error| with_context(error, &self.states))
    }

    fn judge(&self, answer: &Answer, secrets: &Secrets) -> Result<Fetched, SourceError> {
        judge(answer, secrets).map_err(|error| with_context(error, &self.states))
    }
}

impl StateSource for OpenSkyClient {
    async fn fetch(&self) -> Result<Fetched, SourceError> {
        if self.crosses_antimeridian {
            return Err(SourceError::Refused("OpenSky knows no bounding box over the antimeridian".to_owned()));
        }
        match &self.tokens {
            Some(tokens) => self.fetch_with_account(tokens).await,
            None => self.judge(&self.ask(None).await?, &Secrets::default()),
        }
    }

    fn longest_fetch(&self) -> Duration {
        self.longest_fetch
    }
}

fn states_url(states: &Endpoint, bounding_box: Option<BoundingBox>, extended: bool) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if extended {
        query.append_pair("extended", "1");
    }
    if let Some(bounding_box) = bounding_box {
        for (name, edge) in ["lamin", "lomin", "lamax", "lomax"].into_iter().zip(bounding_box.edges()) {
            query.append_pair(name, &edge.to_string());
        }
    }
    match query.finish() {
        query if query.is_empty() => states.to_string(),
        query => format!("{states}?{query}"),
    }
}

/// What an answer of `/states/all` means: the states, or who can act.
fn judge(answer: &Answer, secrets: &Secrets) -> Result<Fetched, SourceError> {
    let described = || answer.describe(secrets);
    match answer.status {
        StatusCode::OK => {
            let snapshot = wire::parse_states(&answer.body).map_err(|error| {
                let what = secrets.quote(error.to_string().as_bytes());
                SourceError::Malformed(format!("{what}, in {}", quoted_or_empty(secrets, &answer.body)))
            })?;
            Ok(Fetched { snapshot, credits_left: rate_limit::credits_left(&answer.headers) })
        }
        StatusCode::TOO_MANY_REQUESTS => {
            Err(SourceError::RateLimited { retry_after: rate_limit::retry_after(&answer.headers, SystemTime::now()) })
        }
        StatusCode::REQUEST_TIMEOUT => Err(SourceError::Unavailable(described())),
        status if status.is_server_error() => Err(SourceError::Unavailable(described())),
        // 3xx and 404 speak of a wrong address, 401 and 403 of the account: all are the operator's.
        status if status.is_client_error() || status.is_redirection() => Err(SourceError::Refused(described())),
        _ => Err(SourceError::Malformed(described())),
    }
}

fn quoted_or_empty(secrets: &Secrets, body: &[u8]) -> String {
    match secrets.quote(body) {
        quote if quote.is_empty() => "an empty answer".to_owned(),
        quote => format!("an answer that begins {quote}"),
    }
}
