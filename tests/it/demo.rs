//! The `demo` command, from outside: what it prints, what it serves, what it does to its machines.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;

/// The command in a process of its own, which ends with the test.
struct Demo {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(cargo_bin("fly-autoscaler"))
            .arg("demo")
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Reads up to the first line that contains `part`.
    fn line_with(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "no line with `{part}`");
            if line.contains(part) {
                return line;
            }
        }
    }

    /// The address that it says it listens on.
    fn address(&mut self) -> String {
        let line = self.line_with("listening on ");
        let rest = line.strip_prefix("listening on ").unwrap();
        rest.split(": ").next().unwrap().to_owned()
    }

    /// Waits for the end; gives what it printed since, and the exit code.
    fn finish(mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        (rest, self.child.wait().unwrap().code())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(url: &str) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let timeout = std::time::Duration::from_secs(10);
        let timeouts = fly_autoscaler::transport::Timeouts { connect: timeout, request: timeout };
        let client = fly_autoscaler::transport::client(timeouts).unwrap();
        let answer = client.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    })
}

#[test]
fn a_demo_serves_follows_its_traffic_and_sums_up() {
    let mut demo = Demo::start(&[
        "--plain",
        "--duration",
        "3s",
        "--speed",
        "600",
        "--seed",
        "7",
        "--listen",
        "127.0.0.1:0",
    ]);
    let address = demo.address();
    demo.line_with("FAS_REGION_MIN_STARTED_MACHINE_COUNT=ceil(traffic / 50)");
    // The first decision: from here on a tick has ended.
    let start = demo.line_with("  start  ");
    assert!(start.contains(" because ") && start.contains(" started, at least "), "{start}");

    assert_eq!(get(&format!("{address}/readyz")), (200, "ready\n".to_owned()));
    let (status, metrics) = get(&format!("{address}/metrics"));
    assert_eq!(status, 200);
    for region in ["lhr", "nrt", "gru"] {
        let series =
            format!(r#"fas_metric_value{{app="shop",metric="traffic",region="{region}"}}"#);
        assert!(metrics.contains(&series), "no {series}");
    }
    let (status, body) = get(&format!("{address}/status"));
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["apps"][0]["app"]), (200, &"shop".into()));

    let (rest, code) = demo.finish();
    assert_eq!(code, Some(0));
    assert!(rest.contains("  status   traffic "), "{rest}");
    assert!(rest.contains(", 0 answered 429\n"), "{rest}");
    let machines = rest.lines().find(|line| line.starts_with("Machines  ")).unwrap();
    assert!(!machines.starts_with("Machines  0 started"), "{machines}");
}

/// What a metric says of each region, for series that have all of `labels`.
fn by_region(metrics: &str, name: &str, labels: &[&str]) -> BTreeMap<String, f64> {
    let own = metrics.lines().filter(|line| {
        line.starts_with(&format!("{name}{{")) && labels.iter().all(|label| line.contains(label))
    });
    let mut sums = BTreeMap::new();
    for line in own {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let region = series.split("region=\"").nth(1).unwrap().split('"').next().unwrap();
        *sums.entry(region.to_owned()).or_default() += value.parse::<f64>().unwrap();
    }
    sums
}

const SCALED: [&str; 6] = ["lhr", "fra", "iad", "sjc", "nrt", "syd"];

