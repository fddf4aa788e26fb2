//! The stream of what happens: nobody waits for a reader.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::http::{Configured, Sources, router, serve};
use fly_autoscaler::journal::Journal;
use fly_autoscaler::model::Timestamp;
use fly_autoscaler::ports::Clock;
use fly_autoscaler::status::{Board, Change, TimedText};
use fly_autoscaler::store::{JournalStore, journal};
use fly_autoscaler::supervisor::Supervisor;
use fly_autoscaler::telemetry::Metrics;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use super::{connect, fly, order, readiness, serving_with};
use crate::running::PATIENCE;

/// Somebody who watches.
struct Watching(BufReader<TcpStream>);

impl Watching {
    /// Asks for the stream and reads its head.
    async fn begin(mut stream: TcpStream, path: &str) -> (Self, u16) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut own = Self(BufReader::new(stream));
        let status = own.line().await.split(' ').nth(1).unwrap().parse().unwrap();
        while !own.line().await.is_empty() {}
        (own, status)
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.0.read_line(&mut line)).await;
        assert!(read.expect("a line in time").unwrap() > 0, "the stream goes on");
        line.trim_end().to_owned()
    }

    /// The data of the next event of this name.
    async fn event(&mut self, name: &str) -> Value {
        while self.line().await != format!("event: {name}") {}
        let data = self.line().await;
        serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap()
    }
}

#[tokio::test]
async fn ticks_and_notes_are_told_as_they_happen() {
    let sim = fly().await;
    let mut scaler = serving_with(&sim, &[]).await;
    readiness(&scaler, 200).await;
    let (mut all, status) = Watching::begin(connect(&scaler).await, "/api/v1/events").await;
    assert_eq!(status, 200);
    let (mut one, _) = Watching::begin(connect(&scaler).await, "/api/v1/events?app=web").await;
    let answer = order(&scaler, "/api/v1/trigger").await;
    for watching in [&mut all, &mut one] {
        let told = watching.event("tick").await;
        assert_eq!(told["tick"], answer["tick"]);
        assert_eq!((&told["app"], &told["outcome"]), (&answer["app"], &answer["tick"]["outcome"]));
        assert_eq!(told["next_tick"], scaler.status().await["apps"][0]["next_tick"]);
    }
    order(&scaler, "/api/v1/pause").await;
    let told = all.event("noted").await;
    assert_eq!(told["text"], "scaling of all apps was paused by 127.0.0.1");
    let (status, why) = scaler.get("/api/v1/events?app=x").await;
    assert_eq!((status, why.contains("no app `x`")), (404, true), "{why}");

    // Those who watch do not hold up the end.
    scaler.program.signal("TERM");
    assert!(scaler.program.ended().await.success(), "{}", scaler.program.told());
}

/// A server with nothing behind it but a board.
async fn bare() -> (std::net::SocketAddr, Board) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Arc::new(Metrics::new("v", "c"));
    let hour = Duration::from_secs(3600);
    let options = journal::Options { path: None, retention: hour, size: 1 << 20, retry: hour };
    let journal = Arc::new(JournalStore::open(options, &clock, &metrics));
    bare_with(journal, clock, metrics).await
}

/// A server with nothing behind it but a board and this journal.
pub(crate) async fn bare_with(
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
) -> (std::net::SocketAddr, Board) {
    let board = Board::default();
    let hour = Duration::from_secs(3600);
    let supervisor = Supervisor::new(
        Arc::clone(&clock),
        board.clone(),
        Arc::clone(&metrics),
        hour,
        Duration::ZERO,
    );
    let configured = Configured {
        values: Vec::new(),
        warnings: Vec::new(),
        loaded_at: Timestamp::from_millis(0),
        interval: hour,
        token: None,
    };
    let sources = Sources {
        board: board.clone(),
        journal,
        metrics,
        clock,
        configured: watch::channel(Arc::new(configured)).1,
        orders: supervisor.orders(),
        version: "v",
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, router(sources), std::future::pending()));
    (address, board)
}

/// 200 MB are told while one reader reads nothing and another all of it.
#[tokio::test]
async fn a_reader_that_does_not_read_is_dropped_and_costs_little() {
    let (address, board) = bare().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stalled = socket.connect(address).await.unwrap();
    stalled.write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let (mut reading, _) =
        Watching::begin(TcpStream::connect(address).await.unwrap(), "/api/v1/events").await;
    let mut head = [0; 12];
    stalled.read_exact(&mut head).await.unwrap();

    let text = "x".repeat(100_000);
    for number in 0..2000 {
        let noted = TimedText { at: Timestamp::from_millis(number), text: text.clone() };
        board.tell(Change::Noted(noted));
        let told = reading.event("noted").await;
        assert_eq!(told["at"], Timestamp::from_millis(number).to_string());
    }
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, stalled.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "it is let go");
    // What was on its way, in the buffers of the system for the greater part.
    assert!(rest.len() < 20_000_000, "{} bytes were kept for it", rest.len());
}

#[tokio::test]
async fn there_are_places_for_some_who_watch_and_always_one_for_prometheus() {
    let (address, _board) = bare().await;
    let begin = async |last: u8| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, last], 0).into()).unwrap();
        Watching::begin(socket.connect(address).await.unwrap(), "/api/v1/events").await
    };
    let mut watching = Vec::new();
    // The second address gets what the first may not have.
    for (last, may) in [(1, 24), (2, 8)] {
        for _ in 0..may {
            let (own, status) = begin(last).await;
            assert_eq!(status, 200);
            watching.push(own);
        }
        for _ in 0..3 {
            assert_eq!(begin(last).await.1, 503);
        }
    }
    let metrics = crate::running::get(&format!("http://{address}/metrics")).await;
    assert_eq!(metrics.map(|(status, _)| status), Ok(200));
    drop(watching);
    crate::running::until("a place", String::new, async || match begin(1).await.1 {
        200 => Ok(()),
        other => Err(other.to_string()),
    })
    .await;
}
