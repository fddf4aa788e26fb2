//! Programs that tests run beside themselves: the real binary, and real servers. Each is ended with the
//! value that stands for it, when a test panics too.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use fly_autoscaler::transport::{Timeouts, client};
use serde_json::Value;
use tokio::sync::watch;

/// How long anything may take that takes a second or two on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(45);

/// A running program and what it has written.
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    lines: watch::Receiver<Vec<String>>,
}

impl Program {
    /// Runs `command`.
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let (written, lines) = watch::channel(Vec::new());
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let outputs: [Box<dyn Read + Send>; 2] = [Box::new(stdout), Box::new(stderr)];
        for output in outputs {
            let written = written.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    written.send_modify(|lines| lines.push(line));
                }
            });
        }
        Self { name, child, lines }
    }

    /// The first line in which `is_it` finds something, as soon as it is written.
    pub(crate) async fn line<T>(&self, what: &str, is_it: impl Fn(&str) -> Option<T>) -> T {
        let mut lines = self.lines.clone();
        let found = async {
            loop {
                let found = lines.borrow_and_update().iter().find_map(|line| is_it(line));
                match found {
                    Some(found) => return Some(found),
                    // It has ended, and what it wrote was looked at.
                    None if lines.changed().await.is_err() => return None,
                    None => {}
                }
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(Some(found)) => found,
            _ => panic!("no line that says {what}{}", self.told()),
        }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub(crate) fn written(&self) -> String {
        self.lines.borrow().join("\n")
    }

    /// What it has written, for a failure.
    pub(crate) fn told(&self) -> String {
        format!("\n--- {}:\n{}\n", self.name, self.written())
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().unwrap();
        assert!(sent.success(), "kill -s {signal} {pid}");
    }

    /// How it ended, once it has.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut polls = tokio::time::interval(Duration::from_millis(20));
        let ended = async {
            loop {
                polls.tick().await;
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, ended).await {
            Ok(status) => status,
            Err(_) => panic!("still running{}", self.told()),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The real binary in `serve`.
pub(crate) struct Autoscaler {
    pub(crate) program: Program,
    /// Where it serves HTTP.
    pub(crate) url: String,
}

impl Autoscaler {
    /// Starts it with these variables and waits until it listens. Without anything said it listens on
    /// a free port.
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let program = Program::start("fly-autoscaler", &mut serve(variables));
        let listen = program
            .line("where it listens", |line| {
                let line: Value = serde_json::from_str(line).ok()?;
                Some(line.get("listen")?.as_str()?.to_owned())
            })
            .await;
        Self { program, url: format!("http://{listen}") }
    }

    /// The status and the body of an endpoint.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        get(&format!("{}{path}", self.url)).await.unwrap_or_else(|why| panic!("{path}: {why}"))
    }

    /// `/status`.
    pub(crate) async fn status(&self) -> Value {
        serde_json::from_str(&self.get("/status").await.1).unwrap()
    }
}

/// The command that runs the real binary in `serve` with these variables only.
pub(crate) fn serve(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fly-autoscaler"));
    command
        .arg("serve")
        .env_clear()
        .env("FAS_LISTEN", "127.0.0.1:0")
        .envs(variables.iter().copied());
    command
}

/// Asks once.
pub(crate) async fn get(url: &str) -> Result<(u16, String), String> {
    let answer = client(Timeouts::default()).unwrap().get(url).send().await;
    let answer = answer.map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    Ok((status, answer.text().await.map_err(|error| error.to_string())?))
}

/// Waits until `look` finds what is waited for. It gives that, or what there was instead; `told` adds what
/// the programs had to say where it never comes.
pub(crate) async fn until<T, F: Future<Output = Result<T, String>>>(
    what: &str,
    told: impl Fn() -> String,
    mut look: impl FnMut() -> F,
) -> T {
    let mut last = String::new();
    let mut polls = tokio::time::interval(Duration::from_millis(50));
    let found = async {
        loop {
            polls.tick().await;
            match look().await {
                Ok(found) => return found,
                Err(instead) => last = instead,
            }
        }
    };
    match tokio::time::timeout(PATIENCE, found).await {
        Ok(found) => found,
        Err(_) => panic!("{what} never came; instead: {last}{}", told()),
    }
}
