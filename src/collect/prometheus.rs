//! Instant queries, and those of a range of time, against Prometheus or VictoriaMetrics, which is what Fly runs.

mod answer;
mod machines;
mod range;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, Url};
use secrecy::SecretString;

use super::MAX_REGIONS;
use super::expand::{expand, names_the_app};
use super::for_all::ForAll;
use crate::model::{AppName, By, MetricName, Region, Sample, SeriesRule, Timestamp};
use crate::ports::{BoxFuture, MetricSource, PastRange, SourceError};
use crate::transport::body::{BodyError, excerpt, media_type, read_body, words};
use crate::transport::token::{Audience, Token, TokenError};
use crate::transport::{describe, join, parse_address, redirected, without_credentials};
use answer::{Point, Series};
use range::Ranges;

pub use machines::MachineLoads;

/// The most bytes of an answer: far more than a thousand regions' values take.
const ANSWER_LIMIT: usize = 8 << 20;
/// The same for an answer that serves many apps: ten thousand of them in thirty regions each.
const FLEET_ANSWER_LIMIT: usize = 64 << 20;
/// The most characters of a region's name.
const MAX_REGION_CHARS: usize = 64;
/// How many distinct warnings are logged in the life of a source.
const MAX_WARNINGS: usize = 100;

const TOKEN_HINT: &str = "; Fly's Prometheus needs an org or read-only token (fly tokens create \
    readonly), not a deploy token";
const NO_TOKEN_HINT: &str = "; no token is set for it: Fly's Prometheus needs an org or read-only \
    token (fly tokens create readonly) in `token` (FAS_PROMETHEUS_TOKEN)";
const ADDRESS_HINT: &str =
    "; is the address right? Fly's is https://api.fly.io/prometheus/ and the org's slug";

/// A query, and where it goes.
pub struct PrometheusSource {
    http: Client,
    metric: MetricName,
    query: String,
    by: By,
    series: SeriesRule,
    url: Url,
    /// For questions about the past.
    range_url: Url,
    /// The address for people, without credentials.
    address: String,
    token: Option<Token>,
    authorization: Option<HeaderValue>,
    /// The last answer, where it serves every app.
    shared: Option<ForAll<Arc<Answered>>>,
    /// The last answers about the past, likewise.
    ranges: Ranges,
    warned: Mutex<BTreeSet<String>>,
}

/// Why no source could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrometheusSourceError {
    /// The address cannot be used. Its text is not repeated: it may hold a password.
    #[error("the Prometheus address {problem}")]
    Address {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The token cannot be used.
    #[error("the Prometheus token cannot be used")]
    Token(#[from] TokenError),
}

/// What to ask, and how to read the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrometheusQuery {
    /// The variable to fill.
    pub metric: MetricName,
    /// The query; `$APP_NAME` stands for the app.
    pub query: String,
    /// Which labels tell values apart.
    pub by: By,
    /// What more than one series means.
    pub series: SeriesRule,
}

impl PrometheusSource {
    /// A source that asks `query` of the server at `address`, to which `/api/v1/query` is added. A
    /// user and password in the address are sent unless there is a token; a query string in it
    /// (`?nocache=1`) is kept.
    pub fn new(
        http: Client,
        address: &str,
        token: Option<&SecretString>,
        query: PrometheusQuery,
    ) -> Result<Self, PrometheusSourceError> {
        let refused = |problem| PrometheusSourceError::Address { problem };
        let mut base = parse_address(address).map_err(refused)?;
        base.set_fragment(None);
        let token = token.map(Token::parse).transpose()?;
        let authorization =
            token.as_ref().map(|token| token.authorization(Audience::Prometheus)).transpose()?;
        let shown = without_credentials(&base);
        if authorization.is_some() {
            // Otherwise reqwest would send both, and which one counts is up to the server.
            base.set_username("")
                .and_then(|()| base.set_password(None))
                .map_err(|()| refused("names no host"))?;
        }
        let url = join(&base, &["api", "v1", "query"]).ok_or(refused("names no host"))?;
        let range_url =
            join(&base, &["api", "v1", "query_range"]).ok_or(refused("names no host"))?;
        Ok(Self {
            http,
            metric: query.metric,
            query: query.query,
            by: query.by,
            series: query.series,
            url,
            range_url,
            address: shown,
            token,
            authorization,
            shared: None,
            ranges: Ranges::default(),
            warned: Mutex::default(),
        })
    }

    /// The same source, which asks once for all apps that want to know within `fresh_for`, if its query
    /// is the same for all of them. That no answer came within `timeout` is an answer for all as well.
    #[must_use]
    pub fn shared_for(mut self, fresh_for: Duration, timeout: Duration) -> Self {
        self.shared = (!names_the_app(&self.query)).then(|| ForAll::new(fresh_for, timeout));
        self
    }

