//! A Temporal frontend that answers one call by script and remembers what it was asked.
//!
//! Its messages are written down here once more, so that a wrong field number in the client shows.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codegen::http;
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;

use super::certificates::Pair;

const METHOD: &str = "/temporal.api.workflowservice.v1.WorkflowService/CountWorkflowExecutions";

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Asked {
    #[prost(string, tag = "1")]
    pub(super) namespace: String,
    #[prost(string, tag = "2")]
    pub(super) query: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Answer {
    #[prost(int64, tag = "1")]
    pub(super) count: i64,
    /// No field of Temporal's: clients skip what they do not know, and must bear how much it is.
    #[prost(string, tag = "99")]
    pub(super) padding: String,
}

/// What the server does with a call.
#[derive(Clone)]
pub(super) enum Script {
    Count(i64),
    Refuse(Code, String),
    /// Counts for whoever shows this key.
    CountFor(&'static str, i64),
    Hang,
    Flood,
}

/// A call as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) asked: Asked,
    pub(super) headers: MetadataMap,
    /// The client's end of the connection.
    pub(super) from: SocketAddr,
}

/// A running server. It ends when dropped.
pub(super) struct Double {
    pub(super) address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
    end: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Double {
    pub(super) async fn start(script: Script) -> Self {
        Self::serve("127.0.0.1:0", script, None).await
    }

    /// With TLS. With a `client_authority`, only for clients with a certificate that it signed.
    pub(super) async fn start_tls(
        script: Script,
        pair: &Pair,
        client_authority: Option<&str>,
    ) -> Self {
        let mut tls =
            ServerTlsConfig::new().identity(Identity::from_pem(&pair.certificate, &pair.key));
        if let Some(authority) = client_authority {
            tls = tls.client_ca_root(Certificate::from_pem(authority));
        }
        Self::serve("127.0.0.1:0", script, Some(tls)).await
    }

    pub(super) async fn serve(at: &str, script: Script, tls: Option<ServerTlsConfig>) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::<Mutex<Vec<Call>>>::default();
        let service = Service { script, calls: Arc::clone(&calls) };
        let end = CancellationToken::new();
        let mut server = Server::builder();
        if let Some(tls) = tls {
            server = server.tls_config(tls).unwrap();
        }
        let serving = server.add_service(service).serve_with_incoming_shutdown(
            TcpIncoming::from(listener),
            end.clone().cancelled_owned(),
        );
        let task = tokio::spawn(async move { serving.await.unwrap() });
        Self { address, calls, end, task }
    }

    /// `http://127.0.0.1:PORT`
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Ends it as a restart does: connections are closed, the port is free.
    pub(super) async fn stop(self) {
        self.end.cancel();
        self.task.await.unwrap();
    }
}

#[derive(Clone)]
struct Service {
    script: Script,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl NamedService for Service {
    const NAME: &'static str = "temporal.api.workflowservice.v1.WorkflowService";
}

impl tonic::codegen::Service<http::Request<Body>> for Service {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            assert_eq!(request.uri().path(), METHOD);
            Ok(Grpc::new(ProstCodec::<Answer, Asked>::default()).unary(service, request).await)
        })
    }
}

impl UnaryService<Asked> for Service {
    type Response = Answer;
    type Future = BoxFuture<'static, Result<Response<Answer>, Status>>;

    fn call(&mut self, request: Request<Asked>) -> Self::Future {
        let headers = request.metadata().clone();
        let from = request.remote_addr().unwrap();
        let asked = request.into_inner();
        self.calls.lock().unwrap().push(Call { asked, headers: headers.clone(), from });
        let script = self.script.clone();
        Box::pin(async move {
            let answer = |count, padding| Ok(Response::new(Answer { count, padding }));
            match script {
                Script::Count(count) => answer(count, String::new()),
                Script::Refuse(code, message) => Err(Status::new(code, message)),
                Script::CountFor(key, count) => {
                    let shown = headers.get("authorization").map(|value| value.to_str().unwrap());
                    if shown == Some(&format!("Bearer {key}")) {
                        return answer(count, String::new());
                    }
                    let message = format!("Request unauthorized: {}", shown.unwrap_or("nobody"));
                    Err(Status::unauthenticated(message))
                }
                Script::Hang => futures::future::pending().await,
                Script::Flood => answer(1, "x".repeat(1 << 20)),
            }
        })
    }
}
