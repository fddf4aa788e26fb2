//! What makes each reason come up: the world, what is configured, and what happens from tick to tick.

use std::time::Duration;

use fly_autoscaler::model::{HostStatus, MachineState, Region, Timestamp};
use fly_autoscaler::ports::Clock as _;
use fly_autoscaler::sim::{AppSpec, Endpoint, FaultKind, FaultRule, ReleaseSpec, deployed_config};
use serde_json::json;

use crate::faults::{CREATED, STARTED, Stage, web};

/// How one reason comes up.
pub(crate) struct Scene {
    /// Its code.
    pub(crate) code: &'static str,
    /// The machines that there are, such as `iad:2+1`: so many started, so many stopped.
    pub(crate) machines: &'static str,
    /// How long the queue is, of which a machine does ten.
    pub(crate) queue: f64,
    /// What is configured.
    pub(crate) variables: &'static [(&'static str, &'static str)],
    /// How the app differs from any other.
    pub(crate) app: fn(AppSpec) -> AppSpec,
    /// What happens before the tick of this number, the first of which is 0.
    pub(crate) before: fn(&Stage, usize),
    /// What the app has is known from the organization's list, as it is of many apps.
    pub(crate) is_one_of_many: bool,
    /// Somebody else has cordoned the first machine.
    pub(crate) is_cordoned: bool,
}

/// An app that has as many machines as its queue asks for, and nothing happens to it.
const PLAIN: Scene = Scene {
    code: "",
    machines: "iad:2+0",
    queue: 20.0,
    variables: &[STARTED],
    app: |app| app,
    before: |_, _| {},
    is_one_of_many: false,
    is_cordoned: false,
};

