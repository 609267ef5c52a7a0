use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use actors::domain::BoundingBox;
use actors::ports::{Cadence, Fetched, SourceError, StateSource};
use awc::http::StatusCode;
use awc::http::header::AUTHORIZATION;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::credentials::Credentials;
use super::credits::{Account, CreditBudget, PollPlan, price};
use super::token::{Token, TokenSource};
use super::{rate_limit, wire};
use crate::sources::PollInterval;
use crate::sources::http::{Endpoint, HttpClient, HttpResponse, Network, Secrets, with_context};

/// The settings of an [`OpenSkyClient`]. Unlike the client, they are `Send`.
#[derive(Clone, Debug)]
pub struct OpenSkyOptions {
    /// The base URL of the REST API.
    pub base_url: Endpoint,
    /// The states to request.
    pub feed: Feed,
    /// The OAuth2 token endpoint. Only used with credentials.
    pub auth_url: Endpoint,
    /// The account's credentials; `None` for anonymous access.
    pub credentials: Option<Credentials>,
    /// The area to poll; `None` for the whole world. OpenSky does not support boxes that cross the antimeridian.
    pub bounding_box: Option<BoundingBox>,
    /// How often to poll.
    pub poll_interval: PollInterval,
    /// The timeout of a single request, including the last byte of the response.
    pub request_timeout: Duration,
    /// Whether to request the aircraft category.
    pub extended: bool,
    /// The proxies and certificate authorities for requests.
    pub network: Network,
}

/// The states that a client requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Feed {
    /// Those of all receivers: `/states/all`, for credits.
    #[default]
    All,
    /// Those of the account's own receivers: `/states/own`, without credits.
    Own,
}

impl OpenSkyOptions {
    pub(super) fn account(&self) -> Account {
        if self.credentials.is_some() { Account::Registered } else { Account::Anonymous }
    }

    /// Returns the plan for polling with this kind of account.
    pub(super) fn plan(&self, account: Account) -> PollPlan {
        let cost = match self.feed {
            Feed::All => price(self.bounding_box),
            Feed::Own => 0,
        };
        PollPlan { interval: self.poll_interval, cost, account }
    }
}

/// Polls the OpenSky Network, or a server with the same API. The client stays on the thread that created it.
pub struct OpenSkyClient {
    http: HttpClient,
    max_fetch_time: Duration,
    states: Endpoint,
    url: String,
    crosses_antimeridian: bool,
    tokens: Option<TokenSource>,
    budget: RefCell<CreditBudget>,
}

/// The maximum size of a decompressed response in bytes. A response for the whole world takes about 1.5 MB.
const MAX_RESPONSE: usize = 64 * 1024 * 1024;

impl OpenSkyClient {
    /// The maximum number of requests per poll: for the token and the states, and both again if the token is rejected.
    const MAX_REQUESTS: u32 = 4;

    /// Creates a client, which connects with the first poll.
    pub fn new(options: OpenSkyOptions) -> Self {
        let states = options.base_url.join(match options.feed {
            Feed::All => "states/all",
            Feed::Own => "states/own",
        });
        if options.credentials.is_some() && (options.auth_url.is_exposed() || states.is_exposed()) {
            log::warn!("the OpenSky credentials are sent unencrypted to {} and {states}", options.auth_url);
        }
        Self {
            budget: RefCell::new(CreditBudget::new(options.plan(options.account()))),
            http: HttpClient::new(options.request_timeout, options.network),
            max_fetch_time: Self::MAX_REQUESTS * options.request_timeout,
            url: states_url(&states, options.bounding_box, options.extended),
            states,
            crosses_antimeridian: options.bounding_box.is_some_and(|it| it.crosses_antimeridian()),
            tokens: options.credentials.map(|credentials| TokenSource::new(options.auth_url, credentials)),
        }
    }

    async fn fetch_with_account(&self, tokens: &TokenSource) -> Result<Fetched, SourceError> {
        let mut token = tokens.get(&self.http).await?;
        let mut response = self.request(Some(&token)).await?;
        if response.status == StatusCode::UNAUTHORIZED {
            // The token expired early or was revoked. A new one shows whether the account is still accepted.
            tokens.forget();
            token = tokens.get(&self.http).await?;
            response = self.request(Some(&token)).await?;
            if response.status == StatusCode::UNAUTHORIZED {
                tokens.forget();
            }
        }
        let mut secrets = tokens.secrets();
        secrets.add(token.as_str());
        self.read(&response, &secrets)
    }

    async fn request(&self, token: Option<&Token>) -> Result<HttpResponse, SourceError> {
        let mut request = self.http.get(&self.url);
        if let Some(token) = token {
            request = request.insert_header((AUTHORIZATION, token.to_header()?));
        }
        self.http
            .send(&self.states, request.send(), MAX_RESPONSE)
            .await
            .map_err(|error| with_context(error, &self.states))
    }

    fn read(&self, response: &HttpResponse, secrets: &Secrets) -> Result<Fetched, SourceError> {
        read(response, secrets).map_err(|error| with_context(error, &self.states))
    }
}

impl StateSource for OpenSkyClient {
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, SourceError>> {
        async {
            if self.crosses_antimeridian {
                return Err(SourceError::Refused(
                    "OpenSky does not support bounding boxes that cross the antimeridian".to_owned(),
                ));
            }
            let fetched = match &self.tokens {
                Some(tokens) => self.fetch_with_account(tokens).await?,
                None => self.read(&self.request(None).await?, &Secrets::default())?,
            };
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            self.budget.borrow_mut().note(now, fetched.credits_left);
            Ok(fetched)
        }
        .boxed_local()
    }

    fn max_fetch_time(&self) -> Duration {
        self.max_fetch_time
    }

    fn cadence(&self) -> Cadence {
        self.budget.borrow().cadence()
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

/// Checks and parses a response of `/states/all`.
fn read(response: &HttpResponse, secrets: &Secrets) -> Result<Fetched, SourceError> {
    response.check_status(secrets, rate_limit::retry_after(&response.headers, SystemTime::now()))?;
    let snapshot =
        wire::parse_states(&response.body).map_err(|error| response.malformed(secrets, &error.to_string()))?;
    Ok(Fetched { snapshot, credits_left: rate_limit::credits_left(&response.headers), ..Fetched::default() })
}
