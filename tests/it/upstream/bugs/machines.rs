//! Which machines are touched, and what new ones are made of.

use fly_autoscaler::model::{MachineId, MachineState, ProcessGroup, Region};
use fly_autoscaler::sim::{AppSpec, Endpoint, MachineSpec, deployed_config};
use serde_json::{Value, json};

use crate::faults::{CREATED, INTERVAL, STARTED, Stage, web};

fn place(stage: &Stage, state: MachineState, config: Option<Value>) -> MachineId {
    let spec = MachineSpec { region: Region::new("iad"), state, config };
    stage.sim.world().add_machine(&web(), spec).unwrap()
}

#[tokio::test]
async fn bug_08_suspended_machines_are_woken_and_destroyed() {
    for (count, depth, becomes) in [(STARTED, 20.0, (2, 2)), (CREATED, 10.0, (1, 1))] {
        let stage = Stage::new(1, 0, depth).await;
        place(&stage, MachineState::Suspended, None);
        let mut scaler = stage.scaler("s1", &[count]);
        stage.settles(&mut scaler, becomes, count.0).await;
    }
}

#[tokio::test]
async fn bug_08_machines_that_should_not_run_can_be_suspended() {
    let stage = Stage::new(2, 0, 10.0).await;
    let mut scaler = stage.scaler("s1", &[STARTED, ("FAS_STOP_ACTION", "suspend")]);
    stage.settles(&mut scaler, (2, 1), "down").await;
    let world = stage.sim.world();
    assert_eq!((world.total(Endpoint::Suspend), world.total(Endpoint::Stop)), (1, 0));
    stage.queue(20.0);
    stage.settles(&mut scaler, (2, 2), "up again").await;
}

/// Upstream destroys with `force`, and what it takes first is what the list has first.
#[tokio::test]
async fn bug_09_nothing_that_runs_is_destroyed_and_idle_machines_go_first() {
    let stage = Stage::new(4, 0, 40.0).await;
    for _ in 0..2 {
        place(&stage, MachineState::Stopped, None);
    }
    place(&stage, MachineState::Failed, None);
    let running = |stage: &Stage| stage.fleet().1;
    let world = stage.sim.world();
    let mut scaler = stage.scaler("s1", &[CREATED]);
    stage.tick(&mut scaler).await;
    assert_eq!((world.total(Endpoint::Destroy), world.total(Endpoint::Stop)), (3, 0));
    assert_eq!((stage.fleet(), running(&stage)), ((4, 4), 4));

    // Two that run: stopped in one tick, destroyed when they are.
    stage.queue(20.0);
    stage.tick(&mut scaler).await;
    assert_eq!((world.total(Endpoint::Destroy), world.total(Endpoint::Stop)), (3, 2));
    stage.clock.advance(INTERVAL);
    assert_eq!(stage.fleet(), (4, 2), "stopped, not destroyed");
    stage.settles(&mut scaler, (2, 2), "once they are stopped").await;
    assert_eq!((world.total(Endpoint::Destroy), world.total(Endpoint::Stop)), (5, 2));
}

#[tokio::test]
async fn bug_09_the_newest_or_the_oldest_machine_is_stopped_first() {
    for (order, first_to_stop) in [("oldest", 0), ("newest", 2)] {
        let stage = Stage::with(AppSpec::new("web", "acme"), 30.0).await;
        let mut by_age = Vec::new();
        for _ in 0..3 {
            by_age.push(place(&stage, MachineState::Started, None));
            stage.clock.advance(INTERVAL);
        }
        let mut scaler = stage.scaler("s1", &[STARTED, ("FAS_STOP_ORDER", order)]);
        stage.queue(20.0);
        stage.tick(&mut scaler).await;
        let stopped = stage.states().into_iter().find(|(_, state)| *state != MachineState::Started);
        assert_eq!(stopped.map(|(id, _)| id).as_ref(), Some(&by_age[first_to_stop]), "{order}");
    }
}

/// An app of which one machine has a volume and another is a standby for it.
async fn with_volume_and_standby(free_volumes: usize) -> (Stage, String) {
    let stage = Stage::with(AppSpec::new("web", "acme"), 20.0).await;
    let (world, iad) = (stage.sim.world(), Region::new("iad"));
    let volume = world.add_volume(&web(), "data", &iad, 3).unwrap();
    let mut config = deployed_config(&web(), &ProcessGroup::new("app"), 1);
    let mut standby = config.clone();
    standby["standbys"] = json!(["148e306b73d789"]);
    standby["env"]["FLY_STANDBY_FOR"] = "148e306b73d789".into();
    place(&stage, MachineState::Stopped, Some(standby));
    config["mounts"] = json!([{ "volume": volume, "name": "data", "path": "/data" }]);
    config["env"]["FLY_STANDBY_FOR"] = "148e306b73d789".into();
    config["a_key_of_next_year"] = json!({ "kept": true });
    place(&stage, MachineState::Started, Some(config));
    for _ in 0..free_volumes {
        world.add_volume(&web(), "data", &iad, 3).unwrap();
    }
    stage.clock.advance(INTERVAL * 240);
    (stage, volume)
}

#[tokio::test]
async fn bug_10_a_clone_takes_neither_the_volume_nor_the_standbys_of_its_source() {
    let (stage, volume) = with_volume_and_standby(1).await;
    let before: Vec<_> = stage.states().into_iter().map(|(id, _)| id).collect();
    let mut scaler = stage.scaler("s1", &[CREATED]);
    stage.tick(&mut scaler).await;
    let machines = stage.sim.world().machines(&web()).unwrap();
    let new: Vec<_> = machines.iter().filter(|own| !before.contains(&own.id)).collect();
    let [new] = new.as_slice() else { panic!("one new machine: {new:?}") };
    let config = &new.config;
    assert!(config["mounts"][0]["volume"].is_string());
    assert_ne!(config["mounts"][0]["volume"], *volume);
    assert_eq!(config.get("standbys"), None);
    assert_eq!(config["env"].get("FLY_STANDBY_FOR"), None);
    assert_eq!(config["a_key_of_next_year"], json!({ "kept": true }));
}

/// With upstream each such create is refused, and the create loop (bug 2) never ends.
#[tokio::test]
async fn bug_10_a_machine_whose_volume_cannot_be_had_twice_is_not_asked_for() {
    let (stage, _) = with_volume_and_standby(0).await;
    let mut scaler = stage.scaler("s1", &[CREATED]);
    let said = stage.say(&stage.tick(&mut scaler).await);
    assert!(said.starts_with("held: a clone of machine ID needs a volume data"), "{said}");
    assert_eq!(stage.changes(), 0);
}
