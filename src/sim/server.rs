//! The simulated services over real HTTP on loopback.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use futures::stream;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::WorldHandle;
use super::answer::{Answer, JSON};
use super::call::Call;
use super::faults::{FaultKind, Phase};
use super::wire::{CuttableListener, Scissors};

#[derive(Clone)]
struct Server {
    world: WorldHandle,
    stop: CancellationToken,
}

/// The largest request that is read. A machine's config has a few kB.
const MAX_REQUEST: usize = 2 * 1024 * 1024;

/// Serves until `stop`. Connections end with the requests that they carry.
pub(crate) async fn serve(listener: TcpListener, world: WorldHandle, stop: CancellationToken) {
    let server = Server { world, stop: stop.clone() };
    let router = Router::new().fallback(answer).with_state(server);
    let service = router.into_make_service_with_connect_info::<Scissors>();
    let served = axum::serve(CuttableListener(listener), service)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await;
    // Accepting goes on through errors, so that serving does not end by one.
    debug_assert!(served.is_ok(), "{served:?}");
}

async fn answer(
    State(server): State<Server>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_REQUEST).await else {
        return render(Answer::refuse(413, "request body too large"), "");
    };
    let Some(call) = Call::parse(&parts.method, &parts.uri, &parts.headers, &body) else {
        return render(Answer::refuse(404, "404 page not found"), "");
    };
    server.perform(&call, &scissors).await
}

impl Server {
    async fn perform(&self, call: &Call, scissors: &Scissors) -> Response<Body> {
        let execute = || self.world.with(|world, now| world.execute(call, now));
        match self.world.with(|world, _| world.strike(call)) {
            None => self.finish(call, execute()),
            Some((FaultKind::Delay(delay), Phase::Before)) => {
                self.world.clock().sleep(delay).await;
                self.finish(call, execute())
            }
            Some((FaultKind::Delay(delay), Phase::After)) => {
                let answer = execute();
                self.world.clock().sleep(delay).await;
                self.finish(call, answer)
            }
            Some((kind, phase)) => {
                if phase == Phase::After {
                    // Only its answer is lost.
                    drop(execute());
                }
                self.fail(call, kind, scissors).await
            }
        }
    }

    fn finish(&self, call: &Call, answer: Answer) -> Response<Body> {
        let (status, bytes) = (Some(answer.status), answer.body.len());
        let id = self.world.with(|world, now| world.record(call, status, bytes, now));
        render(answer, &id)
    }

    async fn fail(&self, call: &Call, kind: FaultKind, scissors: &Scissors) -> Response<Body> {
        let status = match &kind {
            FaultKind::Status { code, .. } => Some(*code),
            FaultKind::Hang | FaultKind::Reset => None,
            _ => Some(200),
        };
        let id = self.world.with(|world, now| world.record(call, status, 0, now));
        let plain = |content_type, body: Vec<u8>| {
            render(Answer { content_type, ..Answer::text(200, body) }, &id)
        };
        match kind {
            FaultKind::Status { code, body, retry_after } => {
                let answer = Answer { content_type: JSON, ..Answer::text(code, body) };
                let mut response = render(answer, &id);
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(RETRY_AFTER, seconds.into());
                }
                response
            }
            // Ends with the simulator, so that nothing is left of it.
            FaultKind::Hang => {
                self.stop.cancelled().await;
                scissors.cut();
                plain(JSON, Vec::new())
            }
            // `perform` has dealt with delays, which do not fail.
            FaultKind::Reset | FaultKind::Delay(_) => {
                scissors.cut();
                plain(JSON, Vec::new())
            }
            FaultKind::Html200 => plain(
                "text/html",
                b"<!doctype html><title>Sign in</title><p>Please sign in".to_vec(),
            ),
            FaultKind::WrongJson => plain(JSON, br#"{"surprise": [1, "two", null]}"#.to_vec()),
            FaultKind::Garbage => plain(JSON, vec![0xff, 0xfe, 0x00, 0x80, b'{', 0xc3]),
            FaultKind::HugeBody(bytes) => {
                let mut response = plain(JSON, Vec::new());
                *response.body_mut() = huge(bytes);
                response
            }
        }
    }
}

/// An endless array, as far as it is read.
fn huge(bytes: u64) -> Body {
    const CHUNK: u64 = 64 * 1024;
    let chunk = Bytes::from(vec![b'['; CHUNK as usize]);
    let chunks = (0..bytes.div_ceil(CHUNK)).map(move |_| Ok::<_, std::io::Error>(chunk.clone()));
    Body::from_stream(stream::iter(chunks))
}

fn render(answer: Answer, request_id: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("fly-request-id", id);
    }
    if let Some(Ok(cursor)) = answer.next_cursor.as_deref().map(HeaderValue::from_str) {
        headers.insert("fly-next-cursor", cursor);
    }
    response
}
