//! cli: the real binary, as a newcomer, an operator and someone who mistypes meet it.

mod advice;
mod check;
mod eval;
mod explain;
mod failing_collectors;
mod help;
mod plan;
mod plan_holds;
mod plan_json;
mod plan_regions;
mod serve;
mod suspend;
mod token_check;

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};

use fly_autoscaler::model::Timestamp;
use fly_autoscaler::sim::{AppSpec, Endpoint, ManualClock, SimOptions, Simulator};
use regex::Regex;

/// A command line with its whole environment.
#[derive(Clone, Default)]
pub(crate) struct CommandLine {
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    directory: Option<PathBuf>,
}

/// `fly-autoscaler` with these arguments.
pub(crate) fn fly_autoscaler(arguments: &[&str]) -> CommandLine {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    CommandLine { arguments, ..CommandLine::default() }
}

impl CommandLine {
    /// The same with these variables too.
    pub(crate) fn env(mut self, pairs: &[(&str, &str)]) -> Self {
        let owned = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.environment.extend(owned);
        self
    }

    /// The same in this directory.
    fn directory(self, path: impl Into<PathBuf>) -> Self {
        Self { directory: Some(path.into()), ..self }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fly-autoscaler"));
        command.args(&self.arguments).env_clear().stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self) -> Ran {
        let output = self.command().output().unwrap();
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same while a simulator of this process answers.
    pub(crate) async fn run_beside(self) -> Ran {
        tokio::task::spawn_blocking(move || self.run()).await.unwrap()
    }
}

/// What a command did. Displayed as a transcript in which what differs from run to run has a name.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => writeln!(f, "exit {code}")?,
            None => writeln!(f, "killed")?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "--- {name}\n{}", steady(text))?;
            }
        }
        Ok(())
    }
}

/// `text` with names for times, ports, ids of create requests and the version.
fn steady(text: &str) -> String {
    static CHANGING: LazyLock<[(Regex, &str); 5]> = LazyLock::new(|| {
        [
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]"),
            (r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:[PORT]"),
            (r#""create_id": "[^"]+""#, r#""create_id": "[ID]""#),
            (r"fly-request-id \w+-[a-z]+", "fly-request-id [ID]"),
            (r"fly-autoscaler \d+\.\d+\.\d+ \(commit \w+\)", "fly-autoscaler [VERSION]"),
        ]
        .map(|(pattern, name)| (Regex::new(pattern).unwrap(), name))
    });
    CHANGING.iter().fold(text.to_owned(), |text, (pattern, name)| {
        pattern.replace_all(&text, *name).into_owned()
    })
}

/// A Fly in this process.
pub(crate) struct Fly {
    pub(crate) simulator: Simulator,
}

impl Fly {
    /// With one app, `my-app` of `my-org`.
    pub(crate) async fn with(app: &AppSpec) -> Self {
        // A standing clock: ids depend on it, and transcripts on ids.
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
        let simulator = Simulator::start(SimOptions::new(clock)).await.unwrap();
        simulator.world().add_app(app);
        Self { simulator }
    }

    /// The command line for that app, with its queue depth as `queue_depth`.
    pub(crate) fn command(&self, arguments: &[&str]) -> CommandLine {
        let (fly, prometheus) = (self.simulator.url(), self.simulator.prometheus_url("my-org"));
        fly_autoscaler(arguments).env(&[
            ("FAS_APP_NAME", "my-app"),
            ("FAS_API_TOKEN", "fm2_test"),
            ("FLY_FLAPS_BASE_URL", &fly),
            ("FLY_API_BASE_URL", &fly),
            ("FAS_PROMETHEUS_ADDRESS", &prometheus),
            ("FAS_PROMETHEUS_QUERY", r#"queue_depth{app="$APP_NAME"}"#),
            ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
        ])
    }

    /// The kinds of request so far, each once.
    fn asked(&self) -> Vec<Endpoint> {
        let mut asked: Vec<Endpoint> =
            self.simulator.world().requests().iter().map(|request| request.endpoint).collect();
        asked.sort_unstable();
        asked.dedup();
        asked
    }
}

/// `my-app` in two regions, with this many jobs waiting.
pub(crate) fn my_app(started: usize, stopped: usize, queue_depth: f64) -> AppSpec {
    let mut app = AppSpec::new("my-app", "my-org").with_machines("iad", started, stopped);
    app.load = fly_autoscaler::sim::Load::Fixed {
        traffic: std::collections::BTreeMap::new(),
        queue_depth: Some(queue_depth),
    };
    app
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let lines: [&[&str]; 4] =
        [&["completions", "zsh"], &["eval", "1"], &["version"], &["plan", "--help"]];
    for line in lines {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = fly_autoscaler(line).command().stdout(writer).output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{line:?}");
        assert_eq!(output.status.code(), Some(0), "{line:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn data_that_cannot_be_written_is_an_error() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = fly_autoscaler(&["eval", "1"]).command().stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "error: cannot write to stdout: No space left on device (os error 28)\n");
}
