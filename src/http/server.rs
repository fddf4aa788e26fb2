//! Accepts connections, with bounds that keep a slow or greedy client from costing more than itself.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_util::task::TaskTracker;

use super::peer::{Peer, Shares};

/// How many clients are served at once: Prometheus, a probe and a few people need far fewer.
const MAX_CONNECTIONS: usize = 128;
/// How long a client may take to send its request line and headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take nothing of what is there for it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may last. Nothing here takes long but a stream, which ends before by itself; a
/// longer one is a client that forgot it.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(300);
/// How much of an answer is kept for a client that does not read it, and how long a request's head may be.
const BUFFER: usize = 64 * 1024;
/// How long to wait after a failed accept (out of file descriptors, say) before trying again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `shutdown` completes. The caller owns the socket, so that it can
/// choose the port and knows that it is bound before anything else begins.
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let shares = Shares::of(MAX_CONNECTIONS);
    let connections = TaskTracker::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        // The place is taken before the connection is accepted, so that what is beyond the limit
        // waits in the kernel's queue.
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((place, listener.accept().await))
        };
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = next => accepted,
        };
        let Some((place, accepted)) = accepted else { break };
        let (stream, peer) = match accepted {
            Ok((stream, address)) => (stream, Peer(address.ip().to_canonical())),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Whoever has too many is turned away at once: in the queue it would be before others.
        let Some(share) = shares.take(peer) else { continue };
        let connection = connection(stream, peer, router.clone());
        connections.spawn(async move {
            let _place = (place, share);
            connection.await;
        });
    }
}

/// Serves one client until it or its time is over.
async fn connection(stream: impl AsyncRead + AsyncWrite, peer: Peer, router: Router) {
    let routes = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        routes.call(request)
    });
    let mut stream = Box::pin(TimeoutStream::new(stream));
    stream.as_mut().set_write_timeout_pinned(Some(WRITE_TIMEOUT));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    // What goes wrong here is the client's: a broken connection, or one that is too slow.
    let _ = tokio::time::timeout(CONNECTION_TIMEOUT, connection).await;
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const PEER: Peer = Peer(IpAddr::V4(Ipv4Addr::LOCALHOST));
    const LONG: usize = 1 << 20;

    fn router() -> Router {
        Router::new().route("/", get(|| async { "x".repeat(LONG) }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_let_go() {
        let (mut client, server) = tokio::io::duplex(4096);
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("it is served");
        let served = connection(server, PEER, router());
        let ended = tokio::time::timeout(WRITE_TIMEOUT * 2, served).await;
        assert!(ended.is_ok(), "long before its time is over");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_little_at_a_time_gets_all_of_it() {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let served = tokio::spawn(connection(server, PEER, router()));
        let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        client.write_all(request).await.expect("it is served");
        let (mut total, mut some) = (0, vec![0; 64 * 1024]);
        loop {
            tokio::time::advance(WRITE_TIMEOUT / 6).await;
            match client.read(&mut some).await.expect("it is served") {
                0 => break,
                read => total += read,
            }
        }
        assert!(total > LONG, "{total}");
        served.await.expect("it is served");
    }
}