/// A day: each region gets what its own traffic needs, none where there shall be none, one where there shall
/// always be one.
#[test]
fn a_demo_places_machines_where_the_traffic_is() {
    let mut demo = Demo::start(&[
        "--plain",
        "--duration",
        "8s",
        "--speed",
        "800",
        "--seed",
        "7",
        "--listen",
        "127.0.0.1:0",
    ]);
    let address = demo.address();
    demo.line_with("  status  ");

    let (_, body) = get(&format!("{address}/status"));
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let group = &body["apps"][0]["last_tick"]["regions"][0];
    let rows = group["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["region"].as_str().unwrap()).collect();
    assert_eq!(names[..6], SCALED);
    for row in &rows[..6] {
        let (least, traffic) = (&row["targets"]["started"]["min"], &row["samples"]["traffic"]);
        assert!(least.is_u64() && traffic.is_f64() && row["why"]["text"].is_string(), "{row}");
    }
    let gru = rows.iter().find(|row| row["region"] == "gru").unwrap();
    assert_eq!((&gru["skipped"], &gru["targets"]), (&true.into(), &serde_json::Value::Null));
    let why = gru["why"]["text"].as_str().unwrap();
    assert!(why.contains("counts to iad, the nearest"), "{why}");

    let (_, metrics) = get(&format!("{address}/metrics"));
    let least = ["kind=\"started\"", "bound=\"min\""];
    let targets = by_region(&metrics, "fas_target_machines", &least);
    let named: Vec<&str> = SCALED.into_iter().filter(|own| targets.contains_key(*own)).collect();
    assert_eq!(named, SCALED, "{targets:?}");
    assert!(targets["lhr"] >= 1.0 && !targets.contains_key("gru"), "{targets:?}");
    let machines = by_region(&metrics, "fas_machines", &["state=\"started\""]);
    assert!(machines.contains_key("lhr") && !machines.contains_key("gru"), "{machines:?}");

    let (rest, code) = demo.finish();
    assert_eq!(code, Some(0));
    let of = |region: &str| -> Vec<&str> {
        let begin = format!("  region    {region}  ");
        rest.lines().filter(|line| line.contains(&begin)).collect()
    };
    // The first ones tell of the time before the first tick had an effect.
    let (london, sao_paulo) = (of("lhr"), of("gru"));
    assert!(london.len() > 2 && sao_paulo.len() > 2, "{rest}");
    let running = |line: &&str| -> u32 {
        let words: Vec<&str> = line.split_whitespace().collect();
        let of = words.iter().position(|word| *word == "of").unwrap();
        words[of - 1].parse().unwrap()
    };
    assert!(
        london.iter().all(|line| running(line) > 0 && line.contains("  target ")),
        "{london:?}"
    );
    assert!(sao_paulo.iter().all(|line| line.contains("   0 of  0 started  target - ")), "{rest}");
    // Nothing is ever done there, by whatever reason.
    let done = |line: &&str| {
        ["  start  ", "  create  ", "  failed  "].iter().any(|did| line.contains(did))
            && line.split("because").next().is_some_and(|what| what.contains("gru"))
    };
    assert_eq!(rest.lines().find(done), None);
    let traffic = |lines: &[&str]| -> Vec<String> {
        let words = |line: &&str| line.split_whitespace().nth(4).unwrap().to_owned();
        lines.iter().map(words).collect()
    };
    assert_ne!(traffic(&london), traffic(&of("nrt")), "each region has its own");
}

#[test]
fn a_signal_ends_a_demo_in_order() {
    let mut demo = Demo::start(&["--plain", "--speed", "600", "--listen", "127.0.0.1:0"]);
    demo.line_with("  status  ");
    let kill = Command::new("kill").arg(demo.child.id().to_string()).status().unwrap();
    assert!(kill.success());
    let (rest, code) = demo.finish();
    assert_eq!(code, Some(0));
    assert!(rest.contains("\nTicks     ") || rest.starts_with("Ticks     "), "{rest}");
}

#[test]
fn wrong_arguments_are_usage_errors_that_say_what_is_right() {
    for (flag, value, name, right) in [
        ("--speed", "0", "FACTOR", "write a number above 0, at most 1000"),
        ("--speed", "abc", "FACTOR", "write a number above 0, at most 1000"),
        ("--speed", "NaN", "FACTOR", "write a number above 0, at most 1000"),
        ("--duration", "-1", "DURATION", "write a duration above zero such as 30s, 2m or 1h30m"),
        ("--duration", "0s", "DURATION", "write a duration above zero such as 30s, 2m or 1h30m"),
        (
            "--listen",
            "nonsense",
            "ADDRESS",
            "write an IP address and a port such as 127.0.0.1:9090",
        ),
    ] {
        let Output { status, stderr, .. } =
            Command::new(cargo_bin("fly-autoscaler")).args(["demo", flag, value]).output().unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        let expected = format!("error: invalid value '{value}' for '{flag} <{name}>': {right}\n");
        assert_eq!(status.code(), Some(2), "{flag} {value}");
        assert!(stderr.starts_with(&expected), "{stderr}");
    }
}

#[test]
fn a_port_that_is_taken_is_an_error_only_where_it_was_asked_for() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(cargo_bin("fly-autoscaler"))
        .args(["demo", "--plain", "--duration", "1s", "--listen", &address])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let expected =
        format!("error: cannot listen on {address}; choose another address with --listen: ");
    assert!(stderr.starts_with(&expected), "{stderr}");
}