/// The traffic of each region, and a machine in each for each 50 requests.
const METRIC: (&str, &str) = ("FAS_PROMETHEUS_METRIC_NAME", "traffic");
const QUERY: (&str, &str) =
    ("FAS_PROMETHEUS_QUERY", r#"sum by (region) (traffic{app="$APP_NAME"})"#);
const BY: (&str, &str) = ("FAS_PROMETHEUS_BY", "region");
const REGIONS: (&str, &str) = ("FAS_REGIONS", "iad,lhr");
const EACH_STARTED: (&str, &str) = ("FAS_REGION_STARTED_MACHINE_COUNT", "ceil(traffic / 50)");
const EACH_CREATED: (&str, &str) = ("FAS_REGION_CREATED_MACHINE_COUNT", "ceil(traffic / 50)");
const EXCLUDED: (&str, &str) = ("FAS_EXCLUDED_REGIONS", "lhr");
const DRAIN: (&str, &str) = ("FAS_EXCLUDED_REGIONS_DRAIN", "true");
const ONLY_IAD: (&str, &str) = ("FAS_REGIONS", "iad");

/// Of each reason one way to it, but for those of [`NEVER_IN_A_TICK`].
pub(crate) const SCENES: &[Scene] = &[
    Scene { code: "below_min", machines: "iad:1+1", ..PLAIN },
    Scene { code: "above_max", machines: "iad:3+0", ..PLAIN },
    Scene { code: "within_bounds", ..PLAIN },
    Scene {
        code: "by_region",
        variables: &[METRIC, QUERY, BY, REGIONS, EACH_STARTED],
        before: |stage, _| traffic(stage, &[("iad", 100.0)]),
        ..PLAIN
    },
    Scene { code: "stop_before_destroy", variables: &[CREATED], queue: 10.0, ..PLAIN },
    Scene { code: "cordon_before_stop", variables: &[STARTED, CORDON], queue: 10.0, ..PLAIN },
    Scene { code: "waiting_for_cordon", variables: &[STARTED, CORDON], queue: 10.0, ..PLAIN },
    Scene {
        code: "cordon_over",
        variables: &[STARTED, CORDON],
        queue: 10.0,
        before: |stage, tick| stage.queue(if tick == 0 { 10.0 } else { 20.0 }),
        ..PLAIN
    },
    Scene { code: "cordoned_by_others", variables: &[STARTED, CORDON], is_cordoned: true, ..PLAIN },
    Scene {
        code: "stop_metric_failed",
        variables: &[
            STARTED,
            ("FAS_STOP_ORDER", "least-loaded"),
            ("FAS_STOP_METRIC_PROMETHEUS_QUERY", "sum by (instance) (busy)"),
        ],
        queue: 10.0,
        ..PLAIN
    },
    Scene {
        code: "keeps_unmanaged",
        variables: &[CREATED, ("FAS_DESTROY", "managed")],
        queue: 10.0,
        ..PLAIN
    },
    Scene {
        code: "wanted_again",
        variables: &[CREATED],
        before: |stage, tick| stage.queue(if tick == 0 { 10.0 } else { 20.0 }),
        ..PLAIN
    },
    Scene {
        code: "waiting_for_stop",
        variables: &[CREATED],
        queue: 10.0,
        before: |stage, _| set_first(stage, 1, &MachineState::Stopping),
        ..PLAIN
    },
    Scene {
        code: "within_tolerance",
        machines: "iad:10+0",
        variables: &[STARTED, ("FAS_TOLERANCE", "0.2")],
        queue: 90.0,
        ..PLAIN
    },
    Scene {
        code: "stabilized",
        variables: &[STARTED, ("FAS_SCALE_DOWN_STABILIZATION_WINDOW", "5m")],
        queue: 10.0,
        ..PLAIN
    },
    Scene {
        code: "limited_by_step",
        machines: "iad:4+0",
        variables: &[STARTED, ("FAS_SCALE_DOWN_STEP_SIZE", "1")],
        ..PLAIN
    },
    Scene {
        code: "cooling_down",
        machines: "iad:3+0",
        variables: &[STARTED, ("FAS_SCALE_DOWN_COOLDOWN", "10m")],
        before: |stage, tick| stage.queue(if tick == 0 { 20.0 } else { 10.0 }),
        ..PLAIN
    },
    Scene {
        code: "outside_hours",
        variables: &[STARTED, ("FAS_SCALE_DOWN_ONLY_DURING", "22:00-06:00")],
        queue: 10.0,
        ..PLAIN
    },
    Scene {
        code: "limited_by_min_machines",
        variables: &[STARTED, ("FAS_MIN_MACHINES", "2")],
        queue: 10.0,
        ..PLAIN
    },
    Scene {
        code: "limited_by_max_machines",
        variables: &[STARTED, ("FAS_MAX_MACHINES", "2")],
        queue: 90.0,
        ..PLAIN
    },
    Scene {
        code: "always_running",
        machines: "iad:1+0 lhr:1+0",
        variables: &[
            METRIC,
            QUERY,
            BY,
            REGIONS,
            EACH_STARTED,
            ("FAS_ALWAYS_RUNNING_REGIONS", "lhr"),
        ],
        before: |stage, _| traffic(stage, &[("iad", 50.0), ("lhr", 0.0)]),
        ..PLAIN
    },
    Scene {
        code: "raised_by_app_wide",
        machines: "iad:1+2 lhr:1+2",
        variables: &[
            METRIC,
            QUERY,
            BY,
            REGIONS,
            EACH_STARTED,
            ("FAS_MIN_STARTED_MACHINE_COUNT", "4"),
            ("FAS_MAX_STARTED_MACHINE_COUNT", "9"),
        ],
        before: |stage, _| traffic(stage, &[("iad", 50.0), ("lhr", 50.0)]),
        ..PLAIN
    },
    Scene {
        code: "lowered_by_app_wide",
        machines: "iad:1+2 lhr:1+2",
        variables: &[
            METRIC,
            QUERY,
            BY,
            REGIONS,
            EACH_STARTED,
            ("FAS_MIN_STARTED_MACHINE_COUNT", "1"),
            ("FAS_MAX_STARTED_MACHINE_COUNT", "3"),
        ],
        before: |stage, _| traffic(stage, &[("iad", 150.0), ("lhr", 150.0)]),
        ..PLAIN
    },
    Scene {
        code: "region_excluded",
        machines: "iad:1+0 lhr:1+0",
        variables: &[METRIC, QUERY, BY, ONLY_IAD, EACH_STARTED, EXCLUDED],
        before: |stage, _| traffic(stage, &[("iad", 50.0), ("lhr", 50.0)]),
        ..PLAIN
    },
    Scene {
        code: "region_not_listed",
        machines: "iad:1+0",
        variables: &[METRIC, QUERY, BY, ONLY_IAD, EACH_STARTED],
        before: |stage, _| traffic(stage, &[("iad", 50.0), ("lhr", 50.0)]),
        ..PLAIN
    },
    Scene {
        code: "region_not_offered",
        machines: "iad:1+0",
        variables: &[METRIC, QUERY, BY, REGIONS, EACH_CREATED],
        before: |stage, _| {
            stage.sim.world().deprecate_region(&Region::new("lhr"));
            traffic(stage, &[("iad", 50.0), ("lhr", 50.0)]);
        },
        ..PLAIN
    },
    Scene {
        code: "region_unknown",
        machines: "iad:1+0",
        variables: &[METRIC, QUERY, BY, REGIONS, EACH_STARTED],
        before: |stage, _| traffic(stage, &[("iad", 50.0), ("lrh", 50.0)]),
        ..PLAIN
    },
    Scene {
        code: "draining",
        machines: "iad:1+1 lhr:1+0",
        variables: &[METRIC, QUERY, BY, ONLY_IAD, EACH_STARTED, EXCLUDED, DRAIN],
        before: |stage, _| traffic(stage, &[("iad", 50.0)]),
        ..PLAIN
    },
    Scene {
        code: "drain_waits",
        machines: "iad:1+0 lhr:1+0",
        variables: &[METRIC, QUERY, BY, ONLY_IAD, EACH_STARTED, EXCLUDED, DRAIN],
        before: |stage, _| traffic(stage, &[("iad", 100.0)]),
        ..PLAIN
    },
    Scene {
        code: "region_resting",
        machines: "iad:1+0",
        variables: &[METRIC, QUERY, BY, REGIONS, EACH_CREATED],
        before: |stage, _| {
            stage.sim.world().set_capacity(&Region::new("lhr"), Some(0));
            traffic(stage, &[("iad", 50.0), ("lhr", 50.0)]);
        },
        ..PLAIN
    },
    Scene {
        code: "region_passed_over",
        machines: "iad:1+0",
        variables: &[CREATED, ("FAS_REGIONS", "lhr,iad")],
        before: |stage, tick| {
            stage.sim.world().set_capacity(&Region::new("lhr"), Some(0));
            stage.queue(if tick == 0 { 20.0 } else { 30.0 });
        },
        ..PLAIN
    },
    Scene {
        code: "no_region",
        machines: "iad:1+0",
        variables: &[CREATED, ("FAS_EXCLUDED_REGIONS", "iad")],
        ..PLAIN
    },
    Scene {
        code: "app_wide_held",
        variables: &[STARTED, REGIONS, ("FAS_REGION_STARTED_MACHINE_COUNT", "1")],
        before: |stage, _| fail(stage, Endpoint::PrometheusQuery),
        ..PLAIN
    },
    Scene {
        code: "keeps_clone_source",
        machines: "iad:0+1",
        variables: &[
            REGIONS,
            ("FAS_CREATED_MACHINE_COUNT_IAD", "0"),
            ("FAS_CREATED_MACHINE_COUNT_LHR", "1"),
        ],
        ..PLAIN
    },
    Scene {
        code: "keeps_last_machine",
        machines: "iad:0+1",
        variables: &[ONLY_IAD, ("FAS_CREATED_MACHINE_COUNT_IAD", "0")],
        ..PLAIN
    },
    Scene { code: "no_machines", variables: &[STARTED, ("FAS_PROCESS_GROUP", "worker")], ..PLAIN },
    Scene { code: "not_enough_stopped", machines: "iad:1+0", ..PLAIN },
    Scene {
        code: "not_enough_started",
        queue: 10.0,
        before: |stage, _| set_first(stage, 2, &MachineState::Starting),
        ..PLAIN
    },
    Scene {
        code: "cannot_suspend",
        variables: &[STARTED, ("FAS_STOP_ACTION", "suspend")],
        queue: 10.0,
        app: |app| {
            configured(app, "guest", json!({ "cpus": 1, "cpu_kind": "shared", "memory_mb": 4096 }))
        },
        ..PLAIN
    },
    Scene {
        code: "not_enough_destroyable",
        machines: "iad:3+0",
        variables: &[CREATED],
        queue: 10.0,
        before: |stage, _| set_first(stage, 2, &MachineState::Updating),
        ..PLAIN
    },
    Scene {
        code: "not_listed_yet",
        machines: "iad:1+0",
        variables: &[CREATED],
        before: |stage, tick| {
            stage.sim.world().set_list_lag(Duration::from_secs(60));
            stage.queue(if tick == 0 { 30.0 } else { 10.0 });
        },
        ..PLAIN
    },
    Scene { code: "destroy_brake", machines: "iad:2+8", variables: &[CREATED], ..PLAIN },
    Scene {
        code: "min_above_max",
        variables: &[
            ("FAS_MIN_STARTED_MACHINE_COUNT", "ceil(queue_depth / 5)"),
            ("FAS_MAX_STARTED_MACHINE_COUNT", "3"),
        ],
        ..PLAIN
    },
    Scene {
        code: "metric_failed",
        before: |stage, _| fail(stage, Endpoint::PrometheusQuery),
        ..PLAIN
    },
    Scene {
        code: "scale_down_held",
        variables: &[STARTED, ("FAS_PROMETHEUS_ON_FAILURE", "hold-scale-down")],
        before: |stage, tick| {
            if tick == 1 {
                fail(stage, Endpoint::PrometheusQuery);
            }
        },
        ..PLAIN
    },
    Scene {
        code: "expression_failed",
        variables: &[("FAS_STARTED_MACHINE_COUNT", "10 / (queue_depth - 20)")],
        ..PLAIN
    },
    Scene {
        code: "no_history",
        variables: &[("FAS_STARTED_MACHINE_COUNT", r#"avg_over("queue_depth", "1h") / 10"#)],
        before: |stage, _| fail(stage, Endpoint::PrometheusQueryRange),
        ..PLAIN
    },
    Scene {
        code: "fleet_unhealthy",
        machines: "iad:5+5",
        variables: &[CREATED],
        queue: 120.0,
        before: |stage, _| {
            for (id, _) in stage.states().iter().step_by(2) {
                stage.sim.world().set_host_status(&web(), id, HostStatus::Unreachable).unwrap();
            }
        },
        ..PLAIN
    },
    Scene {
        code: "regions_unread",
        variables: &[CREATED],
        queue: 30.0,
        before: |stage, _| {
            stage.sim.world().set_error_regions("acme", &[Region::new("iad")]);
        },
        is_one_of_many: true,
        ..PLAIN
    },
    Scene {
        code: "no_machine_to_clone",
        variables: &[CREATED, ("FAS_PROCESS_GROUP", "worker")],
        ..PLAIN
    },
    Scene {
        code: "volumes_needed",
        variables: &[CREATED],
        queue: 30.0,
        app: |app| {
            configured(
                app,
                "mounts",
                json!([{ "volume": "vol_1", "name": "data", "path": "/data" }]),
            )
        },
        ..PLAIN
    },
    Scene {
        code: "cannot_clone_volumes",
        variables: &[CREATED],
        queue: 30.0,
        app: |app| {
            let mount = |name: &str| json!({ "volume": "vol_1", "name": name, "path": "/data" });
            configured(app, "mounts", json!([mount("data"), mount("more")]))
        },
        ..PLAIN
    },
    Scene {
        code: "volumes_unread",
        variables: &[CREATED],
        queue: 30.0,
        app: |app| {
            configured(
                app,
                "mounts",
                json!([{ "volume": "vol_1", "name": "data", "path": "/data" }]),
            )
        },
        before: |stage, _| fail(stage, Endpoint::VolumeList),
        ..PLAIN
    },
    Scene {
        code: "release_in_progress",
        machines: "iad:1+1",
        before: |stage, _| release(stage, Duration::ZERO),
        ..PLAIN
    },
    Scene {
        code: "release_abandoned",
        machines: "iad:1+1",
        before: |stage, _| release(stage, Duration::from_secs(7200)),
        ..PLAIN
    },
    Scene {
        code: "release_unreadable",
        machines: "iad:1+1",
        before: |stage, _| {
            fail(stage, Endpoint::Graphql);
            fail(stage, Endpoint::ReleaseCurrent);
        },
        ..PLAIN
    },
    Scene {
        code: "lease_held",
        variables: &[CREATED],
        queue: 30.0,
        before: |stage, _| {
            for (id, _) in stage.states() {
                stage.sim.world().lease(&web(), &id, Duration::from_secs(300)).unwrap();
            }
        },
        ..PLAIN
    },
    Scene {
        code: "lease_failed",
        variables: &[CREATED],
        queue: 30.0,
        before: |stage, _| fail(stage, Endpoint::LeaseAcquire),
        ..PLAIN
    },
];

const CORDON: (&str, &str) = ("FAS_CORDON_BEFORE_STOP", "5m");

fn traffic(stage: &Stage, rates: &[(&str, f64)]) {
    for (region, rate) in rates {
        stage.sim.world().set_traffic(&web(), &Region::new(region), Some(*rate)).unwrap();
    }
}

fn fail(stage: &Stage, endpoint: Endpoint) {
    let body = r#"{"error":"we are sorry"}"#.to_owned();
    let kind = FaultKind::Status { code: 400, body, retry_after: None };
    stage.sim.world().inject(FaultRule::always(endpoint, kind));
}

fn set_first(stage: &Stage, count: usize, state: &MachineState) {
    for (id, _) in stage.states().iter().take(count) {
        stage.sim.world().set_state(&web(), id, state.clone()).unwrap();
    }
}

/// A release that has been running for so long.
fn release(stage: &Stage, age: Duration) {
    let created_at: Timestamp = stage.clock.now().minus(age);
    let release = ReleaseSpec { version: 7, status: "running".to_owned(), created_at };
    stage.sim.world().set_release(&web(), Some(release)).unwrap();
}

/// The app with `value` for `key` in the config of its machines.
fn configured(mut app: AppSpec, key: &str, value: serde_json::Value) -> AppSpec {
    let mut config = deployed_config(&app.name, &app.group, 1);
    config[key] = value;
    app.config = Some(config);
    app
}
