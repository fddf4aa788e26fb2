//! Whole ticks of an app whose machines mount a volume: each new machine has one of its own, whatever
//! the lists show and whatever fails.

use std::collections::BTreeSet;
use std::time::Duration;

use fly_autoscaler::model::{ProcessGroup, Region};
use fly_autoscaler::sim::{AppSpec, Endpoint, FaultKind, FaultRule, MachineSpec, deployed_config};

use super::{CREATED, INTERVAL, MachineState, Stage, web};

const CREATE: (&str, &str) = ("FAS_VOLUMES", "create");

/// One machine in `iad` that mounts the volume `data`, `free` more volumes of that name, and a queue
/// for `wanted` machines.
async fn stage(free: usize, wanted: u32) -> Stage {
    let stage = Stage::with(AppSpec::new("web", "acme"), f64::from(wanted) * 10.0).await;
    let (world, iad) = (stage.sim.world(), Region::new("iad"));
    let volume = world.add_volume(&web(), "data", &iad, 7).unwrap();
    let mut config = deployed_config(&web(), &ProcessGroup::new("app"), 1);
    config["image"] = "registry.fly.io/web:v1".into();
    config["mounts"] = serde_json::json!([{"volume": volume, "name": "data", "path": "/data"}]);
    let state = MachineState::Started;
    let spec = MachineSpec { region: iad.clone(), state, config: Some(config) };
    world.add_machine(&web(), spec).unwrap();
    for _ in 0..free {
        world.add_volume(&web(), "data", &iad, 7).unwrap();
    }
    stage.clock.advance(Duration::from_secs(3600));
    stage
}

/// The volumes that the machines mount, of which no two are the same.
fn mounted(stage: &Stage) -> usize {
    let machines = stage.sim.world().machines(&web()).unwrap();
    let mounted: BTreeSet<String> = machines
        .iter()
        .map(|machine| machine.config["mounts"][0]["volume"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(mounted.len(), machines.len(), "{mounted:?}");
    mounted.len()
}

#[tokio::test]
async fn from_one_to_three_with_one_volume_to_spare() {
    for lag in [0, 5, 40] {
        let stage = stage(1, 3).await;
        stage.sim.world().set_list_lag(Duration::from_secs(lag));
        let mut scaler = stage.scaler("s1", &[CREATED, CREATE]);
        // Ticks that follow each other faster than the list can show what they did.
        for _ in 0..10 {
            scaler.tick().await;
            stage.clock.advance(Duration::from_secs(2));
        }
        stage.settles(&mut scaler, (3, 3), &format!("list {lag} s behind")).await;
        assert_eq!(mounted(&stage), 3);
        let world = stage.sim.world();
        assert_eq!(world.machines_made(&web()).unwrap(), 3);
        assert_eq!(world.total(Endpoint::VolumeCreate), 1);
        assert_eq!(world.total(Endpoint::VolumeDelete), 0);
        assert_eq!(world.count(Endpoint::Create, Some(412)), 0, "no volume is asked for twice");
    }
}

#[tokio::test]
async fn without_leave_to_make_volumes_it_holds_when_there_are_none_left() {
    let stage = stage(1, 3).await;
    let mut scaler = stage.scaler("s1", &[CREATED]);
    stage.tick(&mut scaler).await;
    stage.tick(&mut scaler).await;
    assert_eq!((stage.fleet(), mounted(&stage)), ((2, 2), 2));
    let said = stage.say(&stage.tick(&mut scaler).await);
    let want = "held: a clone of machine ID needs a volume data, and none is unattached in iad; make one \
                (fly volumes create data -r iad), or set volumes: create (FAS_VOLUMES)";
    assert_eq!(said, want);
    assert_eq!(stage.sim.world().total(Endpoint::VolumeCreate), 0);
}

#[tokio::test]
async fn a_quiet_tick_does_not_ask_for_volumes() {
    let stage = stage(1, 1).await;
    let mut scaler = stage.scaler("s1", &[CREATED, CREATE]);
    stage.tick(&mut scaler).await;
    assert_eq!(stage.sim.world().total(Endpoint::VolumeList), 0);
}

#[tokio::test]
async fn volumes_that_cannot_be_read_hold_the_create() {
    let stage = stage(1, 3).await;
    let refusal =
        FaultKind::Status { code: 422, body: r#"{"error":"words"}"#.into(), retry_after: None };
    stage.sim.world().inject(FaultRule::always(Endpoint::VolumeList, refusal));
    let mut scaler = stage.scaler("s1", &[CREATED, CREATE]);
    let said = stage.say(&stage.tick(&mut scaler).await);
    let want = "held: machine ID mounts a volume, and the app's volumes could not be read: \
                list volumes web: 422 words";
    assert!(said.starts_with(want), "{said}");
    assert_eq!(stage.changes(), 0);
    stage.sim.world().clear_faults();
    stage.settles(&mut scaler, (3, 3), "once they can be").await;
}

#[tokio::test]
async fn volumes_that_cannot_be_read_under_the_lease_count_as_those_before_it() {
    for (code, fly_failed) in [(401, true), (429, true), (500, true), (422, false)] {
        let stage = stage(1, 3).await;
        let world = stage.sim.world();
        let kind = FaultKind::Status { code, body: "{}".into(), retry_after: None };
        // The first list of volumes is answered as it should be, only not at once.
        let slow = FaultKind::Delay(Duration::from_millis(1));
        world.inject(FaultRule::once(Endpoint::VolumeList, slow));
        world.inject(FaultRule::always(Endpoint::VolumeList, kind));
        let mut scaler = stage.scaler("s1", &[CREATED, CREATE]);
        let tick = stage.tick(&mut scaler).await;
        let said = stage.say(&tick);
        assert!(said.starts_with("held: ") && said.contains("could not be read"), "{said}");
        assert!(world.count(Endpoint::VolumeList, Some(200)) == 1, "{code}");
        assert!(world.total(Endpoint::LeaseAcquire) == 1, "{code}");
        assert_eq!(tick.fly_failed, fly_failed, "{code}: {said}");
        world.clear_faults();
        stage.settles(&mut scaler, (3, 3), "once they can be").await;
    }
}

#[tokio::test]
async fn a_volume_made_in_vain_is_used_by_the_next_create() {
    for lag in [0, 5, 40] {
        let stage = stage(0, 2).await;
        let world = stage.sim.world();
        world.set_list_lag(Duration::from_secs(lag));
        let refusal =
            FaultKind::Status { code: 422, body: r#"{"error":"words"}"#.into(), retry_after: None };
        world.inject(FaultRule::always(Endpoint::Create, refusal));
        let mut scaler = stage.scaler("s1", &[CREATED, CREATE]);
        let said = stage.say(&scaler.tick().await);
        assert!(said.contains(", made for it, is left for the next create"), "{said}");
        // Ticks that come before the list shows it; the machine is refused again.
        for _ in 0..3 {
            stage.clock.advance(Duration::from_secs(4));
            scaler.tick().await;
        }
        world.clear_faults();
        stage.clock.advance(INTERVAL);
        stage.settles(&mut scaler, (2, 2), &format!("list {lag} s behind")).await;
        assert_eq!((mounted(&stage), world.total(Endpoint::VolumeCreate)), (2, 1), "{lag}");
    }
}
