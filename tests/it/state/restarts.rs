//! The real binary, killed and started again: what it had learned still counts, and `plan` knows it too.

use std::process::Command;
use std::sync::Arc;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::model::{AppName, Region};
use fly_autoscaler::sim::{AppSpec, Endpoint, Load, SimOptions, Simulator};
use serde_json::Value;
use tempfile::TempDir;

use crate::cli::fly_autoscaler;
use crate::running::{Autoscaler, Program, serve, until};

/// A simulator with the app `web`, and what the binary is told of it.
pub(super) struct World {
    pub(super) sim: Simulator,
    directory: TempDir,
    variables: Vec<(String, String)>,
}

impl World {
    pub(super) async fn new(spec: AppSpec, depth: f64, variables: &[(&str, &str)]) -> Self {
        let sim = Simulator::start(SimOptions::new(Arc::new(SystemClock))).await.unwrap();
        let load = Load::Fixed { traffic: [].into(), queue_depth: Some(depth) };
        sim.world().add_app(&AppSpec { load, ..spec });
        let directory = TempDir::new().unwrap();
        let state = directory.path().join("fas.db").to_str().unwrap().to_owned();
        let given = [
            ("FAS_APP_NAME", "web"),
            ("FAS_API_TOKEN", "fm2_test"),
            ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
            ("FAS_PROMETHEUS_QUERY", r#"sum(queue_depth{app="$APP_NAME"})"#),
            ("FAS_PROMETHEUS_ADDRESS", &sim.prometheus_url("acme")),
            ("FLY_FLAPS_BASE_URL", &sim.url()),
            ("FLY_API_BASE_URL", &sim.url()),
            ("FAS_STATE", &state),
        ];
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables = given.iter().chain(variables).map(owned).collect();
        Self { sim, directory, variables }
    }

    pub(super) fn variables(&self) -> Vec<(&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    pub(super) async fn start(&self) -> Autoscaler {
        Autoscaler::start(&self.variables()).await
    }

    fn machines(&self) -> usize {
        self.sim.world().machines(&AppName::new("web")).unwrap().len()
    }

    /// Starts a process, waits for its first tick, kills it, and tells the tick.
    async fn tick_and_kill(&self) -> Value {
        let mut scaler = self.start().await;
        let tick = ticked(&scaler).await;
        // What the tick has left is written beside it, within moments.
        until("the file has it", || scaler.program.told(), || self.is_written(&tick)).await;
        scaler.program.signal("KILL");
        scaler.program.ended().await;
        tick
    }

    async fn is_written(&self, tick: &Value) -> Result<(), String> {
        let at = tick["at"].as_str().unwrap();
        let file = rusqlite::Connection::open(self.directory.path().join("fas.db")).unwrap();
        let saved: Option<i64> = file
            .query_row("SELECT max(saved_at) FROM kept", [], |row| row.get(0))
            .map_err(|error| error.to_string())?;
        let at: jiff::Timestamp = at.parse().unwrap();
        match saved {
            Some(saved) if saved >= at.as_millisecond() => Ok(()),
            saved => Err(format!("saved {saved:?}, tick {at}")),
        }
    }
}

/// The first tick of a process.
pub(super) async fn ticked(scaler: &Autoscaler) -> Value {
    until(
        "a tick",
        || scaler.program.told(),
        || async {
            let status = scaler.status().await;
            match &status["apps"][0]["last_tick"] {
                Value::Null => Err(status.to_string()),
                tick => Ok(tick.clone()),
            }
        },
    )
    .await
}

#[tokio::test]
async fn the_brake_on_a_large_destroy_counts_on_over_kills() {
    let spec = AppSpec::new("web", "acme").with_machines("iad", 0, 8);
    let world = World::new(spec, 10.0, &[("FAS_CREATED_MACHINE_COUNT", "queue_depth / 10")]).await;
    for wish in 1..=2 {
        let tick = world.tick_and_kill().await;
        assert_eq!((world.machines(), tick["outcome"].as_str()), (8, Some("held")), "{wish}");
    }
    let scaler = world.start().await;
    let tick = ticked(&scaler).await;
    assert_eq!(tick["outcome"], "acted", "the third wish in a row: {tick:#}");
    assert!(world.sim.world().total(Endpoint::Destroy) >= 7);
}

#[tokio::test]
async fn a_region_without_room_rests_on_over_kills_and_in_a_plan() {
    let spec = AppSpec::new("web", "acme").with_machines("lhr", 1, 0);
    let own = [
        ("FAS_REGIONS", "iad"),
        ("FAS_REGION_STARTED_MACHINE_COUNT", "queue_depth / 10"),
        ("FAS_REGION_CREATED_MACHINE_COUNT", "queue_depth / 10"),
        ("FAS_INTERVAL", "1s"),
    ];
    let world = World::new(spec, 10.0, &own).await;
    world.sim.world().set_capacity(&Region::new("iad"), Some(0));
    world.tick_and_kill().await;
    let asked = world.sim.world().total(Endpoint::Create);
    assert_eq!(asked, 1);
    for _ in 0..3 {
        let mut scaler = world.start().await;
        let tick = ticked(&scaler).await.to_string();
        assert!(tick.contains("region_resting"), "{tick}");
        scaler.program.signal("KILL");
        scaler.program.ended().await;
    }
    // And while one runs, a plan beside it knows what it has met.
    let scaler = world.start().await;
    ticked(&scaler).await;
    let plan = fly_autoscaler(&["plan", "--format", "json"]).env(&world.variables());
    let plan = plan.run_beside().await;
    assert!(plan.stdout.contains("region_resting"), "{plan}");
    assert_eq!(world.sim.world().total(Endpoint::Create), asked, "nobody has asked again");
    assert!(!scaler.program.written().contains("WARN"), "{}", scaler.program.told());
}

#[tokio::test]
async fn at_the_orderly_stop_the_file_is_closed() {
    let spec = AppSpec::new("web", "acme").with_machines("iad", 1, 3);
    let world = World::new(spec, 30.0, &[("FAS_STARTED_MACHINE_COUNT", "queue_depth / 10")]).await;
    let mut scaler = world.start().await;
    assert_eq!(ticked(&scaler).await["outcome"], "acted");
    scaler.program.signal("TERM");
    assert!(scaler.program.ended().await.success());
    let names: Vec<_> = std::fs::read_dir(world.directory.path()).unwrap().collect();
    assert_eq!(names.len(), 4, "two files and their locks, no log: {names:?}");
    let file = rusqlite::Connection::open(world.directory.path().join("fas.db")).unwrap();
    let text: String = file.query_row("SELECT value FROM kept", [], |row| row.get(0)).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(kept["recent"].as_array().map(Vec::len), Some(2), "{text}");
}

#[tokio::test]
async fn a_disk_that_takes_no_more_is_said_once_and_scaling_goes_on() {
    let spec = AppSpec::new("web", "acme").with_machines("iad", 1, 7);
    let own = [("FAS_STARTED_MACHINE_COUNT", "queue_depth / 10"), ("FAS_INTERVAL", "1s")];
    let world = World::new(spec, 20.0, &own).await;
    // Files end at 40 kB for this process, and the signal for that is ignored: writes fail.
    let mut command = Command::new("sh");
    command.args(["-c", r#"ulimit -f 80; trap '' XFSZ; exec "$@""#, "sh"]);
    let plain = serve(&world.variables());
    command.arg(plain.get_program()).args(plain.get_args()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let program = Program::start("fly-autoscaler", &mut command);
    let depths = [40.0, 10.0, 60.0, 20.0, 80.0, 30.0];
    let started = |world: &World| {
        let machines = world.sim.world().machines(&AppName::new("web")).unwrap();
        machines.iter().filter(|own| own.state.as_str() == "started").count()
    };
    for depth in depths {
        world.sim.world().set_queue_depth(&AppName::new("web"), Some(depth)).unwrap();
        until(
            "as many run as are wanted",
            || program.told(),
            || async {
                let count = started(&world);
                if count as f64 * 10.0 == depth { Ok(()) } else { Err(format!("{count}, {depth}")) }
            },
        )
        .await;
    }
    let written = program.written();
    assert_eq!(written.matches("the state file cannot be used").count(), 1, "{written}");
}

#[test]
fn check_says_what_is_doubtful_about_the_path_and_that_is_no_mistake() {
    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("volume");
    let table = [
        (directory.path().join("fas.db").display().to_string(), None),
        (format!("{}/fas.db", missing.display()), Some("does not exist here; on Fly it comes")),
        ("fas.db".to_owned(), Some("`state`: `fas.db` depends on the directory")),
    ];
    for (path, doubt) in table {
        let ran = fly_autoscaler(&["check"])
            .env(&[
                ("FAS_APP_NAME", "web"),
                ("FAS_STARTED_MACHINE_COUNT", "1"),
                ("FAS_STATE", &path),
            ])
            .run();
        assert_eq!(ran.code, Some(0), "{ran}");
        let said = ran.stderr.contains("`state`") || ran.stderr.contains("does not exist");
        assert_eq!(said, doubt.is_some(), "{ran}");
        assert!(doubt.is_none_or(|doubt| ran.stderr.contains(doubt)), "{ran}");
    }
}
