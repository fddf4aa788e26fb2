//! How many workflows run, asked of a Temporal frontend: one gRPC call, `CountWorkflowExecutions`.

mod refusal;
mod wire;

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use super::expand::{expand, names_the_app};
use super::for_all::ForAll;
use crate::model::{AppName, MetricName, Sample, Timestamp};
use crate::ports::{BoxFuture, MetricSource, SourceError};
use crate::transport::body::excerpt;
use crate::transport::innermost;
use wire::{CountRequest, CountResponse};

/// The call, as Temporal's public API names it (`temporal/api/workflowservice/v1/service.proto`).
const METHOD: &str = "/temporal.api.workflowservice.v1.WorkflowService/CountWorkflowExecutions";
/// What counts, before the collector's own query narrows it: upstream's filter.
const RUNNING: &str = r#"ExecutionStatus="Running""#;
/// The most bytes of an answer, which holds one number.
const ANSWER_LIMIT: usize = 64 << 10;
/// The most bytes of an answer's headers, which hold a refusal's words.
const HEADERS_LIMIT: u32 = 16 << 10;
/// How often an idle connection is asked whether it is still there, and how long it may take to answer:
/// as Temporal's own clients do. A connection that silently broke is replaced before the next tick but
/// one.
const KEEP_ALIVE: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(15)];
/// Shorter keys are not cut out of messages.
const SHORTEST_SECRET: usize = 6;

/// A count of running workflows, and where it is asked for.
pub struct TemporalSource {
    endpoint: Endpoint,
    /// Made at the first call, then reused; it connects again by itself.
    channel: OnceLock<Channel>,
    metric: MetricName,
    query: Option<String>,
    namespace: String,
    namespace_header: MetadataValue<Ascii>,
    authorization: Option<MetadataValue<Ascii>>,
    api_key: Option<SecretString>,
    address: String,
    /// The last count, where it serves every app.
    shared: Option<ForAll<Sample>>,
}

/// What to count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemporalQuery {
    /// The variable to fill.
    pub metric: MetricName,
    /// The namespace.
    pub namespace: String,
    /// What narrows the count of running workflows; `$APP_NAME` stands for the app.
    pub query: Option<String>,
}

/// By what this program shows who it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// The API key.
    pub api_key: Option<&'a SecretString>,
    /// The client certificate and its private key, as PEM text.
    pub identity: Option<[&'a SecretString; 2]>,
}

/// Why no source could be made. Never says what is secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemporalSourceError {
    /// The address is no URL, or TLS cannot be set up for it.
    #[error("the connection to Temporal cannot be set up: {message}")]
    Connection {
        /// What is in the way.
        message: String,
    },
    /// The namespace or the key cannot be sent in a header.
    #[error("the Temporal {what} holds a character that cannot be sent")]
    Unprintable {
        /// Which of them.
        what: &'static str,
    },
}

impl TemporalSource {
    /// A source that asks the frontend at `address`: `http://` or, with TLS, `https://`, then host and
    /// port. Nothing is dialled before the first sample. `connect` is how long a connection may take.
    pub fn new(
        address: &str,
        credentials: Credentials<'_>,
        query: TemporalQuery,
        connect: Duration,
    ) -> Result<Self, TemporalSourceError> {
        let endpoint = endpoint(address, credentials.identity, connect)
            .map_err(|error| TemporalSourceError::Connection { message: innermost(&error) })?;
        let header = |text: &str, what| {
            text.parse::<MetadataValue<Ascii>>()
                .map_err(|_| TemporalSourceError::Unprintable { what })
        };
        let authorization = credentials.api_key.map(|key| {
            let mut value = header(&format!("Bearer {}", key.expose_secret()), "API key")?;
            value.set_sensitive(true);
            Ok(value)
        });
        Ok(Self {
            endpoint,
            channel: OnceLock::new(),
            metric: query.metric,
            query: query.query,
            namespace_header: header(&query.namespace, "namespace")?,
            namespace: query.namespace,
            authorization: authorization.transpose()?,
            api_key: credentials.api_key.cloned(),
            address: address.to_owned(),
            shared: None,
        })
    }

