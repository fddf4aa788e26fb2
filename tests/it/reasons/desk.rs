//! Where people look for why: everything that is served, and the command beside it, after one tick.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::decide::Weight;
use fly_autoscaler::http::{Configured, Sources, router, serve};
use fly_autoscaler::journal::Journal;
use fly_autoscaler::ports::Clock;
use fly_autoscaler::sim::ManualClock;
use fly_autoscaler::status::{Board, Tick};
use fly_autoscaler::store::journal::{JournalStore, Options};
use fly_autoscaler::supervisor::Supervisor;
use fly_autoscaler::telemetry::Metrics;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::sentences;
use crate::faults::{INTERVAL, web};
use crate::running::get;

/// A server that knows of one tick.
pub(super) struct Desk {
    url: String,
    tick: Arc<Tick>,
    _stop: DropGuard,
}

impl Desk {
    pub(super) async fn with(tick: Tick) -> Self {
        let tick = Arc::new(tick);
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(tick.at));
        let metrics = Arc::new(Metrics::new("test", "test"));
        let options = Options {
            path: None,
            retention: Duration::from_secs(3600),
            size: 1 << 20,
            retry: Duration::from_secs(1),
        };
        let journal = JournalStore::open(options, &clock, &metrics);
        journal.record(&web(), &tick);
        let board = Board::default();
        board.update(&web(), |own| own.record(Arc::clone(&tick), tick.at));
        let configured = Configured {
            values: Vec::new(),
            warnings: Vec::new(),
            loaded_at: tick.at,
            interval: INTERVAL,
            token: None,
        };
        let loop_of = |board: &Board| {
            let (clock, metrics) = (Arc::clone(&clock), Arc::clone(&metrics));
            Supervisor::new(clock, board.clone(), metrics, INTERVAL, Duration::ZERO)
        };
        let sources = Sources {
            orders: loop_of(&board).orders(),
            board,
            journal: Arc::new(journal),
            metrics,
            clock,
            configured: watch::channel(Arc::new(configured)).1,
            version: "test",
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(serve(listener, router(sources), stopped));
        Self { url, tick, _stop: stop.drop_guard() }
    }

    /// Looks for what is said with `code` in all that is served of the tick.
    pub(super) async fn look_everywhere(&self, code: &str) -> Result<(), String> {
        let sentences = sentences(&self.tick, code);
        let sentence = sentences.first().ok_or("it says nothing")?;
        // As JSON has it, perhaps within a longer one.
        let written = serde_json::to_string(sentence).unwrap();
        let written = written.trim_matches('"');
        for path in ["/status", "/api/v1/status", "/api/v1/explain"] {
            let (status, body) = get(&format!("{}{path}", self.url)).await?;
            if status != 200 {
                return Err(format!("{path}: {status}: {body}"));
            }
            let has_code = body.contains(&format!(r#""code":"{code}""#));
            if !has_code || !body.contains(written) {
                return Err(format!("{path}: {sentence} is not in {body}"));
            }
        }
        self.look_at_page(code, sentence).await?;
        self.ask_command(sentence).await
    }

    /// What the page shows: a row for each action and hold, and behind a row, by its time, the explanation.
    async fn look_at_page(&self, code: &str, sentence: &str) -> Result<(), String> {
        let history = self.json("/api/v1/history").await?;
        let entries = history["entries"].as_array().ok_or("no entries")?;
        let scopes = self.tick.plan.iter().flat_map(|plan| &plan.scopes);
        let mut holds = scopes.flat_map(|scope| &scope.reasons).filter(|own| own.code() == code);
        let is_of_action = self.tick.outcomes.iter().any(|own| own.reason.code() == code);
        let is_hold = holds.any(|own| own.weight() == Weight::Hold);
        if is_of_action || is_hold {
            let has_it = |entry: &&Value| entry["code"] == code;
            let entry = entries.iter().find(has_it).ok_or(format!("no entry in {history}"))?;
            let said = [&entry["text"], &entry["reason"]].map(|own| own.as_str().unwrap_or(""));
            if !said.iter().any(|own| own.contains(sentence)) {
                return Err(format!("{sentence} is not in {entry}"));
            }
        }
        let at = self.tick.at;
        let explained = self.json(&format!("/api/v1/explain?app=web&at={at}")).await?;
        let parts = &explained["explanations"][0]["parts"];
        let lines = parts.as_array().into_iter().flatten().flat_map(|own| own["lines"].as_array());
        let mut lines = lines.flatten();
        let is_it = |line: &Value| {
            line["code"] == code && line["text"].as_str().is_some_and(|own| own.contains(sentence))
        };
        lines.any(is_it).then_some(()).ok_or(format!("{sentence} is in no line of {explained}"))
    }

    /// `fly-autoscaler explain`, against this server.
    async fn ask_command(&self, sentence: &str) -> Result<(), String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fly-autoscaler"));
        command.env_clear().args(["explain", "--url", &self.url]);
        let asked = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
        let asked = asked.map_err(|error| error.to_string())?;
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = plain(&String::from_utf8_lossy(&asked.stdout));
        if said.contains(&plain(sentence)) {
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&asked.stderr);
        Err(format!("`explain` does not say {sentence}, but {said}{errors}"))
    }

    async fn json(&self, path: &str) -> Result<Value, String> {
        let (_, body) = get(&format!("{}{path}", self.url)).await?;
        serde_json::from_str(&body).map_err(|error| format!("{path}: {error}: {body}"))
    }
}
