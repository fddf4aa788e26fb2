//! `stop-action: suspend`, from outside: what `plan` says and what `serve` then does and shows.

use std::sync::Arc;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::model::{AppName, MachineState, ProcessGroup, Region};
use fly_autoscaler::sim::{
    AppSpec, Endpoint, FaultKind, FaultRule, MachineSpec, SimOptions, Simulator, deployed_config,
};
use insta::assert_snapshot;
use serde_json::Value;

use super::plan::plan;
use super::{Fly, my_app};
use crate::running::{Autoscaler, until};

const SUSPEND: (&str, &str) = ("FAS_STOP_ACTION", "suspend");

fn app() -> AppName {
    AppName::new("my-app")
}

/// A machine that runs, with so much memory.
fn running(memory_mb: u32) -> MachineSpec {
    let mut config = deployed_config(&app(), &ProcessGroup::new("app"), 1);
    config["guest"]["memory_mb"] = memory_mb.into();
    MachineSpec { region: Region::new("iad"), state: MachineState::Started, config: Some(config) }
}

#[tokio::test]
async fn a_plan_says_which_machines_it_would_suspend_and_which_not() {
    let fly = Fly::with(&my_app(2, 0, 10.0)).await;
    for memory_mb in [4096, 8192] {
        fly.simulator.world().add_machine(&app(), running(memory_mb)).unwrap();
    }
    let env = [("FAS_STARTED_MACHINE_COUNT", "0"), SUSPEND];
    assert_snapshot!(plan(&fly, &env).await, @"
    exit 3
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  10

    machines of app  started
      iad                  4

    plan for app  created  started
      observed          4        4
      wanted            -        0
      target            -        0

      4 started, at most 0 wanted [above_max]
      2 stopped, not suspended: 2 with more than 2 GB of memory [cannot_suspend]
        stop 2460a1ddbfa683 in iad
        suspend 94b35983cf8a35 in iad
        suspend ac9b412dd47c47 in iad
        stop baefd88d43db45 in iad
          by id: 4 of 4 that run

    would stop 2 and suspend 2 machines
    ");
}

/// The line of `/metrics` that begins with `series`.
async fn counter(scaler: &Autoscaler, series: &str) -> String {
    let text = scaler.get("/metrics").await.1;
    let line = text.lines().find(|line| line.starts_with(series));
    line.unwrap_or_else(|| panic!("no {series}")).to_owned()
}

#[tokio::test]
async fn serve_suspends_and_stops_what_fly_refuses_to_suspend() {
    let sim = Simulator::start(SimOptions::new(Arc::new(SystemClock))).await.unwrap();
    sim.world().add_app(&AppSpec::new("my-app", "my-org").with_machines("iad", 3, 0));
    let body = r#"{"error":"failed_precondition: not this one"}"#.into();
    let refusal = FaultKind::Status { code: 412, body, retry_after: None };
    sim.world().inject(FaultRule::once(Endpoint::Suspend, refusal));
    let url = sim.url();
    let scaler = Autoscaler::start(&[
        ("FAS_APP_NAME", "my-app"),
        ("FAS_API_TOKEN", "fm2_test"),
        ("FAS_INTERVAL", "1s"),
        ("FAS_STARTED_MACHINE_COUNT", "0"),
        ("FLY_FLAPS_BASE_URL", &url),
        ("FLY_API_BASE_URL", &url),
        SUSPEND,
    ])
    .await;
    let told = || scaler.program.told();
    until("two suspended machines and one stopped", told, async || {
        let machines = sim.world().machines(&app()).unwrap();
        let mut states: Vec<_> = machines.iter().map(|machine| machine.state.to_string()).collect();
        states.sort();
        let wanted = states == ["stopped", "suspended", "suspended"];
        if wanted { Ok(()) } else { Err(states.join(" ")) }
    })
    .await;
    assert_eq!(sim.world().total(Endpoint::Suspend), 3, "the refused one is not asked for again");

    let failed: Value = serde_json::from_str(
        &scaler
            .program
            .line("which suspend failed", |line| {
                line.contains("failed: suspend").then(|| line.to_owned())
            })
            .await,
    )
    .unwrap();
    assert_eq!(failed["next"], "the next tick stops it instead");
    assert_eq!((&failed["class"], &failed["action"]), (&"unsupported".into(), &"suspend".into()));

    let status = until("the tick that stopped it", told, async || {
        let action = scaler.status().await["apps"][0]["last_action"].clone();
        let stopped = action["outcomes"][0]["action"] == "stop";
        if stopped { Ok(action) } else { Err(action.to_string()) }
    })
    .await;
    let reasons = status["plan"]["scopes"][0]["reasons"].as_array().unwrap();
    let reason = reasons.iter().find(|reason| reason["code"] == "cannot_suspend").unwrap();
    assert_eq!(
        reason,
        &serde_json::json!({
            "code": "cannot_suspend", "count": 1, "why": { "refused": 1 },
            "text": "1 stopped, not suspended: 1 that Fly refused to suspend",
        })
    );
    for series in [
        r#"fas_machine_suspend_count{status="failed"} 1"#,
        r#"fas_machine_suspend_count{status="ok"} 2"#,
        r#"fas_machine_stop_count{status="ok"} 1"#,
        r#"fas_reconcile_count{status="suspend"} 1"#,
        r#"fas_reconcile_count{status="stop"} 1"#,
    ] {
        let name = series.split(' ').next().unwrap();
        assert_eq!(counter(&scaler, name).await, series);
    }
}
