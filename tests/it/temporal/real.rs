//! The real binary counts the workflows of a real Temporal server.

use std::process::Command;

use super::started;
use crate::closed_loop::{free_address, skipped, wanted};
use crate::running::{Program, until};

/// A development server on a free port, and the program that it and its client are.
struct Temporal {
    command: String,
    address: String,
    program: Program,
    data: tempfile::TempDir,
}

impl Temporal {
    #[expect(clippy::disallowed_methods, reason = "says where tests/run has put the command")]
    fn start() -> Option<Self> {
        if !wanted() {
            skipped("temporal");
            return None;
        }
        let command = std::env::var("FAS_TEST_TEMPORAL").unwrap_or_else(|_| "temporal".to_owned());
        let data = tempfile::tempdir().unwrap();
        let address = free_address();
        let (host, port) = address.split_once(':').unwrap();
        let database = data.path().join("temporal.db");
        let program = Program::start(
            "temporal",
            Command::new(&command)
                .args(["server", "start-dev", "--headless", "--log-level", "warn"])
                .args(["--ip", host, "--port", port, "--db-filename"])
                .arg(database)
                // Its settings are looked for there, and are not those of whoever runs the tests.
                .env("HOME", data.path()),
        );
        Some(Self { command, address, program, data })
    }

    /// Runs the client to its end.
    async fn client(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.command);
        command.args(arguments).args(["--address", &self.address]).env("HOME", self.data.path());
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    async fn eval(&self, query: &str) -> Result<String, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fly-autoscaler"));
        command.arg("eval").env_clear().envs([
            ("FAS_APP_NAME", "jobs"),
            ("FAS_STARTED_MACHINE_COUNT", "workflow_count"),
            ("FAS_TEMPORAL_ADDRESS", self.address.as_str()),
            ("FAS_TEMPORAL_METRIC_NAME", "workflow_count"),
            ("FAS_TEMPORAL_QUERY", query),
        ]);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// Waits until the binary counts `count`: what was started is visible a little later.
    async fn counts(&self, query: &str, count: u64) {
        let what = format!("a count of {count} for `{query}`");
        until(
            &what,
            || self.program.told(),
            async || match self.eval(query).await {
                Ok(printed) if started(&printed) == Some(count) => Ok(()),
                Ok(other) | Err(other) => Err(other),
            },
        )
        .await;
    }
}

#[tokio::test]
async fn a_real_temporal_counts_its_running_workflows() {
    let Some(server) = Temporal::start() else { return };
    until(
        "temporal ready",
        || server.program.told(),
        async || server.client(&["operator", "cluster", "health"]).await,
    )
    .await;
    server.counts("", 0).await;
    for (queue, id) in [("jobs", "a"), ("jobs", "b"), ("other", "c")] {
        let start =
            ["workflow", "start", "--type", "T", "--task-queue", queue, "--workflow-id", id];
        server.client(&start).await.unwrap();
    }
    server.counts("", 3).await;
    server.counts("TaskQueue='$APP_NAME'", 2).await;
    server.client(&["workflow", "terminate", "--workflow-id", "a"]).await.unwrap();
    server.counts("TaskQueue='$APP_NAME'", 1).await;
    let refused = server.eval("this is no filter").await.unwrap_err();
    assert!(refused.contains("answered invalid argument: "), "{refused}");
    assert!(refused.contains("; the query is a list filter"), "{refused}");
}
