//! One call: admitted, sent, answered within bounds, classified, tried again where that is safe.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Url};
use secrecy::SecretString;

use super::classify::{
    advice, changes_something, class_of_denial, classify, leaves_outcome_unknown,
};
use super::limiter::Limiter;
use super::retry::{Failure, Retries, parse_retry_after};
use crate::model::AppName;
use crate::ports::{ApiError, Clock, ErrorClass, Operation};
use crate::transport::body::{BodyError, excerpt, media_type, read_body, words};
use crate::transport::token::{Audience, Token, TokenError};
use crate::transport::{describe, never_arrived, parse_address, redirected, without_credentials};

/// The most bytes of an answer that is no list.
pub(super) const SMALL_ANSWER: usize = 1 << 20;
/// The most bytes of one page of machines: a thousand of them with generous configs.
pub(super) const PAGE_ANSWER: usize = 32 << 20;

/// Is told of each HTTP request, retries included.
pub type CallObserver = Arc<dyn Fn(&CallSeen<'_>) + Send + Sync>;

/// One HTTP request, after it was answered or given up.
#[derive(Debug, Clone, Copy)]
pub struct CallSeen<'a> {
    /// What was asked.
    pub operation: Operation,
    /// About what: an app or a machine.
    pub subject: &'a str,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// How long it took.
    pub duration: Duration,
    /// Fly's `fly-request-id`, if there was one.
    pub request_id: Option<&'a str>,
}

/// Fly over HTTP.
pub struct FlyClient {
    http: Client,
    pub(super) flaps: Url,
    pub(super) api: Url,
    credentials: RwLock<InUse>,
    limiter: Limiter,
    clock: Arc<dyn Clock>,
    observer: Option<CallObserver>,
}

/// The token that is sent, and the one before, which answers that are still to come may repeat.
struct InUse {
    now: Arc<Credentials>,
    before: Option<Arc<Credentials>>,
}

/// A token, and what is sent of it.
struct Credentials {
    token: Token,
    machines: HeaderValue,
    graphql: HeaderValue,
}

impl Credentials {
    fn new(token: &SecretString) -> Result<Self, TokenError> {
        let token = Token::parse(token)?;
        let machines = token.authorization(Audience::Machines)?;
        let graphql = token.authorization(Audience::GraphQl)?;
        Ok(Self { token, machines, graphql })
    }
}