    /// The same source, which counts once for all apps that want to know within `fresh_for`, if its
    /// query is the same for all of them. That no answer came within `timeout` is an answer for all as
    /// well.
    #[must_use]
    pub fn shared_for(mut self, fresh_for: Duration, timeout: Duration) -> Self {
        let is_the_same = self.query.as_deref().is_none_or(|query| !names_the_app(query));
        self.shared = is_the_same.then(|| ForAll::new(fresh_for, timeout));
        self
    }

    async fn measure(&self, app: &AppName) -> Result<Sample, SourceError> {
        let request = CountRequest { namespace: self.namespace.clone(), query: self.filter(app) };
        let answer = self.call(request).await.map_err(|status| self.failed(&status))?;
        if answer.count < 0 {
            let message = format!("it counts {} workflows", answer.count);
            return Err(SourceError::Garbled { address: self.address.clone(), message });
        }
        // Exact up to 2^53 workflows.
        Ok(Sample::Plain { value: answer.count as f64, at: None })
    }

    /// The list filter that is sent.
    fn filter(&self, app: &AppName) -> String {
        match &self.query {
            Some(query) => format!("{RUNNING} AND ({})", expand(query, app)),
            None => RUNNING.to_owned(),
        }
    }

    async fn call(&self, message: CountRequest) -> Result<CountResponse, Status> {
        let channel = self.channel.get_or_init(|| self.endpoint.connect_lazy());
        let mut grpc = Grpc::new(channel.clone()).max_decoding_message_size(ANSWER_LIMIT);
        let mut request = Request::new(message);
        let headers = request.metadata_mut();
        // Temporal Cloud's endpoints for API keys are shared, and find the namespace by it.
        headers.insert("temporal-namespace", self.namespace_header.clone());
        if let Some(authorization) = &self.authorization {
            headers.insert("authorization", authorization.clone());
        }
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let codec = ProstCodec::<CountRequest, CountResponse>::default();
        let answer = grpc.unary(request, PathAndQuery::from_static(METHOD), codec).await?;
        Ok(answer.into_inner())
    }

    fn failed(&self, status: &Status) -> SourceError {
        refusal::failed(status, &self.address, &|text| self.clean(text))
    }

    /// A server's words, fit for a log.
    fn clean(&self, text: &str) -> String {
        let key = self.api_key.as_ref().map_or("", |key| key.expose_secret());
        if key.len() < SHORTEST_SECRET {
            excerpt(text)
        } else {
            excerpt(&text.replace(key, "[key]"))
        }
    }
}

fn endpoint(
    address: &str,
    identity: Option<[&SecretString; 2]>,
    connect: Duration,
) -> Result<Endpoint, tonic::transport::Error> {
    let [interval, timeout] = KEEP_ALIVE;
    let endpoint = Endpoint::from_shared(address.to_owned())?
        .user_agent(concat!("fly-autoscaler/", env!("CARGO_PKG_VERSION")))?
        .connect_timeout(connect)
        .http2_keep_alive_interval(interval)
        .keep_alive_timeout(timeout)
        .keep_alive_while_idle(true)
        .http2_max_header_list_size(HEADERS_LIMIT);
    if endpoint.uri().scheme_str() != Some("https") {
        return Ok(endpoint);
    }
    let mut tls = ClientTlsConfig::new().with_native_roots().timeout(connect);
    if let Some(pair) = identity {
        let [certificate, key] = pair.map(ExposeSecret::expose_secret);
        tls = tls.identity(Identity::from_pem(certificate, key));
    }
    endpoint.tls_config(tls)
}

impl MetricSource for TemporalSource {
    fn metric(&self) -> &MetricName {
        &self.metric
    }

    fn serves_all_apps(&self) -> bool {
        self.shared.is_some()
    }

    fn question(&self) -> String {
        let Self { address, namespace, query, .. } = self;
        format!("temporal {address} {namespace} {}", query.as_deref().unwrap_or_default())
    }

    fn sample<'a>(
        &'a self,
        app: &'a AppName,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Sample, SourceError>> {
        Box::pin(async move {
            match &self.shared {
                Some(shared) => shared.get(now, &self.address, self.measure(app)).await,
                None => self.measure(app).await,
            }
        })
    }
}

impl fmt::Debug for TemporalSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemporalSource")
            .field("metric", &self.metric)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