    /// The query as sent for `app`, and its answer.
    async fn answered(
        &self,
        app: &AppName,
        now: Timestamp,
    ) -> Result<(String, Arc<Answered>), SourceError> {
        let query = expand(&self.query, app);
        self.ranges.prune(now);
        let answered = match &self.shared {
            Some(shared) => shared.get(now, &self.address, self.ask_and_read(&query)).await?,
            None => self.ask_and_read(&query).await?,
        };
        Ok((query, answered))
    }

    async fn measure(&self, app: &AppName, now: Timestamp) -> Result<Sample, SourceError> {
        let (query, answered) = self.answered(app, now).await?;
        match answered.of(app) {
            [] => Err(SourceError::Empty { query }),
            series if self.by.has_region() => self.by_region(query, series),
            series => self.plain(query, series),
        }
    }

    async fn ask_and_read(&self, query: &str) -> Result<Arc<Answered>, SourceError> {
        let body = self.ask(&self.url, &[("query", query)]).await?;
        let answer = answer::read(&body).map_err(|message| self.garbled(message))?;
        self.warn_once(answer.warnings);
        Ok(Arc::new(if self.by.has_app() {
            Answered::by_app(answer.series)
        } else {
            Answered::Whole(answer.series)
        }))
    }

    /// Sends the query and gives the body of a good answer.
    ///
    /// As a POST: a query may be longer than a URL, and Fly's, Prometheus's and VictoriaMetrics's servers
    /// all take it. Where a proxy lets no POST through (405, 501), as a GET, as the Go autoscaler's
    /// client does. No `time` is sent: the server's clock is the one that stamped the samples.
    async fn ask(&self, url: &Url, pairs: &[(&str, &str)]) -> Result<Vec<u8>, SourceError> {
        let mut get = url.clone();
        get.query_pairs_mut().extend_pairs(pairs);
        let post = self
            .http
            .post(url.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(url, pairs));
        let mut response = self.send(post).await?;
        if matches!(response.status().as_u16(), 405 | 501) {
            response = self.send(self.http.get(get)).await?;
        }
        let status = response.status();
        let media_type = media_type(&response);
        let redirect = status.is_redirection().then(|| redirected(response.headers()));
        let serves_many = self.shared.is_some() && self.by.has_app();
        let limit = if serves_many { FLEET_ANSWER_LIMIT } else { ANSWER_LIMIT };
        let body = read_body(response, limit).await;
        if !status.is_success() {
            // What a refusal says is worth having, but the status counts without it too.
            let said = redirect.unwrap_or_else(|| words(&body.unwrap_or_default(), &["error"]));
            return Err(self.refused(status.as_u16(), &said));
        }
        let body = body.map_err(|error| match error {
            BodyError::TooLarge { .. } => self.garbled(error.to_string()),
            BodyError::Broken(_) => self.unreachable(&error.to_string()),
        })?;
        if let Some(error) = answer::error(&body) {
            return Err(self.refused(status.as_u16(), &error));
        }
        if body.trim_ascii_start().starts_with(b"<") {
            let said = self.clean(&words(&body, &[]));
            return Err(self.garbled(format!("{status} with {media_type}, not JSON: {said}")));
        }
        Ok(body)
    }

    async fn send(&self, mut request: RequestBuilder) -> Result<Response, SourceError> {
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        request.send().await.map_err(|error| self.unreachable(&describe(&error)))
    }

    fn plain(&self, query: String, series: &[Series]) -> Result<Sample, SourceError> {
        let one = match (series, self.series) {
            ([one], _) | ([one, ..], SeriesRule::First) => one,
            _ => return Err(SourceError::Several { query, count: series.len() }),
        };
        match one.point.finite() {
            Ok(value) => Ok(Sample::Plain { value, at: one.point.at }),
            Err(text) => Err(SourceError::NotFinite { query, value: text.to_owned() }),
        }
    }

    /// A value without a region beside others that have one is in the sum and in no region's number: one
    /// stray series is no reason to hold them all.
    fn by_region(&self, query: String, series: &[Series]) -> Result<Sample, SourceError> {
        let mut values: BTreeMap<Region, (&str, Result<f64, Arc<str>>)> = BTreeMap::new();
        if series.iter().all(|one| one.region.as_deref().unwrap_or_default().is_empty()) {
            return Err(SourceError::Unlabelled { query });
        }
        for one in series {
            let label = one.region.as_deref().unwrap_or_default();
            let region = self.region(label)?;
            let count = values.len();
            match values.get_mut(&region) {
                None if count == MAX_REGIONS => {
                    return Err(self.garbled(format!(
                        "more than {MAX_REGIONS} values of the label `region`, which can hardly be regions"
                    )));
                }
                None => {
                    values.insert(region, (label, value_of(&one.point)));
                }
                Some(_) if self.series == SeriesRule::First => {}
                Some((first, value)) if *first == label => {
                    *value = Err(Arc::from(match label {
                        "" => {
                            "more than one series without the label `region`; use sum by (region) (...)"
                        }
                        _ => "more than one series for the region; use sum by (region) (...)",
                    }));
                }
                Some((first, value)) => {
                    let both = [*first, label].map(|label| self.clean(label));
                    *value = Err(Arc::from(format!(
                        "the labels `{}` and `{}` are both this region",
                        both[0], both[1]
                    )));
                }
            }
        }
        let at = series.iter().filter_map(|one| one.point.at).min();
        let values = values.into_iter().map(|(region, (_, value))| (region, value)).collect();
        Ok(Sample::ByRegion { values, at })
    }

