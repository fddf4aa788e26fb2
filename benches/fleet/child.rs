//! The real binary, in a process of its own.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use fly_autoscaler::transport::{Timeouts, client};

/// How long it may take to listen.
const START: Duration = Duration::from_secs(30);

/// How often to look whether it has ended, and how many times.
const POLL: Duration = Duration::from_millis(50);
const POLLS: u32 = 200;

/// How many of its last lines are kept.
const KEPT_LINES: usize = 20;

/// A running `serve`. It ends with this value.
pub(crate) struct Autoscaler {
    child: Child,
    url: String,
    last_lines: Arc<Mutex<VecDeque<String>>>,
}

impl Autoscaler {
    /// Starts it with these variables and no others, and waits until it listens.
    pub(crate) fn start(variables: &[(&str, String)]) -> Result<Self, String> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fly-autoscaler"))
            .arg("serve")
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (*name, value)))
            .env("FAS_LISTEN", "127.0.0.1:0")
            .env("FAS_LOG_FORMAT", "json")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let last_lines = Arc::new(Mutex::new(VecDeque::new()));
        let (listening, listens) = mpsc::channel();
        let stderr = child.stderr.take().ok_or("no stderr")?;
        let kept = Arc::clone(&last_lines);
        thread::spawn(move || read_log(stderr, &listening, &kept));
        let mut started = Self { child, url: String::new(), last_lines };
        match listens.recv_timeout(START) {
            Ok(address) => started.url = format!("http://{address}"),
            Err(_) => return Err(format!("it does not listen:\n{}", started.told())),
        }
        Ok(started)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The last that it logged.
    pub(crate) fn told(&self) -> String {
        self.last_lines.lock().unwrap().iter().cloned().collect::<Vec<_>>().join("\n")
    }

    /// The status and the body of one of its endpoints.
    pub(crate) async fn get(&self, path: &str) -> Result<(u16, String), String> {
        let http = client(Timeouts::default()).map_err(|error| error.to_string())?;
        let answer = http.get(format!("{}{path}", self.url)).send().await;
        let answer = answer.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await.map_err(|error| error.to_string())?))
    }
}

impl Drop for Autoscaler {
    fn drop(&mut self) {
        // Asked first, then made to; by its own id in both cases. A failure means that it has ended.
        let _ = Command::new("kill").args(["-s", "TERM", &self.pid().to_string()]).status();
        for _ in 0..POLLS {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(POLL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the log to its end, so that writing it never blocks.
fn read_log(stderr: ChildStderr, listening: &mpsc::Sender<String>, kept: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if let Some(address) = listen_address(&line) {
            // Nobody listens any more after the first.
            let _ = listening.send(address);
        }
        let mut kept = kept.lock().unwrap();
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}

fn listen_address(line: &str) -> Option<String> {
    if !line.contains("\"listen\"") {
        return None;
    }
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(line.get("listen")?.as_str()?.to_owned())
}
