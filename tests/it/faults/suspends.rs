//! Whole ticks with `stop-action: suspend`: down by suspending and up again, and what becomes of machines
//! that Fly cannot suspend.

use std::time::Duration;

use fly_autoscaler::model::{ProcessGroup, Region};
use fly_autoscaler::sim::{Endpoint, FaultKind, FaultRule, MachineSpec, deployed_config};
use fly_autoscaler::status::Tick;
use fly_autoscaler::transport::{Timeouts, client};

use super::{CREATED, INTERVAL, MachineState, STARTED, Stage, web};

const SUSPEND: (&str, &str) = ("FAS_STOP_ACTION", "suspend");

/// How many machines are in each state: started, stopped, suspended.
fn count(stage: &Stage) -> [usize; 3] {
    let states = stage.states();
    [MachineState::Started, MachineState::Stopped, MachineState::Suspended]
        .map(|wanted| states.iter().filter(|(_, state)| *state == wanted).count())
}

/// How often Fly was asked: to stop, to suspend, to start.
fn asked(stage: &Stage) -> [u64; 3] {
    [Endpoint::Stop, Endpoint::Suspend, Endpoint::Start]
        .map(|endpoint| stage.sim.world().total(endpoint))
}

/// What the plan of a tick says about machines that are stopped, not suspended.
fn not_suspended(tick: &Tick) -> Option<String> {
    let scopes = &tick.plan.as_ref().unwrap().scopes;
    let reason = scopes[0].reasons.iter().find(|reason| reason.code() == "cannot_suspend");
    reason.map(ToString::to_string)
}

#[tokio::test]
async fn down_by_suspending_and_up_again_by_resuming_what_was_suspended() {
    for lag in [0, 5, 40] {
        let stage = Stage::new(4, 2, 10.0).await;
        stage.sim.world().set_list_lag(Duration::from_secs(lag));
        let mut scaler = stage.scaler("s1", &[STARTED, SUSPEND]);
        // Ticks that follow each other faster than the list can show what they did.
        for _ in 0..4 {
            scaler.tick().await;
            stage.clock.advance(Duration::from_secs(3));
        }
        stage.clock.advance(INTERVAL);
        assert_eq!((count(&stage), asked(&stage)), ([1, 2, 3], [0, 3, 0]), "list {lag} s behind");

        stage.clock.advance(Duration::from_secs(60));
        stage.queue(30.0);
        stage.tick(&mut scaler).await;
        assert_eq!((count(&stage), asked(&stage)), ([3, 2, 1], [0, 3, 2]), "the suspended ones");
        stage.clock.advance(Duration::from_secs(60));
        stage.queue(60.0);
        stage.tick(&mut scaler).await;
        assert_eq!((count(&stage), asked(&stage)), ([6, 0, 0], [0, 3, 5]), "then the others");
    }
}

#[tokio::test]
async fn a_machine_that_is_too_large_is_stopped_and_nobody_asks_fly_to_suspend_it() {
    let stage = Stage::new(1, 0, 0.0).await;
    let mut config = deployed_config(&web(), &ProcessGroup::new("app"), 1);
    config["guest"]["memory_mb"] = 4096.into();
    let (region, state) = (Region::new("iad"), MachineState::Started);
    let large = MachineSpec { region, state, config: Some(config) };
    stage.sim.world().add_machine(&web(), large).unwrap();
    let mut scaler = stage.scaler("s1", &[STARTED, SUSPEND]);
    let tick = stage.tick(&mut scaler).await;
    assert_eq!(
        not_suspended(&tick).as_deref(),
        Some("1 stopped, not suspended: 1 with more than 2 GB of memory")
    );
    assert_eq!((count(&stage), asked(&stage)), ([0, 1, 1], [1, 1, 0]));
    assert_eq!(stage.sim.world().count(Endpoint::Suspend, Some(412)), 0);
}