    fn region(&self, label: &str) -> Result<Region, SourceError> {
        if label.is_empty() {
            return Ok(Region::unlabelled());
        }
        if label.chars().count() > MAX_REGION_CHARS {
            let start: String = label.chars().take(MAX_REGION_CHARS).collect();
            let start = self.clean(&start);
            return Err(self.garbled(format!(
                "a label `region` begins with `{start}` and is longer than {MAX_REGION_CHARS} characters, which can hardly be a region"
            )));
        }
        Ok(region_of(label))
    }

    /// Logs each warning once, and no more than a hundred of them: they come with every answer.
    fn warn_once(&self, warnings: Vec<String>) {
        for warning in warnings {
            let warning = self.clean(&warning);
            // A poisoned lock holds a set of texts, which is as good as ever.
            let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
            if warned.len() < MAX_WARNINGS && warned.insert(warning.clone()) {
                tracing::warn!(metric = %self.metric, address = %self.address, %warning, "the query has a warning");
            }
        }
    }

    fn refused(&self, status: u16, message: &str) -> SourceError {
        let hint = match status {
            401 | 403 if self.token.is_none() => NO_TOKEN_HINT,
            401 | 403 => TOKEN_HINT,
            404 => ADDRESS_HINT,
            _ => "",
        };
        let message = self.clean(message);
        let message = if message.is_empty() { "nothing more".to_owned() } else { message };
        let status = status.to_string();
        SourceError::Refused { address: self.address.clone(), status, message, hint }
    }

    fn unreachable(&self, message: &str) -> SourceError {
        SourceError::Unreachable { address: self.address.clone(), message: self.clean(message) }
    }

    fn garbled(&self, message: String) -> SourceError {
        SourceError::Garbled { address: self.address.clone(), message }
    }

    /// A server's words, fit for a log.
    fn clean(&self, text: &str) -> String {
        match &self.token {
            Some(token) => excerpt(&token.redact(text)),
            None => excerpt(text),
        }
    }
}

impl MetricSource for PrometheusSource {
    fn metric(&self) -> &MetricName {
        &self.metric
    }

    fn serves_all_apps(&self) -> bool {
        self.shared.is_some()
    }

    fn question(&self) -> String {
        let Self { address, query, series, .. } = self;
        format!("prometheus {address} {series:?} {query}")
    }

    fn sample<'a>(
        &'a self,
        app: &'a AppName,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Sample, SourceError>> {
        Box::pin(self.measure(app, now))
    }

    fn past<'a>(
        &'a self,
        app: &'a AppName,
        range: PastRange,
    ) -> BoxFuture<'a, Result<Vec<(Timestamp, Sample)>, SourceError>> {
        Box::pin(self.measure_past(app, range))
    }
}

impl fmt::Debug for PrometheusSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrometheusSource")
            .field("metric", &self.metric)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// The series of one answer.
enum Answered {
    /// All of them are about the app that asked.
    Whole(Vec<Series>),
    /// Those of each app that the label `app` names.
    ByApp(HashMap<AppName, Vec<Series>>),
}

impl Answered {
    fn by_app(series: Vec<Series>) -> Self {
        let mut apps: HashMap<AppName, Vec<Series>> = HashMap::new();
        for mut one in series {
            let Some(app) = one.app.take() else { continue };
            apps.entry(AppName::new(app)).or_default().push(one);
        }
        Self::ByApp(apps)
    }

    fn of(&self, app: &AppName) -> &[Series] {
        match self {
            Self::Whole(series) => series,
            Self::ByApp(apps) => apps.get(app).map_or(&[], Vec::as_slice),
        }
    }
}

/// A label as a region: lower-case, and `_` for whatever can be in no name, so that it can end that of a
/// variable and be printed anywhere.
fn region_of(label: &str) -> Region {
    let letter = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_alphanumeric() => c,
        _ => '_',
    };
    Region::new(label.chars().map(letter).collect::<String>())
}

fn value_of(point: &Point) -> Result<f64, Arc<str>> {
    point.finite().map_err(|text| Arc::from(format!("the value is {text}, no finite number")))
}

/// Pairs as the body of a form. A URL's query string is encoded just so; `url` only lends itself.
fn form(url: &Url, pairs: &[(&str, &str)]) -> String {
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}
