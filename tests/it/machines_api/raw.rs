//! Servers that misbehave below HTTP, where wiremock cannot follow.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a server does with each connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// Reads the request and closes the connection.
    Close,
    /// Reads the request and never answers.
    Hang,
    /// Promises an answer and closes the connection in the middle of it.
    BreakOff,
    /// Answers 200 with JSON that goes on for 100 MB.
    Flood,
}

/// A server on loopback.
pub(crate) struct Raw {
    pub(crate) url: String,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) sent: Arc<AtomicUsize>,
}

impl Raw {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let sent = Arc::new(AtomicUsize::new(0));
        let server = Self { url, connections: Arc::clone(&connections), sent: Arc::clone(&sent) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream, manner, Arc::clone(&sent)));
            }
        });
        server
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// An address on loopback where nothing listens.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn answer(mut stream: TcpStream, manner: Manner, sent: Arc<AtomicUsize>) {
    let mut request = [0; 16 * 1024];
    let _ = stream.read(&mut request).await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    match manner {
        Manner::Close => {}
        Manner::Hang => std::future::pending().await,
        Manner::BreakOff => {
            let text = format!("{head}content-length: 100\r\n\r\n[");
            let _ = stream.write_all(text.as_bytes()).await;
        }
        Manner::Flood => {
            let _ =
                stream.write_all(format!("{head}connection: close\r\n\r\n[\"").as_bytes()).await;
            let megabyte = vec![b'x'; 1 << 20];
            for _ in 0..100 {
                if stream.write_all(&megabyte).await.is_err() {
                    return;
                }
                sent.fetch_add(megabyte.len(), Ordering::SeqCst);
            }
        }
    }
}