#[tokio::test]
async fn what_fly_refuses_to_suspend_is_stopped_by_the_next_tick() {
    let stage = Stage::new(3, 0, 10.0).await;
    let body = r#"{"error":"failed_precondition: this machine cannot be suspended"}"#.into();
    let refusal = FaultKind::Status { code: 412, body, retry_after: None };
    stage.sim.world().inject(FaultRule::always(Endpoint::Suspend, refusal));
    let mut scaler = stage.scaler("s1", &[STARTED, SUSPEND]);
    let said = stage.say(&stage.tick(&mut scaler).await);
    let want = "failed: suspend ID in iad: failed, suspend machine ID: 412 failed_precondition: this machine \
                cannot be suspended (fly-request-id REQ)";
    assert_eq!(said, want);
    assert_eq!((count(&stage), asked(&stage)), ([3, 0, 0], [0, 3, 0]), "each once");

    let tick = stage.tick(&mut scaler).await;
    assert_eq!(
        not_suspended(&tick).as_deref(),
        Some("2 stopped, not suspended: 2 that Fly refused to suspend")
    );
    assert_eq!((count(&stage), asked(&stage)), ([1, 2, 0], [2, 3, 0]), "and never again");

    // Nor when it runs again, for some hours: then it is worth another try.
    for (wait, asked_then, left) in [(0, [4, 3, 2], [1, 2, 0]), (7, [4, 5, 4], [1, 0, 2])] {
        stage.clock.advance(Duration::from_secs(wait * 3600));
        if wait > 0 {
            stage.sim.world().clear_faults();
        }
        stage.queue(30.0);
        stage.tick(&mut scaler).await;
        stage.queue(10.0);
        stage.tick(&mut scaler).await;
        assert_eq!((count(&stage), asked(&stage)), (left, asked_then), "{wait} hours later");
    }
}

#[tokio::test]
async fn the_simulator_refuses_what_fly_cannot_suspend() {
    type Change<'a> = &'a dyn Fn(&mut serde_json::Value);
    let table: [(Option<&str>, Change<'_>); 6] = [
        (None, &|_| {}),
        (Some("more than 2 GB of memory"), &|config| config["guest"]["memory_mb"] = 2049.into()),
        (Some("swap"), &|config| config["init"]["swap_size_mb"] = 512.into()),
        (Some("a schedule"), &|config| config["schedule"] = "daily".into()),
        (Some("a GPU"), &|config| config["guest"]["gpu_kind"] = "a10".into()),
        (Some("a GPU"), &|config| config["guest"]["gpus"] = 1.into()),
    ];
    let stage = Stage::new(0, 0, 0.0).await;
    let http = client(Timeouts::default()).unwrap();
    for (why, change) in table {
        let mut config = deployed_config(&web(), &ProcessGroup::new("app"), 1);
        change(&mut config);
        let (region, state) = (Region::new("iad"), MachineState::Started);
        let spec = MachineSpec { region, state, config: Some(config) };
        let id = stage.sim.world().add_machine(&web(), spec).unwrap();
        let url = format!("{}/v1/apps/web/machines/{id}/suspend", stage.sim.url());
        let answer = http.post(url).bearer_auth("fm2_x").send().await.unwrap();
        let (status, said) = (answer.status().as_u16(), answer.text().await.unwrap());
        match why {
            None => assert_eq!((status, said.as_str()), (200, r#"{"ok":true}"#)),
            Some(why) => {
                let want = format!("machine {id} has {why} and cannot be suspended");
                assert!(status == 412 && said.contains(&want), "{status} {said}");
            }
        }
    }
}

#[tokio::test]
async fn a_suspended_machine_is_destroyed_and_one_to_be_destroyed_is_never_suspended() {
    let stage = Stage::new(4, 0, 20.0).await;
    let mut scaler = stage.scaler("s1", &[STARTED, SUSPEND]);
    stage.tick(&mut scaler).await;
    assert_eq!(count(&stage), [2, 0, 2]);
    // Three of four have to go, one of which runs.
    stage.queue(10.0);
    let mut scaler = stage.scaler("s2", &[CREATED, SUSPEND, ("FAS_DESTROY_BRAKE", "off")]);
    stage.settles(&mut scaler, (1, 1), "one is left").await;
    assert_eq!((count(&stage), asked(&stage)), ([1, 0, 0], [1, 2, 0]));
}

#[tokio::test]
async fn a_suspend_whose_answer_is_lost_is_not_made_up_for() {
    for kind in [FaultKind::Reset, FaultKind::Html200, FaultKind::Garbage] {
        let stage = Stage::new(3, 0, 20.0).await;
        let rule = FaultRule::once(Endpoint::Suspend, kind.clone()).after();
        stage.sim.world().inject(rule);
        let mut scaler = stage.scaler("s1", &[STARTED, SUSPEND]);
        let said = stage.say(&stage.tick(&mut scaler).await);
        assert!(said.contains("may have happened"), "{kind:?}: {said}");
        stage.tick(&mut scaler).await;
        assert_eq!((count(&stage), asked(&stage)), ([2, 0, 1], [0, 1, 0]), "{kind:?}");
    }
}