/// Why no client could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlyClientError {
    /// An address cannot be used. Its text is not repeated: it may hold a password.
    #[error("the address of {api} {problem}")]
    Address {
        /// Whose.
        api: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The token cannot be used.
    #[error("the Fly API token cannot be used")]
    Token(#[from] TokenError),
}

impl FlyClient {
    /// A client for the Machines API at `flaps_base_url` and GraphQL at `api_base_url`. A path in
    /// either is kept.
    pub fn new(
        http: Client,
        flaps_base_url: &str,
        api_base_url: &str,
        token: &SecretString,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, FlyClientError> {
        let credentials = InUse { now: Arc::new(Credentials::new(token)?), before: None };
        Ok(Self {
            http,
            flaps: base_url("the Machines API", flaps_base_url)?,
            api: base_url("Fly's GraphQL API", api_base_url)?,
            credentials: RwLock::new(credentials),
            limiter: Limiter::new(Arc::clone(&clock)),
            clock,
            observer: None,
        })
    }

    /// The same client, telling `observer` of each request.
    #[must_use]
    pub fn with_observer(mut self, observer: CallObserver) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Sends `token` from the next request on.
    ///
    /// # Errors
    /// If it cannot be sent. Then the one before stays in use.
    pub fn use_token(&self, token: &SecretString) -> Result<(), TokenError> {
        let now = Arc::new(Credentials::new(token)?);
        let mut used = self.credentials.write().unwrap_or_else(PoisonError::into_inner);
        used.before = Some(std::mem::replace(&mut used.now, now));
        Ok(())
    }

    fn credentials(&self) -> Arc<Credentials> {
        Arc::clone(&self.credentials.read().unwrap_or_else(PoisonError::into_inner).now)
    }

    /// Whether any of the tokens is a macaroon.
    pub(super) fn has_macaroons(&self) -> bool {
        self.credentials().token.has_macaroons()
    }

    /// `text` without anything that looks like a token.
    pub(super) fn redact(&self, text: &str) -> String {
        let used = self.credentials.read().unwrap_or_else(PoisonError::into_inner);
        let text = used.now.token.redact(text);
        match &used.before {
            Some(before) => before.token.redact(&text),
            None => text,
        }
    }

    /// Makes `call` until it succeeds or must not be tried again.
    pub(super) async fn make(&self, call: &Call<'_>) -> Result<Answer, ApiError> {
        let mut retries = Retries::new();
        let mut may_have_arrived = false;
        loop {
            self.limiter.admit(call.operation, call.limited_by).await;
            let begun = self.clock.now();
            let result = self.attempt(call).await;
            if let Some(observer) = &self.observer {
                let (status, request_id) = match &result {
                    Ok(answer) => (Some(answer.status), answer.head.request_id.as_deref()),
                    Err(failed) => (failed.error.status, failed.error.request_id.as_deref()),
                };
                observer(&CallSeen {
                    operation: call.operation,
                    subject: &call.subject,
                    status,
                    duration: self.clock.now().since(begun),
                    request_id,
                });
            }
            let failed = match result {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            may_have_arrived |= failed.error.outcome_unknown;
            match retries.next(call.operation, failed.failure) {
                Some(delay) => {
                    tracing::debug!(error = %failed.error, ?delay, "trying again");
                    self.clock.sleep(delay).await;
                }
                None => {
                    return Err(ApiError { outcome_unknown: may_have_arrived, ..*failed.error });
                }
            }
        }
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Answer, Failed> {
        let credentials = self.credentials();
        let authorization = match call.operation {
            Operation::CurrentRelease => &credentials.graphql,
            _ => &credentials.machines,
        };
        let mut request = self
            .http
            .request(call.method.clone(), call.url.clone())
            .header(AUTHORIZATION, authorization.clone());
        if let Some(nonce) = call.nonce {
            request = request.header("fly-machine-lease-nonce", nonce);
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let response = request.send().await.map_err(|error| self.unanswered(call, None, &error))?;

        let status = response.status().as_u16();
        let head = Head::of(response.headers());
        let media_type = media_type(&response);
        if !(200..300).contains(&status) {
            let retry_after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok());
            let retry_after = retry_after.and_then(|v| parse_retry_after(v, self.clock.now()));
            let redirect = response.status().is_redirection();
            let redirect = redirect.then(|| redirected(response.headers()));
            // What a refusal says is worth having, but the status counts without it too.
            let body = read_body(response, SMALL_ANSWER).await.unwrap_or_default();
            let error = self.refused(call, status, head.request_id, &body, redirect);
            return Err(Failed::new(Failure::Status { status, retry_after }, error));
        }
        match read_body(response, call.body_limit).await {
            Ok(body) => Ok(Answer { status, media_type, head, body }),
            Err(BodyError::Broken(error)) => Err(self.unanswered(call, Some(status), &error)),
            Err(error @ BodyError::TooLarge { .. }) => {
                let message = format!("but {error}");
                let mut error = call.error(ErrorClass::Rejected, Some(status), message);
                error.outcome_unknown = changes_something(call.operation);
                error.request_id = head.request_id;
                Err(Failed::new(Failure::Status { status, retry_after: None }, error))
            }
        }
    }

    /// There was no answer, or only the beginning of one.
    fn unanswered(&self, call: &Call<'_>, status: Option<u16>, cause: &reqwest::Error) -> Failed {
        let not_sent = never_arrived(cause);
        let failure = match (not_sent, cause.is_timeout()) {
            (true, _) => Failure::NotSent,
            (false, true) => Failure::TimedOut,
            (false, false) => Failure::Broken,
        };
        let mut origin = call.url.clone();
        origin.set_path("");
        let what = if status.is_some() { "but the answer broke off" } else { "no answer" };
        let cause = self.redact(&describe(cause));
        let message = format!("{what} from {}: {cause}", without_credentials(&origin));
        let mut error = call.error(ErrorClass::Transient, status, message);
        error.outcome_unknown = !not_sent && changes_something(call.operation);
        Failed::new(failure, error)
    }

    /// The answer says no.
    fn refused(
        &self,
        call: &Call<'_>,
        status: u16,
        request_id: Option<String>,
        body: &[u8],
        redirect: Option<String>,
    ) -> ApiError {
        let said = words(body, &["message", "error"]);
        // Newer answers name the kind of failure beside the text.
        let kind = words(body, &["status"]);
        let class = classify(call.operation, status, &format!("{said} {kind}"));
        let said = excerpt(&self.redact(&redirect.unwrap_or(said)));
        let said = if said.is_empty() { "without a word".to_owned() } else { said };
        let message = said + &advice(call.operation, class, status, call.about);
        let mut error = call.error(class, Some(status), message);
        error.outcome_unknown = leaves_outcome_unknown(call.operation, status);
        error.request_id = request_id;
        error
    }

    /// The answer says yes, but not in a form that can be read.
    pub(super) fn unreadable(&self, call: &Call<'_>, answer: &Answer, why: &str) -> ApiError {
        let is_json = answer.media_type.is_empty() || answer.media_type.ends_with("json");
        let message = if is_json && !answer.body.trim_ascii_start().starts_with(b"<") {
            format!("with an answer that cannot be read: {why}")
        } else {
            let media_type =
                if answer.media_type.is_empty() { "a page" } else { &answer.media_type };
            let said = excerpt(&self.redact(&words(&answer.body, &[])));
            format!("with {media_type}, not JSON: {said}")
        };
        let mut error = call.error(ErrorClass::Rejected, Some(answer.status), message);
        error.request_id.clone_from(&answer.head.request_id);
        error.outcome_unknown = changes_something(call.operation);
        error
    }

    /// The status says yes, the answer itself says no, in the words `said`.
    pub(super) fn denied(&self, call: &Call<'_>, answer: &Answer, said: &str) -> ApiError {
        let class = class_of_denial(call.operation, said);
        let message = format!("but {}", excerpt(&self.redact(said)));
        let mut error = call.error(class, Some(answer.status), message);
        error.request_id.clone_from(&answer.head.request_id);
        error
    }
}

impl fmt::Debug for FlyClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlyClient")
            .field("flaps", &self.flaps.as_str())
            .field("api", &self.api.as_str())
            .finish_non_exhaustive()
    }
}

/// One call as it goes out.
pub(super) struct Call<'a> {
    pub(super) operation: Operation,
    /// Whose machines it is about, for advice.
    pub(super) about: About<'a>,
    /// On what, in errors.
    pub(super) subject: String,
    /// What Fly's rate limit for it is counted by: a machine's id or an app's name.
    pub(super) limited_by: &'a str,
    pub(super) method: Method,
    pub(super) url: Url,
    /// Proof of a lease.
    pub(super) nonce: Option<&'a str>,
    /// JSON.
    pub(super) body: Option<Vec<u8>>,
    /// The most bytes of a good answer.
    pub(super) body_limit: usize,
}

/// Whose machines a call is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum About<'a> {
    /// Those of one app.
    App(&'a AppName),
    /// Those of an organization, by its slug.
    Org(&'a str),
    /// Nobody's: it is about Fly itself.
    Platform,
}

impl<'a> From<&'a AppName> for About<'a> {
    fn from(app: &'a AppName) -> Self {
        Self::App(app)
    }
}

impl Call<'_> {
    /// The error of this call, where the request had no effect.
    pub(super) fn error(
        &self,
        class: ErrorClass,
        status: Option<u16>,
        message: String,
    ) -> ApiError {
        ApiError {
            operation: self.operation,
            subject: self.subject.clone(),
            class,
            status,
            message,
            request_id: None,
            outcome_unknown: false,
        }
    }
}

/// An answer with a status of success, whole.
pub(super) struct Answer {
    pub(super) status: u16,
    media_type: String,
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
}

/// What is read from the head of an answer.
pub(super) struct Head {
    request_id: Option<String>,
    /// Where the next page of a list begins; absent on the last one.
    pub(super) next_cursor: Option<String>,
}

impl Head {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            request_id: text("fly-request-id").map(excerpt),
            next_cursor: text("fly-next-cursor").filter(|c| !c.is_empty()).map(str::to_owned),
        }
    }
}

/// One try that failed: what it means for another try, and what it is to the caller.
struct Failed {
    failure: Failure,
    error: Box<ApiError>,
}

impl Failed {
    fn new(failure: Failure, error: ApiError) -> Self {
        Self { failure, error: Box::new(error) }
    }
}

fn base_url(api: &'static str, text: &str) -> Result<Url, FlyClientError> {
    let refused = |problem| FlyClientError::Address { api, problem };
    let mut url = parse_address(text).map_err(refused)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("must not hold a user or a password: the token is sent in a header"));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}
